"""Tests mirror the packages; `fakes` are strict stand-ins for the providers, `e2e` runs the real proxy between them and the real SDKs."""

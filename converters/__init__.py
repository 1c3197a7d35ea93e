"""Protocols. Pure and sans-io: no clock, no network, no logging; bytes and values in, bytes and values out."""

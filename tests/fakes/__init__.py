"""Strict fake providers: they refuse what the real ones refuse and can break in every way the real ones break."""

"""Whose certificates are trusted."""

import ssl

from creds.tls import authorities


def test_certificates_and_names_are_checked_and_the_authorities_are_read_once() -> None:
    context = authorities()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert authorities() is context

"""PKCE and state."""

import re

from creds.pkce import METHOD, Pkce, fresh_pkce, fresh_state

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_the_example_of_rfc_7636_appendix_b() -> None:
    assert Pkce(VERIFIER).challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert METHOD == "S256"


def test_the_verifier_is_of_32_fresh_bytes() -> None:
    octets = bytes([116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186])
    octets += bytes([22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121])
    assert fresh_pkce(lambda count: octets[:count]).verifier == VERIFIER
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", fresh_pkce().verifier)
    assert fresh_pkce() != fresh_pkce()


def test_the_state_is_of_32_fresh_bytes() -> None:
    assert fresh_state(bytes) == "00" * 32
    assert fresh_state() != fresh_state()


def test_28_the_verifier_is_not_shown() -> None:
    assert VERIFIER not in repr(Pkce(VERIFIER))

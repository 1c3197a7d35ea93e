"""What a token is, when it ends, and what may be said of it."""

import pytest

from creds.account import CredentialError
from creds.token import Dead, Missing, Token, Unavailable, end_after, quoted


def test_a_token_shows_no_secret() -> None:
    token = Token("ya29.hunter2", "1//hunter2", 5.0, {"client_secret": "hunter2"})
    assert "hunter2" not in f"{token!r} {token} {[token]}"
    assert "5.0" in repr(token)


@pytest.mark.parametrize("bad", ["hunter 2", "a\r\nx-evil: 1", "a\x00", "hüter"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(bad: str) -> None:
    for access, refresh in ((bad, None), ("a", bad)):
        with pytest.raises(CredentialError) as caught:
            Token(access, refresh)
        assert bad not in str(caught.value)


def test_it_lasts_beyond_a_margin_or_not() -> None:
    token = Token("a", expires_at=1000)
    assert [token.lasts(now, margin) for now, margin in [(999, 0), (1000, 0), (699, 300), (700, 300)]] == [
        *(True, False, True, False)
    ]


def test_one_of_unknown_end_lasts_and_an_empty_one_does_not() -> None:
    assert Token("a").lasts(1e12, 1e6)
    assert not Token("", "r").lasts(0)


def test_a_refresh_that_names_no_refresh_token_keeps_the_old_one_and_what_else_is_known() -> None:
    old = Token("a1", "r1", 5, {"resource_url": "x", "email": "me"})
    new = old.renewed(Token("a2", None, 9, {"resource_url": "y"}))
    assert new == Token("a2", "r1", 9, {"resource_url": "y", "email": "me"})
    assert old.renewed(Token("a2", "r2")).refresh == "r2"


@pytest.mark.parametrize(
    ("expires_in", "end"),
    [(3599, 4599), ("3599", 4599), (1.5, 1001.5), (None, 0), ("soon", 0), (0, 0), (-1, 0), (10**400, 0), ([], 0)],
    ids=["number", "text", "fraction", "none", "word", "zero", "negative", "huge", "list"],
)
def test_the_end_comes_from_expires_in(expires_in: object, end: float) -> None:
    assert end_after(1000, expires_in) == end


def test_nan_is_no_end() -> None:
    assert end_after(1000, float("nan")) == 0


def test_what_a_server_said_is_one_short_line_without_secrets() -> None:
    assert quoted("bad\r\n\x1b[31m token r1  of c1", "r1", "c1", None, "") == "bad [31m token *** of ***"
    assert len(quoted("x" * 5000)) == 203


def test_every_error_of_a_token_is_a_credential_error() -> None:
    assert all(issubclass(kind, CredentialError) for kind in (Missing, Dead, Unavailable))

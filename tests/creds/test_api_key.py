"""API keys."""

import pytest

from creds.account import Account, CredentialError, Scheme
from creds.api_key import ApiKey, KeyRow, account_from, masked, parse_key


def test_a_key_goes_out_in_the_wires_own_header() -> None:
    key = ApiKey("sk-1")
    assert key.headers(Scheme.BEARER) == [(b"authorization", b"Bearer sk-1")]
    assert key.headers(Scheme.X_API_KEY) == [(b"x-api-key", b"sk-1")]
    assert key.headers(Scheme.X_GOOG_API_KEY) == [(b"x-goog-api-key", b"sk-1")]


def test_blanks_around_a_pasted_key_go() -> None:
    assert parse_key(" sk-1\n", "openai_api_key") == ApiKey("sk-1")


@pytest.mark.parametrize(
    "text", ["sk-hunter2\r\nx: y", "sk-hunter2 b", "sk-hunter2\x00", "sk-hunter2\u2026", "\x7fsk-hunter2"]
)
def test_a_key_that_would_break_the_request_head_is_refused(text: str) -> None:
    with pytest.raises(CredentialError) as caught:
        parse_key(text, "openai_api_key")
    assert "openai_api_key" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_empty_key_is_refused_by_name() -> None:
    with pytest.raises(CredentialError, match="claude_api_key is empty"):
        parse_key("  ", "claude_api_key")


def row(key: str = "sk-c", base_url: str = "https://a.example", version: str = "v1") -> KeyRow:
    return KeyRow("claude-custom", "claude-custom:work", "claude_api_key", key, base_url, version)


@pytest.mark.parametrize(("version", "url"), [("v1", "https://a.example/v1"), ("v1beta", "https://a.example/v1beta")])
def test_a_row_with_a_key_becomes_an_account_of_its_label(version: str, url: str) -> None:
    account = account_from(row(" sk-c ", version=version))
    assert account == Account("claude-custom", "claude-custom:work", url, ApiKey("sk-c"))


def test_a_row_without_a_key_is_no_account_whatever_else_it_says() -> None:
    assert account_from(row(" ", "nonsense")) is None


def test_a_bad_base_url_names_the_account() -> None:
    with pytest.raises(CredentialError, match="base URL of claude-custom:work: must begin"):
        account_from(row(base_url="a.example"))


def test_a_bad_key_names_its_setting() -> None:
    with pytest.raises(CredentialError, match="claude_api_key holds a blank"):
        account_from(row("sk c"))


def test_keys_do_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(ApiKey("hunter2"))
    assert "hunter2" not in repr(row("hunter2"))


@pytest.mark.parametrize(
    ("secret", "shown"), [("sk-abcdefghijklmnopqrst", "sk-...qrst"), ("1234567890123456789", "***"), ("", "***")]
)
def test_a_masked_secret_shows_little_and_a_short_one_nothing(secret: str, shown: str) -> None:
    assert masked(secret) == shown

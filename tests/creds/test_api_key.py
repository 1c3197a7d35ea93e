"""API keys."""

import pytest

from creds.account import CredentialError, Scheme
from creds.api_key import ApiKey, KeyRow, accounts_from, masked, parse_key


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


def test_rows_with_a_key_become_accounts_in_their_order() -> None:
    accounts = accounts_from(
        [
            KeyRow("claude-custom", "claude_api_key", "sk-c", "https://a.example"),
            KeyRow("openai-custom", "openai_api_key", " ", "https://b.example"),
            KeyRow("gemini-custom", "gemini_api_key", "sk-g", "https://c.example", "v1beta"),
        ]
    )
    assert [(a.provider, a.label, a.base_url) for a in accounts] == [
        ("claude-custom", "claude-custom:default", "https://a.example/v1"),
        ("gemini-custom", "gemini-custom:default", "https://c.example/v1beta"),
    ]
    assert accounts[0].credential == ApiKey("sk-c")


def test_a_bad_base_url_names_the_provider() -> None:
    with pytest.raises(CredentialError, match="base URL of claude-custom: must begin"):
        accounts_from([KeyRow("claude-custom", "claude_api_key", "sk-c", "a.example")])


def test_keys_do_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(ApiKey("hunter2"))
    assert "hunter2" not in repr(KeyRow("p", "s", "hunter2", "u"))


@pytest.mark.parametrize(
    ("secret", "shown"), [("sk-abcdefghijklmnopqrst", "sk-...qrst"), ("1234567890123456789", "***"), ("", "***")]
)
def test_a_masked_secret_shows_little_and_a_short_one_nothing(secret: str, shown: str) -> None:
    assert masked(secret) == shown

"""The client key: made, kept, compared."""

import re
import stat
from pathlib import Path

import pytest

from addons.client_key import (
    banner,
    check,
    ensure_key,
    is_loopback,
    key_path,
    local_url,
    new_key,
    presented_keys,
    refuse_open_bind,
)

LONG = "a-long-and-private-key"


def test_the_first_start_makes_a_key_and_keeps_it_private(own_environment: Path) -> None:
    key, is_new = ensure_key(own_environment, None)
    assert re.fullmatch(r"aic-[A-Za-z0-9_-]{43}", key)
    assert is_new
    assert stat.S_IMODE(key_path(own_environment).stat().st_mode) == 0o600
    assert stat.S_IMODE(own_environment.stat().st_mode) == 0o700
    assert ensure_key(own_environment, None) == (key, False)


def test_no_two_keys_are_alike(tmp_path: Path) -> None:
    assert len({new_key(tmp_path) for _ in range(5)}) == 5


def test_a_configured_key_wins_and_nothing_is_written(own_environment: Path) -> None:
    assert ensure_key(own_environment, "mine") == ("mine", False)
    assert not own_environment.exists()


@pytest.mark.parametrize("content", ["", "\n", "abc"])
def test_a_key_file_without_a_key_is_replaced(own_environment: Path, content: str) -> None:
    own_environment.mkdir()
    key_path(own_environment).write_text(content)
    key, is_new = ensure_key(own_environment, None)
    assert is_new
    assert len(key) == 47


def test_a_key_must_be_ours_to_the_byte() -> None:
    assert check(b"aic-1", b"aic-1")
    assert not check(b"aic-2", b"aic-1")
    assert not check(b"", b"aic-1")
    assert not check("schlüssel".encode(), b"aic-1")


@pytest.mark.parametrize(
    ("headers", "query", "keys"),
    [
        ([], b"", []),
        ([(b"Authorization", b"Bearer k1")], b"", [b"k1"]),
        ([(b"authorization", b"bearer  k1 ")], b"", [b"k1"]),
        ([(b"Authorization", b"Basic k1")], b"", []),
        ([(b"Authorization", b"Bearer")], b"", []),
        ([(b"Authorization", b"k1")], b"", []),
        ([(b"X-Api-Key", b"k1"), (b"x-goog-api-key", b"k2")], b"", [b"k1", b"k2"]),
        ([(b"Authorization", b"Bearer k1"), (b"x-api-key", b"k2")], b"key=k3", [b"k1", b"k2", b"k3"]),
        ([], b"alt=sse&key=k%2D1", [b"k-1"]),
        ([], b"key=", []),
        ([], b"monkey=k1", []),
        ([], b"key=%ff%00", [b"\xff\x00"]),
        ([(b"x-api-key", b"\xff\xfe")], b"", [b"\xff\xfe"]),
        ([(b"cookie", b"key=k1"), (b"proxy-authorization", b"Bearer k1")], b"", []),
    ],
)
def test_a_key_is_found_wherever_a_protocol_carries_it(
    headers: list[tuple[bytes, bytes]], query: bytes, keys: list[bytes]
) -> None:
    assert presented_keys(headers, query) == keys


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key_of_ones_own(host: str) -> None:
    assert is_loopback(host)
    assert refuse_open_bind(host, None) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "my-host", "localhost.example.com", "", "1.2.3"])
def test_beyond_loopback_a_key_must_be_set(host: str) -> None:
    assert not is_loopback(host)
    refusal = refuse_open_bind(host, None)
    assert refusal
    assert "AICLIENT_API_KEY" in refusal
    assert refuse_open_bind(host, LONG) is None


@pytest.mark.parametrize(
    "key", ["123456", "admin123", "sk-1234", "test", "changeme", "ChangeMe", "1234567", "your-api-key"]
)
def test_a_key_that_everybody_knows_is_refused_beyond_loopback(key: str) -> None:
    refusal = refuse_open_bind("0.0.0.0", key)
    assert refusal
    assert key not in refusal
    assert refuse_open_bind("127.0.0.1", key) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_the_url_can_be_called_from_this_machine(host: str, url: str) -> None:
    assert local_url(host, 80) == url


def test_the_first_banner_shows_the_key_and_lines_to_paste() -> None:
    text = banner("127.0.0.1", 3000, "aic-1", ["openai-custom:default"], Path("/home-of/client_key"))
    assert "client key: aic-1" in text
    assert "openai-custom:default" in text
    assert 'curl http://127.0.0.1:3000/v1/models -H "Authorization: Bearer aic-1"' in text
    assert 'ANTHROPIC_BASE_URL=http://127.0.0.1:3000 ANTHROPIC_AUTH_TOKEN="aic-1" claude' in text
    assert 'OPENAI_BASE_URL=http://127.0.0.1:3000/v1 OPENAI_API_KEY="aic-1"' in text


def test_later_banners_say_where_the_key_is() -> None:
    text = banner("127.0.0.1", 3000, None, [], Path("/home-of/client_key"))
    assert "aic-" not in text
    assert "key file: /home-of/client_key" in text
    assert """OPENAI_API_KEY="$(cat '/home-of/client_key')\"""" in text


def test_a_configured_key_is_never_shown() -> None:
    assert 'OPENAI_API_KEY="YOUR_API_KEY"' in banner("127.0.0.1", 3000, None, [], None)

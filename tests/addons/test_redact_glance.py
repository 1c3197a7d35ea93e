"""A glance must never overlook what the patterns find."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import redact_rules
from addons.redact_glance import glance
from addons.redact_rules import Rules, spellings

KNOWN = [b"own/secret+key-0123456789", 'schl\u00fcssel"\\\n\x00'.encode()]
RULES = Rules(KNOWN)
SHORT_OR_LONG = glance(tuple(RULES.secrets), True)
WORDS = (
    *(
        '"',
        "'",
        "\\",
        '\\"',
        '\\\\\\"',
        ":",
        ": ",
        "=",
        " ",
        "\n",
        "\\n",
        "/",
        "&",
        "?",
        "%26",
        "\\u0026",
        "@",
        "-",
        "_",
    ),
    *("token", "API_KEY", "apiKey", "x-api-key", "password", "secret", "client_secret", "Cookie", "authorization"),
    *("private_key_data", "accessKeyId", "passphrase", "\u212aey", "to\u212aen", "\u017fecret"),
    *(
        "Bearer ",
        "bearer\\t",
        "Basic ",
        "key=",
        "code\\u003d",
        "sig%3D",
        "X-Amz-Signature=",
        "://",
        "user:",
        "abc1",
        "7",
    ),
    *(
        "sk-",
        "xoxb-",
        "ghp_",
        "github_pat_",
        "AIza",
        "ya29.",
        "1//",
        "AKIA",
        "eyJ",
        ".",
        "----BEGIN RSA PRIVATE KEY-----",
    ),
    *("A" * 8, "b" * 16, "c1" * 15, "Z9" * 17, "\\u0061", "\u00e4", "\xa0", "\u20ac", *(key.decode() for key in KNOWN)),
)


def may_hold(data: bytes) -> bool:
    """Short texts and long ones are looked at in two ways."""
    return SHORT_OR_LONG(data) and SHORT_OR_LONG(b" " * 5000 + data)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_what_the_patterns_find_is_seen(words: list[str]) -> None:
    data = "".join(words).encode()
    assert may_hold(data) or not RULES.pattern.search(data)


@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=9), st.binary(max_size=3))
def test_what_the_patterns_find_is_seen_among_bytes_that_are_no_text(words: list[str], noise: bytes) -> None:
    data = noise.join(word.encode() for word in words)
    assert may_hold(data) or not RULES.pattern.search(data)


@pytest.mark.parametrize("number", range(len(redact_rules.KEYS)), ids=lambda n: redact_rules.KEYS[n][1].decode())
def test_every_key_is_seen(number: int) -> None:
    """Whatever letters it is made of; the patterns say so too."""
    _, prefix, run = redact_rules.KEYS[number]
    found = st.from_regex(re.compile(rb"\A(?:" + prefix + run + rb")\Z"))

    @given(found)
    def check(key: bytes) -> None:
        key = key.rstrip(b"\n")
        assert may_hold(b" " + key + b" ")

    check()


@pytest.mark.parametrize("secret", sorted(spellings(KNOWN)), ids=range(len(spellings(KNOWN))))
def test_known_secrets_are_seen_in_every_spelling(secret: bytes) -> None:
    assert may_hold(b"x" + secret + b"x")
    assert glance((secret,), False)(b"x" + secret + b"x")
    assert not glance((secret,), False)(secret[:-1])


@pytest.mark.parametrize(
    "text",
    [
        '{"usage":{"prompt_tokens":20,"completion_tokens":200},"key":"value","max_tokens":5}',
        "the quick brown fox, task_risk-based; see /a/b?c=d&e http://127.0.0.1:4000/v1",
        '{"type":"object","properties":{"token":{"type":"string"},"password":{"type":"string"}}}',
        "token = get_token(); secret = None",
        "",
    ],
)
def test_usual_texts_are_passed_over(text: str) -> None:
    """Else the glance would cost without sparing anything."""
    assert not SHORT_OR_LONG(text.encode())
    assert not SHORT_OR_LONG(text.encode() + b" " * 5000)


def test_without_shapes_and_secrets_there_is_nothing() -> None:
    assert not glance((), False)(b"sk-abcdefgh12345")

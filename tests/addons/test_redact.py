"""Redaction: what goes, what stays, and that it does not matter where a secret hides."""

import json
import random
import time
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.redact import Redactor, is_secret

KNOWN = "own/secret+key-0123456789"
CANARY = "Zq7CANARY4tW"
KEYS = {
    "openai": f"sk-proj-{CANARY}abcdefgh",
    "anthropic": f"sk-ant-api03-{CANARY}-abc_def",
    "google": f"AIza{CANARY}abcdefghijklmnopq",
    "google_token": f"ya29.{CANARY}abc.def",
    "google_refresh": f"1//0{CANARY}abcdefghijklmno",
    "google_client": f"GOCSPX-{CANARY}abcdefgh",
    "github": f"ghp_{CANARY}abcdefgh",
    "github_pat": f"github_pat_{CANARY}_abcdefgh",
    "slack": f"xoxb-123-{CANARY}",
    "aws": "AKIA" + CANARY.upper() + "ABCD",
    "kiro": f"ksk_{CANARY}",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJ{CANARY}.sig",
    "pem": f"-----BEGIN RSA PRIVATE KEY-----\nMII{CANARY}\nabc+/=\n-----END RSA PRIVATE KEY-----",
    "known": KNOWN,
}
SECRETS = [KNOWN, CANARY, CANARY.upper()]


def redactor(*rules: str, shapes: bool = True) -> Redactor:
    made = Redactor(lambda: [KNOWN], rules, shapes=shapes)
    made.refresh()
    return made


def leaks(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [secret for secret in SECRETS if secret.encode() in data or quote(secret, safe="").encode() in data]


WAYS = {
    "alone": "{}",
    "in prose": "the key is {}, keep it.",
    "behind a line's end": "x\n{}\ny",
    "in a URL": "https://host/{}/x",
    "quoted": "'{}'",
    "after an equals sign": "export X={}",
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("way", WAYS)
def test_a_key_goes_wherever_it_stands(kind: str, way: str) -> None:
    text = WAYS[way].format(KEYS[kind])
    plain = redactor().text(text)
    assert leaks(plain) == []
    assert "[redacted:" in plain


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_goes_at_every_depth_of_json(kind: str) -> None:
    value: object = WAYS["behind a line's end"].format(KEYS[kind])
    for _ in range(4):
        written = json.dumps({"content": value})
        plain = redactor().text(written)
        assert leaks(plain) == []
        json.loads(plain)
        value = written


@pytest.mark.parametrize("kind", sorted(KEYS.keys() - {"pem"}))
def test_a_key_goes_though_its_letters_are_escaped(kind: str) -> None:
    """A JSON writer may escape what it likes."""
    escaped = "".join(f"\\u{ord(c):04x}" if n % 3 == 0 else c for n, c in enumerate(KEYS[kind]))
    plain = redactor().text(f'{{"content": "{escaped}"}}')
    assert leaks(json.loads(plain)["content"]) == []


MEMBERS = (
    *(
        "password",
        "passwd",
        "passphrase",
        "secret",
        "client_secret",
        "clientSecret",
        "token",
        "access_token",
        "refreshToken",
    ),
    *("id_token", "auth-token", "authorization_token", "Authorization", "api_key", "apiKey", "API_KEY", "x-api-key"),
    *(
        "x-goog-api-key",
        "private_key",
        "secretAccessKey",
        "aws_secret_access_key",
        "accessKeyId",
        "Cookie",
        "Set-Cookie",
    ),
)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("value", ["hunter2", 'pa"ss\\wo"rd hunter2', "Bearer hunter2", "ümlaut hunter2 /+="], ids=str)
def test_a_member_with_a_telling_name_is_emptied_at_every_depth(name: str, value: str) -> None:
    inner: object = {"headers": {name: value}, "n": 1}
    for _ in range(3):
        written = json.dumps({"input": inner})
        plain = redactor().text(written)
        assert "hunter2" not in plain
        json.loads(plain)
        inner = written


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer Zq7CANARY4tW",
        'curl -H "x-api-key: Zq7CANARY4tW" https://host',
        "OPENAI_API_KEY=Zq7CANARY4tW",
        "export GITHUB_TOKEN='Zq7CANARY4tW'",
        "Authorization: Basic Zq7CANARY4tW=",
        "sent with bearer Zq7CANARY4tW today",
        "https://host/path?key=Zq7CANARY4tW&x=1",
        "https://host/path?x=1&access_token=Zq7CANARY4tW",
        "https://bucket/x?X-Amz-Signature=Zq7CANARY4tW&X-Amz-Credential=Zq7CANARY4tW%2F2026",
        "https://me:Zq7CANARY4tW@host/x",
        "postgres://me:Zq7CANARY4tW@host/x",
        "{'api_key': 'Zq7CANARY4tW'}",
        "https://h/x?a=1\\u0026key\\u003dZq7CANARY4tW",
    ],
)
def test_secrets_in_prose_and_urls_go(text: str) -> None:
    assert leaks(redactor().text(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "disk-space-is-very-low-indeed, and a risk-based approach",
        '{"max_tokens": 4096, "tokens": "many", "key": "value", "monkey": "see"}',
        '{"token":"Hello","logprob":-0.1,"bytes":[72]}',
        "Bearer authentication is described in RFC 6750.",
        '{"type":"object","properties":{"token":{"type":"string"},"password":{"type":"string"}},"required":["token"]}',
        "see https://host/path?page=2&sort=key and me@host",
        "-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----",
        "token = get_token(); secret = None",
        '{"api_key": null, "password": 5, "secret": true, "token": ""}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redactor().text(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    text = '{"a": "x sk-abcdefgh1234, y", "password": "p", "url": "https://h/?key=k&q=1"}'
    assert redactor().text(text) == (
        '{"a": "x [redacted:key], y", "password": "[redacted:member]", "url": "https://h/?key=[redacted:parameter]&q=1"}'
    )


def test_the_same_bytes_come_out_the_same_and_twice_changes_nothing() -> None:
    text = " ".join(KEYS.values()).encode()
    once = redactor().body(text)
    assert once == redactor().body(text)
    assert once == redactor().body(once)


def test_only_own_secrets_go_when_shapes_are_off() -> None:
    plain = redactor(shapes=False).text(f"{KEYS['openai']} {KNOWN} {quote(KNOWN, safe='')}")
    assert plain == f"{KEYS['openai']} [redacted:known] [redacted:known]"


def test_a_renewed_secret_and_the_one_before_both_go() -> None:
    current = ["first-secret-1"]
    made = Redactor(lambda: current)
    made.refresh()
    current = ["second-secret-2"]
    made.refresh(["third-secret-3"])
    assert (
        made.text("first-secret-1 second-secret-2 third-secret-3")
        == "[redacted:known] [redacted:known] [redacted:known]"
    )


def test_a_short_own_secret_is_a_word_like_any_other() -> None:
    made = Redactor(lambda: ["ollama"])
    made.refresh()
    assert made.text("ollama") == "ollama"


# --- headers and URLs ---

SECRET_HEADERS = (
    *("Authorization", "proxy-authorization", "X-Api-Key", "x-goog-api-key", "api-key", "Cookie", "Set-Cookie"),
    *("x-amz-security-token", "X-Auth-Token", "x-client-secret", "x-csrf-token", "Proxy-Whatever", "x-hub-signature"),
)


@pytest.mark.parametrize("name", SECRET_HEADERS)
def test_headers_that_carry_credentials_are_emptied(name: str) -> None:
    assert redactor().headers([(name.encode(), b"hunter2")]) == [(name.lower(), "[redacted:header]")]


@pytest.mark.parametrize("name", ["idempotency-key", "content-type", "x-request-id", "anthropic-beta", "user-agent"])
def test_other_headers_are_kept(name: str) -> None:
    assert redactor().headers([(name.encode(), b"hunter2")]) == [(name, "hunter2")]
    assert not is_secret(name)


def test_secrets_in_the_values_of_other_headers_go() -> None:
    fields = [(b"referer", b"https://h/?key=Zq7CANARY4tW"), (b"x-note", KEYS["openai"].encode()), (b"x-bin", b"\xff")]
    assert redactor().headers(fields) == [
        ("referer", "https://h/?key=[redacted:parameter]"),
        ("x-note", "[redacted:key]"),
        ("x-bin", "\\xff"),
    ]


def test_headers_read_as_latin_1_are_those_of_their_bytes() -> None:
    fields = [
        (b"x-note", KEYS["openai"].encode()),
        (b"x-bin", b"\xff"),
        (b"x-name", "Zürich".encode()),
        (b"cookie", b"c=1"),
    ]
    read = [(name.decode(), value.decode("latin-1")) for name, value in fields]
    cleaner = redactor()
    for _ in range(2):
        assert cleaner.client_headers(read) == cleaner.headers(fields)
    assert cleaner.client_headers(read)[2] == ("x-name", "Zürich")


def test_a_header_that_was_seen_before_is_looked_at_again_when_there_is_a_new_secret() -> None:
    cleaner = redactor()
    fields = [(b"x-note", b"it is opensesame")]
    assert cleaner.headers(fields) == [("x-note", "it is opensesame")]
    assert cleaner.refresh(["opensesame"])
    assert cleaner.headers(fields) == [("x-note", "it is [redacted:known]")]


# --- streams ---


@pytest.mark.parametrize("kind", KEYS)
def test_a_secret_that_chunks_cut_goes_and_the_chunks_stay_as_many(kind: str) -> None:
    data = f'data: {{"text":"ä {KEYS[kind]} ö"}}\n\n'.encode()
    for size in (1, 2, 7, 40):
        chunks = [data[n : n + size] for n in range(0, len(data), size)]
        out = redactor().stream(chunks)
        assert len(out) == len(chunks)
        assert leaks(b"".join(out)) == []
        assert b"".join(out) == redactor().body(data)


def test_chunks_are_cut_where_they_were() -> None:
    out = redactor().stream([b"one ", b"sk-abc", b"defgh1", b"2345 two", b" three"])
    assert out == [b"one ", b"[redacted:key]", b"", b" two", b" three"]


def test_chunks_without_a_secret_are_the_same_bytes() -> None:
    chunks = ["ä".encode()[:1], "ä".encode()[1:], b"", b"x"]
    assert redactor().stream(chunks) == chunks


@pytest.mark.parametrize("member", ["content", "text", "partial_json", "arguments", "reasoning_content"])
def test_a_secret_in_pieces_over_several_events_goes(member: str) -> None:
    def events(pieces: Iterable[str]) -> list[bytes]:
        return [f'data: {{"index":0,"delta":{{"{member}":"{piece}"}}}}\n\n'.encode() for piece in pieces]

    key = KEYS["anthropic"]
    pieces = ["the key: ", *(key[n : n + 5] for n in range(0, len(key), 5)), " and more"]
    out = redactor().stream(events(pieces), split=True)
    texts = [json.loads(chunk.removeprefix(b"data: "))["delta"][member] for chunk in out]
    assert "".join(texts) == "the key: [redacted:key] and more"
    assert len(out) == len(pieces)


@given(st.lists(st.integers(0, 200), max_size=8), st.sampled_from(sorted(KEYS)))
def test_any_cuts_give_the_same_bytes(cuts: list[int], kind: str) -> None:
    data = f"some words {KEYS[kind]} and {KEYS['openai']} end".encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(places)]
    assert b"".join(redactor().stream(chunks)) == redactor().body(data)


# --- rules of one's own ---


def test_emails_and_names_in_home_folders_go_where_asked() -> None:
    homes = "/home" + "/ann/x.py, /Users" + "/ann and C:\\\\Users\\\\ann\\\\x"  # in pieces: no path of a machine
    text = "mail ann.b@mail.example.org, see " + homes
    assert redactor().text(text) == text
    assert redactor("emails", "paths").text(text) == (
        "mail [redacted:email], see /home/[redacted:user]/x.py, /Users/[redacted:user] and C:\\\\Users\\\\[redacted:user]\\\\x"
    )


def test_regular_expressions_of_ones_own_and_their_groups() -> None:
    assert redactor("ACME-[0-9]+", "user=(\\w+)").text("ACME-77 user=ann") == "[redacted:custom] user=[redacted:custom]"


@pytest.mark.parametrize("rule", ["(", "x*"])
def test_a_rule_that_cannot_be_used_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|matches nothing"):
        redactor(rule)


# --- the shortcut for bodies that are like the last ones ---

WORDS = (
    *(
        "sk-abcdefgh12345 ",
        '"password":"hun\\"ter"',
        '{"a":"b"}',
        "hello world ",
        "-----BEGIN PRIVATE KEY-----\\nMIIabc",
        "\\n",
    ),
    *(
        '"token":"x"',
        ',"logprob":1',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi",
        ".abcde",
        "Bearer ",
        "abc123def",
        "?key=",
        "AIza",
        "x" * 40,
    ),
    *('"', " ", "z" * 3000, "&", "://u:p@h", '\\"secret\\": \\"zz\\"', "\\", "\\u0073k-", KNOWN),
)


@pytest.mark.parametrize("seed", range(40))
def test_a_body_that_is_like_an_earlier_one_is_redacted_as_any_other(seed: int) -> None:
    chance, made = random.Random(seed), redactor()
    body = "".join(chance.choice(WORDS) for _ in range(200)) + "q" * 5000
    for _ in range(12):
        start = chance.randrange(len(body))
        end = min(len(body), start + chance.choice([0, 5, 100]))
        body = body[:start] + "".join(chance.choice(WORDS) for _ in range(chance.randint(0, 6))) + body[end:]
        assert redactor().body(body.encode()) == made.body(body.encode())


def test_a_secret_over_the_edge_of_a_window_goes() -> None:
    for place in range((1 << 18) - 30, (1 << 18) + 3, 3):
        body = b"." * place + KEYS["anthropic"].encode() + b"." * 2000
        assert leaks(redactor().body(body)) == []


def test_a_megabyte_takes_milliseconds() -> None:
    """A bound that a search gone quadratic would break by far."""
    text = json.dumps(
        {"messages": [{"content": "the quick brown fox, task_risk-based; see /a/b?c=d&e " * 20_000}]}
    ).encode()
    began = time.thread_time()
    redactor().body(text)
    assert time.thread_time() - began < 1.0

"""Promise 23: no key, no answer. Not to a wrong key, in any form, on any path: nothing is told, nothing goes upstream."""

import asyncio
import base64
import itertools
import random
from urllib.parse import quote

from tests.attack.asking import Connection
from tests.attack.figures import WHOLE, note, sample, timing
from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS, PLAIN_MODEL, PROVIDERS, error_of
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY

KEYS_NOT_OURS = (
    *(
        "",
        "wrong",
        CLIENT_KEY[:-1],
        CLIENT_KEY[1:],
        CLIENT_KEY + "x",
        "x" + CLIENT_KEY,
        CLIENT_KEY.upper(),
        CLIENT_KEY.title(),
    ),
    *(
        CLIENT_KEY[::-1],
        CLIENT_KEY * 2,
        f'"{CLIENT_KEY}"',
        f"'{CLIENT_KEY}'",
        f"{CLIENT_KEY},{CLIENT_KEY}",
        f"{CLIENT_KEY};",
    ),
    *(
        f"Bearer {CLIENT_KEY}",
        f"key={CLIENT_KEY}",
        quote(CLIENT_KEY[:3]) + "%2d" + CLIENT_KEY[4:],
        CLIENT_KEY[:8] + "*",
    ),
    *(base64.b64encode(CLIENT_KEY.encode()).decode(), f"{CLIENT_KEY}\udcc3\udca4", CLIENT_KEY.replace("a", "\u0430")),
    *(
        "*",
        ".*",
        "%",
        "null",
        "undefined",
        "true",
        "0",
        "[object Object]",
        "' OR '1'='1",
        '" OR 1=1 --',
        "{{key}}",
        "${KEY}",
    ),
    *("sk-123456", "123456", "admin123", "your-api-key", "../client_key", "x" * 50_000, *KEYS.values()),
)
FORMS = ("authorization", "x-api-key", "x-goog-api-key", "?key=")
MODEL = PLAIN_MODEL["gemini-custom"]
PATHS = (
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/responses/input_tokens"),
    ("POST", "/v1/responses/compact"),
    ("GET", "/v1/responses/resp_1"),
    ("DELETE", "/v1/responses/resp_1"),
    ("GET", "/v1/responses/resp_1/input_items"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", f"/v1beta/models/{MODEL}:generateContent"),
    ("POST", f"/v1beta/models/{MODEL}:streamGenerateContent"),
    ("POST", f"/v1beta/models/{MODEL}:countTokens"),
    ("POST", "/v1internal:generateContent"),
    ("POST", "/v1internal:loadCodeAssist"),
    ("GET", "/v1/models"),
    ("GET", "/v1beta/models"),
    ("GET", f"/v1/models/{MODEL}"),
    ("GET", "/openai-custom/v1/models"),
    ("POST", "/claude-custom/v1/messages"),
    ("POST", "/nobody/v1/messages"),
    ("GET", "/metrics"),
    ("GET", "/status"),
    ("GET", "/.env"),
    ("GET", "/"),
    ("POST", "/v1/embeddings"),
    ("OPTIONS", "/v1/models"),
)
BODY = b'{"model":"gpt-4.1-text","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}'
TOLD = tuple(word.encode() for word in (*PROVIDERS, *PLAIN_MODEL.values(), CLIENT_KEY, *KEYS.values()))


def shown(form: str, key: str, path: str) -> tuple[str, list[tuple[str, str]]]:
    """Path and head of a request that shows the key like this."""
    if form == "?key=":
        return f"{path}?key={quote(key, errors='surrogateescape')}", []
    return path, [(form, f"Bearer {key}" if form == "authorization" else key)]


async def test_23_forty_wrong_keys_in_four_forms_on_26_paths(target: Proxy, upstreams: Upstreams) -> None:
    assert len(set(KEYS_NOT_OURS)) >= 40
    assert len(PATHS) == 26
    tried = list(itertools.product(KEYS_NOT_OURS, FORMS, PATHS))
    if not WHOLE:
        tried = random.Random(23).sample(tried, sample(len(tried)))
    before, waiting, seconds, faults = upstreams.asked, iter(tried), [], []

    async def work() -> None:
        connection = Connection(target.port)
        for key, form, (method, path) in waiting:
            asked, headers = shown(form, key, path)
            answer = await connection.ask(method, asked, headers, BODY if method == "POST" else b"")
            seconds.append(answer.seconds)
            named = [word for word in TOLD if word in answer.body and word.decode() not in path]
            if answer.status != 401 or named:
                faults.append(f"{method} {path} {form} {key[:60]!r}: {answer.status} {named} {answer.body[:200]!r}")
            else:
                error_of(protocol_of(path, form), answer.body)
        connection.close()

    await asyncio.gather(*(work() for _ in range(4)))
    note(
        "23 wrong keys",
        f"{len(tried)} requests, {len(faults)} answered, {upstreams.asked - before} went upstream, {timing(seconds)}",
    )
    assert faults == []
    assert upstreams.asked == before


def protocol_of(path: str, form: str) -> str:
    """What the refusal is written in."""
    if "/messages" in path:
        return "anthropic"
    if "/responses" in path:
        return "responses"
    google = "v1beta" in path or "v1internal" in path or form in ("x-goog-api-key", "?key=")
    return "chat" if "/chat/" in path or not google else "gemini"


async def test_23_the_right_key_in_a_wrong_place_opens_nothing(target: Proxy, upstreams: Upstreams) -> None:
    connection, before = Connection(target.port), upstreams.asked
    basic = base64.b64encode(f"user:{CLIENT_KEY}".encode()).decode()
    places: list[tuple[str, str]] = [
        *(("cookie", f"key={CLIENT_KEY}"), ("authorization", f"Basic {basic}"), ("authorization", CLIENT_KEY)),
        *(("authorization", f"Token {CLIENT_KEY}"), ("proxy-authorization", f"Bearer {CLIENT_KEY}")),
        *(
            (name, CLIENT_KEY)
            for name in ("api-key", "x-auth-token", "x_api_key", "x-api-keys", "x-forwarded-authorization")
        ),
        *(
            ("x-forwarded-for", "127.0.0.1"),
            ("x-real-ip", "::1"),
            ("forwarded", "for=127.0.0.1"),
            ("x-original-url", "/health"),
        ),
        ("x-http-method-override", "OPTIONS"),
    ]
    for place in places:
        assert (await connection.ask("POST", "/v1/messages", [place], BODY)).status == 401
    for query in ("api_key", "apikey", "access_token", "KEY", "token"):
        assert (await connection.ask("POST", f"/v1/messages?{query}={CLIENT_KEY}", [], BODY)).status == 401
    inside = BODY[:-1] + f',"api_key":"{CLIENT_KEY}","key":"{CLIENT_KEY}"}}'.encode()
    assert (await connection.ask("POST", "/v1/messages", [], inside)).status == 401
    assert upstreams.asked == before
    connection.close()


async def test_23_health_tells_a_stranger_nothing(target: Proxy) -> None:
    connection = Connection(target.port)
    for path in ("/health", "/v1/health", "/health?key=wrong", "//health", "/health/"):
        answer = await connection.ask("GET", path, [], b"")
        assert answer.body == b'{"status":"ok"}' or answer.status in (401, 404)
    connection.close()

"""Requests that real clients sent, replayed through all pairs against the strict fakes.

The fixtures in `tests/captures/` are recorded, with prose masked letter by letter. `AICLIENT_TEST_CAPTURES` may name a folder
with more of them: `*.json` files of the same form, at any depth.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import PLAIN_MODEL, PROVIDERS, checked_answer, checked_stream
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import TEXT, Script
from tests.grammar import Folded

HERE = Path(__file__).resolve().parents[1] / "captures"
MORE = os.environ.get("AICLIENT_TEST_CAPTURES")
PROTOCOLS = {"openai": "chat", "qwen": "chat", "responses": "responses", "anthropic": "anthropic", "gemini": "gemini"}
PROMPTS = ("messages", "input", "contents")
COUNTS = {"count_tokens": "input_tokens", "input_tokens": "input_tokens", "countTokens": "totalTokens"}
NOT_OURS = (
    *("host", "content-length", "authorization", "x-api-key", "x-goog-api-key"),
    *("connection", "transfer-encoding", "accept-encoding"),
)


def captures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.json") if _protocol(path))


def _protocol(path: Path) -> str | None:
    head = json.loads(path.read_text())
    is_call = isinstance(head, dict) and head.get("method") == "POST" and set(PROMPTS) & set(head.get("body") or {})
    return PROTOCOLS.get(head.get("proto", "")) if is_call else None


FOUND = captures(HERE) + (captures(Path(MORE)) if MORE else [])


def fold(protocol: str, answer: httpx.Response, *, stream: bool, include_usage: bool) -> Folded:
    if stream:
        return checked_stream(protocol, answer.content, include_usage=include_usage)
    return checked_answer(protocol, answer.content)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_clients_request_is_served(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, path: Path, provider: str
) -> None:
    capture: dict[str, Any] = json.loads(path.read_text())
    protocol, fake = PROTOCOLS[capture["proto"]], upstreams.of(provider)
    body, target, same = capture["body"], str(capture["path"]), protocol == PROVIDERS[provider]
    if same and capture["proto"] == "qwen":
        pytest.skip("a dialect of Chat that only its own vendor takes")
    model, _, verb = (
        unquote(target).rpartition("/")[2].partition(":") if protocol == "gemini" else (body["model"], "", "")
    )
    if not same:  # the captured model is another vendor's
        target, model = target.replace(model, PLAIN_MODEL[provider]), PLAIN_MODEL[provider]
        body = {**body, "model": model} if "model" in body else body
    query = f"?{urlencode(capture['query'])}" if capture.get("query") else ""
    headers = {name: value for name, value in capture["headers"] if name.lower() not in NOT_OURS}
    raw = json.dumps(body, ensure_ascii=False).encode()
    url = f"{proxy.url}/{provider}{target}{query}"
    fake.scripts[model] = Script(lenient=same)  # what a client says to its own provider is not ours to judge
    try:
        answer = web.post(url, content=raw, headers={**headers, "authorization": f"Bearer {CLIENT_KEY}"})
    finally:
        del fake.scripts[model]

    assert answer.status_code == 200, answer.text
    if same:
        assert fake.requests[-1].body == raw
    counted = COUNTS.get(verb or target.rpartition("/")[2])
    if counted is not None:
        assert answer.json()[counted] > 0
        return
    stream = verb.startswith("stream") or bool(body.get("stream"))
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    folded = fold(protocol, answer, stream=stream, include_usage=wants_usage)
    assert folded.text == "".join(TEXT)


def test_there_are_captures_of_several_clients_and_none_names_a_person() -> None:
    clients = {json.loads(path.read_text())["client"] for path in captures(HERE)}
    assert len(clients) >= 6
    for path in captures(HERE):
        assert path.stat().st_size < 5_000
        assert "/home/" not in path.read_text()

"""Requests that real clients sent, replayed through all pairs against the strict fakes.

The fixtures in `tests/captures/` are recorded, with prose masked letter by letter. `AICLIENT_TEST_CAPTURES` may name a folder
with more of them: `*.json` files of the same form, at any depth.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e.conftest import PROVIDERS, Upstreams
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import TEXT, Script
from tests.grammar import check_anthropic_stream, check_chat_stream, fold_anthropic_answer, fold_chat_answer

HERE = Path(__file__).resolve().parents[1] / "captures"
MORE = os.environ.get("AICLIENT_TEST_CAPTURES")
PROTOCOLS = {"openai": "chat", "anthropic": "anthropic"}
# What a provider is asked for when the captured model is another vendor's.
MODELS = {"openai-custom": "gpt-4.1", "claude-custom": "claude-sonnet-4-5"}
_NOT_OURS = (
    "host",
    "content-length",
    "authorization",
    "x-api-key",
    "connection",
    "transfer-encoding",
    "accept-encoding",
)


def captures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.json") if _protocol(path))


def _protocol(path: Path) -> str | None:
    head = json.loads(path.read_text())
    is_call = isinstance(head, dict) and head.get("method") == "POST" and "messages" in (head.get("body") or {})
    return PROTOCOLS.get(head.get("proto", "")) if is_call else None


FOUND = captures(HERE) + (captures(Path(MORE)) if MORE else [])


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_clients_request_is_served(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, path: Path, provider: str
) -> None:
    capture: dict[str, Any] = json.loads(path.read_text())
    protocol, fake = PROTOCOLS[capture["proto"]], upstreams.of(provider)
    body, same = capture["body"], PROTOCOLS[capture["proto"]] == PROVIDERS[provider]
    if not same:
        body = {**body, "model": MODELS[provider]}
    fake.scripts[body["model"]] = Script(lenient=same)  # what a client says to its own provider is not ours to judge
    headers = {name: value for name, value in capture["headers"] if name.lower() not in _NOT_OURS}
    query = f"?{urlencode(capture['query'])}" if capture.get("query") else ""
    raw = json.dumps(body, ensure_ascii=False).encode()
    url = f"{proxy.url}/{provider}{capture['path']}{query}"

    answer = web.post(url, content=raw, headers={**headers, "authorization": f"Bearer {CLIENT_KEY}"})

    del fake.scripts[body["model"]]
    assert answer.status_code == 200, answer.text
    if same:
        assert fake.requests[-1].body == raw
    counting = capture["path"].endswith("count_tokens")
    if counting:
        assert answer.json()["input_tokens"] > 0
    elif protocol == "chat":
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        streamed = body.get("stream")
        folded = (
            check_chat_stream(answer.content, include_usage=wants_usage)
            if streamed
            else fold_chat_answer(answer.json())
        )
        assert folded.text == "".join(TEXT)
    else:
        folded = check_anthropic_stream(answer.content) if body.get("stream") else fold_anthropic_answer(answer.json())
        assert folded.text == "".join(TEXT)


def test_there_are_captures_of_several_clients_and_none_names_a_person() -> None:
    clients = {json.loads(path.read_text())["client"] for path in captures(HERE)}
    assert len(clients) >= 6
    for path in captures(HERE):
        assert path.stat().st_size < 5_000
        assert "/home/" not in path.read_text()

"""What went where, in words."""

import base64
from typing import Any

from mitmproxy.flow import Error
from mitmproxy.http import Response

from addons.legs_text import legs_text
from tests.addons.legs_rig import CHAT_STREAM, call


def text_of(known: dict[str, Any], answer: Response | None = None) -> str:
    flow = call("/x", {})
    flow.response = answer
    return legs_text(known, flow)


def attempt(number: int, answer: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "provider": "openai-custom",
        "account": f"openai-custom:{number}",
        "model": "gpt-5",
        "wire": "chat",
        "began": 1_700_000_000.0,
        "ended": 1_700_000_000.5,
        "request": {
            "method": "POST",
            "url": "https://openai.test/v1",
            "headers": [["a", "b"]],
            "body": {"text": '{"n":1}'},
        },
        **more,
    }
    return made | ({"answer": answer} if answer else {})


def test_every_attempt_stands_with_its_outcome() -> None:
    busy = {"status": 429, "headers": [["retry-after", "3"]], "body": {"text": '{"error":"busy"}'}}
    attempts = [
        attempt(1, busy, outcome="rate_limit", reason="busy"),
        attempt(
            2,
            request={"method": "POST", "url": "u", "body": {"same": "/attempts/0/request/body"}},
            outcome="unreachable",
        ),
    ]
    text = text_of(
        {"id": "req_1", "client": "chat", "legs": {"attempts": attempts, "action": "generate", "state": "failed"}}
    )
    assert text.splitlines()[0] == "req_1  generate failed"
    assert "--- attempt 1: openai-custom:1 -> aiclient  429  rate_limit: busy  0.50 s\n  retry-after: 3\n" in text
    assert '  {\n    "n": 1\n  }' in text
    assert "  (the same body as /attempts/0/request/body)" in text
    assert "--- attempt 2: openai-custom:2 -> aiclient  no answer  unreachable  0.50 s" in text


def test_a_stream_is_folded_and_has_its_times() -> None:
    answer = {"status": 200, "headers": [], "body": {"text": CHAT_STREAM.decode()}, "chunks": [[0.25, 10], [0.75, 99]]}
    text = text_of({"id": "r", "client": "chat", "legs": {"attempts": [attempt(1, answer)]}})
    assert (
        "  (2 chunks, the first after 0.25 s, the last after 0.75 s)\n  [start] gpt-5-2026 chatcmpl-1\n  [text 0] Hello\n"
        in text
    )


def test_what_is_no_text_is_counted() -> None:
    body = {"base64": base64.b64encode(b"\xff" * 9).decode()}
    text = text_of({"id": "r", "client": "chat", "legs": {"attempts": [attempt(1, {"status": 200, "body": body})]}})
    assert "  (9 bytes that are no text)" in text


def test_what_was_cut_or_is_long_says_so() -> None:
    legs = {
        "client": {
            "method": "POST",
            "path": "/p",
            "query": {"a": "b"},
            "body": {"text": "x" * 30_000, "cut": 5_000_000},
        }
    }
    text = text_of({"id": "r", "client": "chat", "legs": legs})
    assert "=== client -> aiclient  chat  POST /p?a=b" in text
    assert "(10000 more characters)" in text
    assert "(cut here; 5000000 bytes in all)" in text


def test_losses_come_first() -> None:
    known = {
        "id": "r",
        "client": "chat",
        "dropped": {"top_k": "unknown"},
        "changed": {"n": "one"},
        "noted": {"store": "ours"},
    }
    assert text_of(known).splitlines()[2:] == ["dropped  top_k: unknown", "changed  n: one", "noted  store: ours"]


def test_an_answer_that_nobody_got() -> None:
    flow = call("/x", {})
    flow.error = Error("Client disconnected.")
    assert legs_text({"id": "r", "client": "chat"}, flow).endswith("=== the client got nothing: Client disconnected.")


def test_no_terminal_is_moved() -> None:
    assert "\x1b" not in text_of({"id": "\x1b[2J", "client": "chat"})

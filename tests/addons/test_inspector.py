"""The views of mitmweb: what they show of flows of ours, and that nothing in a flow can make them fail."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import contentviews
from mitmproxy.contentviews import prettify_message
from mitmproxy.http import Headers, HTTPFlow, Response
from mitmproxy.io import tnetstring
from mitmproxy.test import taddons

from addons.inspector import VIEWS, AiclientView, Inspector, registered
from tests.addons.kept_rig import Kept
from tests.addons.legs_rig import CHAT, CHAT_PATH, MESSAGE_ANSWER, MESSAGE_STREAM, MESSAGES, MESSAGES_PATH, call

CONVERSATION, LEGS, STREAM = (view.name for view in VIEWS)
TOOLS: dict[str, Any] = {
    **MESSAGES,
    "messages": [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}]},
    ],
    "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
    "system": "Be brief.",
}


@pytest.fixture(autouse=True)
def views() -> Iterator[None]:
    inspector = Inspector()
    with taddons.context(inspector):
        yield
        inspector.done()


def shown(flow: HTTPFlow, part: str, view: str = "auto") -> tuple[str, str]:
    """(name of the view, its text), as mitmweb asks for it."""
    message = getattr(flow, part)
    with taddons.context():
        result = prettify_message(message, flow, view)
    return str(result.view_name), result.text


async def asked_and_answered(path: str, body: dict[str, Any], answer: object, status: int = 200) -> HTTPFlow:
    kept = Kept()
    flow = await kept.asked(call(path, body))
    await kept.answered(flow, answer, status)
    return flow


def test_the_views_are_there_as_long_as_the_addon_is() -> None:
    assert registered(VIEWS) == [CONVERSATION, LEGS, STREAM]
    Inspector().done()
    assert registered(VIEWS) == []
    assert CONVERSATION not in contentviews.registry.available_views()
    Inspector().done()
    contentviews.add(VIEWS[0])
    contentviews.add(other := AiclientView(LEGS, lambda _: "", lambda _: 0.0))
    assert registered(VIEWS) == [CONVERSATION], "what somebody else put there stays"
    assert registered([other]) == [LEGS]
    del contentviews.registry._by_name[LEGS]


async def test_a_request_is_shown_as_what_the_client_said() -> None:
    """Though the flow holds what its provider was sent, in another protocol."""
    flow = await asked_and_answered(f"/openai-custom{MESSAGES_PATH}", TOOLS, {"error": {"message": "no"}}, 400)
    view, text = shown(flow, "request")
    assert view == CONVERSATION
    lines = text.splitlines()
    assert lines[1:] == [
        "[system]",
        "Be brief.",
        "[tools] get_weather",
        "[user]",
        "Weather?",
        "[assistant]",
        "Let me see.",
        "[assistant: calls get_weather (toolu_1)]",
        '{"city":"Oslo"}',
        "[tool get_weather (toolu_1)]",
        "rain",
    ]
    assert "anthropic m -> openai-custom/m (openai-custom:default) 400 failed" in lines[0]


async def test_an_answer_is_shown_with_its_thinking_and_tokens() -> None:
    answer = {
        **MESSAGE_ANSWER,
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Hello"}],
    }
    flow = await asked_and_answered(f"/claude-custom{MESSAGES_PATH}", MESSAGES, answer)
    view, text = shown(flow, "response")
    assert view == CONVERSATION
    assert "\n[assistant: thinking]\nHm.\n[assistant]\nHello\n(stop: stop, 3 tokens in, 2 tokens out" in text


async def stream_flow(body: bytes, path: str = MESSAGES_PATH, ours: dict[str, Any] = MESSAGES) -> HTTPFlow:
    kept = Kept()
    flow = await kept.asked(call(f"/claude-custom{path}", {**ours, "stream": True}))
    pipe = kept.begun(flow)
    assert flow.response is not None
    down = pipe.feed(body)
    flow.response.data.content = down + pipe.close()
    await kept.rig.upstream_leg.response(flow)
    await kept.end(flow)
    return flow


@pytest.mark.parametrize(("path", "body"), [(MESSAGES_PATH, MESSAGES), (CHAT_PATH, CHAT)], ids=["messages", "chat"])
async def test_a_stream_is_shown_folded(path: str, body: dict[str, Any]) -> None:
    start = MESSAGE_STREAM.index(b"event: content_block_delta")
    end = MESSAGE_STREAM.index(b"event: content_block_stop")
    delta = MESSAGE_STREAM[start:end]
    pieces = b"".join(delta.replace(b"Hello", piece) for piece in (b"Hel", b"lo, ", b"world"))
    flow = await stream_flow(MESSAGE_STREAM[:start] + pieces + MESSAGE_STREAM[end:], path, body)
    assert "\n[assistant]\nHello, world\n(stop: stop, " in shown(flow, "response")[1]
    text = shown(flow, "response", STREAM)[1]
    assert "\n[text 0] (3 pieces) Hello, world\n" in text
    assert text.splitlines()[0].startswith("[start] ")


async def test_a_stream_that_broke_off_says_so() -> None:
    flow = await stream_flow(MESSAGE_STREAM[: MESSAGE_STREAM.index(b"event: content_block_stop")])
    text = shown(flow, "response")[1]
    assert "[assistant]\nHello\n" in text
    assert "[error] " in text
    assert " cut\n" in text
    assert "\n[error] broken off: " in shown(flow, "response", STREAM)[1]


async def test_the_legs_tell_what_went_where() -> None:
    body = {**TOOLS, "top_k": 3}
    flow = await asked_and_answered(
        f"/openai-custom{MESSAGES_PATH}", body, {"error": {"message": "no such thing"}}, 400
    )
    view, text = shown(flow, "response")
    assert view == LEGS, "an error is no conversation"
    heads = [line for line in text.splitlines() if line.startswith(("===", "---", "dropped", "POST"))]
    assert heads[0].startswith("dropped  top_k: ")
    assert heads[1] == f"=== client -> aiclient  anthropic  POST /openai-custom{MESSAGES_PATH}"
    assert heads[2].startswith("=== attempt 1: aiclient -> openai-custom:default  chat  m  20")
    assert heads[3] == "POST https://openai.test/v1/chat/completions"
    assert heads[4].startswith("--- attempt 1: openai-custom:default -> aiclient  400  ")
    assert heads[-1] == "=== aiclient -> client  anthropic  400"
    assert '"message": "no such thing"' in text


async def test_a_flow_that_is_still_under_way_is_shown_as_far_as_it_came() -> None:
    kept = Kept()
    flow = await kept.asked(call(f"/claude-custom{CHAT_PATH}", CHAT))
    assert shown(flow, "request")[0] == CONVERSATION
    assert "[user]\nHi" in shown(flow, "request")[1]
    assert "(the legs are written down when the exchange is over)" in shown(flow, "request", LEGS)[1]


async def test_flows_of_a_dump_are_shown_as_well() -> None:
    flow = await asked_and_answered(f"/claude-custom{CHAT_PATH}", CHAT, MESSAGE_ANSWER)
    read = HTTPFlow.from_state(tnetstring.loads(tnetstring.dumps(flow.get_state())))
    for part in ("request", "response"):
        for view in (CONVERSATION, LEGS, STREAM):
            assert shown(read, part, view) == shown(flow, part, view)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b'[{"candidates":[{"content":{"role":"model","parts":[{"text":"Hel"}]}}]},'
         b'{"candidates":[{"content":{"role":"model","parts":[{"text":"lo"}]},"finishReason":"STOP"}]}]', "Hello"),
        (b'{"response":{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP"}]}}', "Hello"),
    ],
    ids=["array", "code assist"],
)  # fmt: skip
def test_the_other_forms_of_gemini_answers_are_read(answer: bytes, text: str) -> None:
    flow = call("/x", {})
    flow.metadata["aiclient"] = {
        "id": "req_1",
        "client": "gemini",
        "legs": {"client": {"code_assist": int(b"response" in answer)}},
    }
    flow.response = Response.make(200, answer, Headers(content_type="application/json"))
    view, seen = shown(flow, "response")
    assert view == CONVERSATION
    assert f"[assistant]\n{text}\n" in seen


async def test_other_calls_are_no_conversation() -> None:
    kept = Kept()
    flow = await kept.asked(call("/v1/models"))
    assert shown(flow, "response")[0] == LEGS
    assert "  models " in shown(flow, "response", LEGS)[1]


def test_flows_of_others_keep_their_own_views() -> None:
    flow = call("/elsewhere", {"a": 1})
    flow.response = Response.make(200, b"data: 1\n\n", {"content-type": "text/event-stream"})
    for part in ("request", "response"):
        assert shown(flow, part)[0] not in (CONVERSATION, LEGS, STREAM)
        for view in (CONVERSATION, LEGS, STREAM):
            assert shown(flow, part, view)[1] == "(not an exchange of aiclient)"


STRANGE: list[Any] = [
    None,
    "text",
    {},
    {"client": "chat"},
    {"client": "nobody's"},
    {"client": ["chat"]},
    {"client": "chat", "legs": []},
    {"client": "chat", "legs": {"client": 3, "attempts": {"0": 1}}},
    {
        "client": "gemini",
        "legs": {"client": {"said": [], "body": {"text": "{"}}, "attempts": [3, {}, {"answer": {"chunks": [3]}}]},
    },
    {"client": "anthropic", "dropped": [1], "legs": {"client": {"body": {"same": "/client/body"}}}},
    {
        "client": "chat",
        "legs": {"attempts": [{"answer": {"chunks": [[1, 2]], "body": {"base64": "?"}}, "provider": "openai-custom"}]},
    },
    {"client": "responses", "provider": [], "legs": {"client": {"query": 5, "headers": [1, [2], ["a", 3]], "body": 5}}},
]


@pytest.mark.parametrize("known", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{", b"[1]", b'{"messages": 3}', b"data: {\n\n"], ids=range(6))
def test_nothing_in_a_flow_makes_a_view_fail(known: Any, body: bytes) -> None:
    for kind in ("application/json", "text/event-stream", "image/png"):
        flow = call("/x", b"{}")
        flow.metadata["aiclient"] = known
        flow.request.raw_content = body
        flow.response = Response.make(200, body, {"content-type": kind})
        for part in ("request", "response"):
            for view in ("auto", CONVERSATION, LEGS, STREAM):
                text = shown(flow, part, view)[1]
                assert "Couldn't parse" not in text
                assert "Traceback" not in text


async def test_a_terminal_is_safe_from_what_others_wrote() -> None:
    flow = await asked_and_answered(
        f"/claude-custom{CHAT_PATH}",
        {"model": "m", "messages": [{"role": "user", "content": "\x1b[2J"}]},
        json.dumps(MESSAGE_ANSWER).encode(),
    )
    for view in (CONVERSATION, LEGS):
        assert "\x1b" not in shown(flow, "request", view)[1]

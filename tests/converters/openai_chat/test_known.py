"""17: nested fields of a Chat Completions request that go nowhere are named."""

import pytest

from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.parse import parse_request

HI: JsonObject = {"role": "user", "content": "hi"}


def lost(*messages: Json, **fields: Json) -> Loss:
    loss = Loss()
    parse_request({"model": "m", "messages": [*messages] or [HI], **fields}, loss)
    return loss


def test_17_message_fields_of_no_use_elsewhere_are_named() -> None:
    answer: JsonObject = {"role": "assistant", "content": "b", "annotations": [{"type": "url_citation"}]}
    assert set(lost({**HI, "weight": 1}, answer).noted) == {"messages.weight", "messages.annotations"}


def test_10_a_cache_breakpoint_of_openais_own_is_noted() -> None:
    part: JsonObject = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert set(lost({"role": "user", "content": [part]}).noted) == {"messages.content.prompt_cache_breakpoint"}


@pytest.mark.parametrize("calls", [{"index": 0}, {"vendor": "x"}])
def test_17_fields_of_a_replayed_call_are_noted(calls: JsonObject) -> None:
    call: JsonObject = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **calls}
    assert set(lost(HI, {"role": "assistant", "content": None, "tool_calls": [call]}).noted) == {
        f"messages.tool_calls.{name}" for name in calls
    }


def test_17_a_tools_own_unknown_fields_are_named() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "f", "output_schema": {"type": "object"}, "x": 1}}
    loss = lost(tools=[tool])
    assert set(loss.dropped) == {"tools.function.output_schema"}
    assert set(loss.noted) == {"tools.function.x"}


def test_17_a_whole_agent_request_loses_nothing() -> None:
    call: JsonObject = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    loss = lost(
        {"role": "system", "content": "s"},
        HI,
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]},
        tools=[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": False}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
    )
    assert loss.dropped == loss.noted == loss.changed == {}

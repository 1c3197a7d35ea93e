"""17: nested fields of a Messages request that go nowhere are named."""

from converters.anthropic.parse import parse_request
from converters.json_codec import Json, JsonObject
from converters.loss import Loss

TEXT: JsonObject = {"type": "text", "text": "hi"}


def lost(*content: Json, role: str = "user", **fields: Json) -> Loss:
    loss = Loss()
    message: JsonObject = {"role": role, "content": [*content] or [TEXT]}
    parse_request({"model": "m", "max_tokens": 9, "messages": [message], **fields}, loss)
    return loss


def test_17_citations_of_an_earlier_answer_are_noted() -> None:
    assert set(lost({**TEXT, "citations": [{"type": "page_location"}]}, role="assistant").noted) == {
        "messages.content.citations"
    }


def test_3_the_citations_switch_is_dropped() -> None:
    result: JsonObject = {"type": "search_result", "title": "t", "source": "s", "content": [TEXT]}
    assert set(lost({**result, "citations": {"enabled": True}}).dropped) == {"messages.content.citations"}


def test_3_a_picture_inside_a_document_of_blocks_is_dropped_by_name() -> None:
    picture: JsonObject = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    document: JsonObject = {"type": "document", "source": {"type": "content", "content": [TEXT, picture]}}
    assert set(lost(document).dropped) == {"messages.content.source.content.source"}


def test_4_1_extras_of_a_tool_are_named() -> None:
    tool: JsonObject = {"name": "f", "input_schema": {"type": "object"}, "defer_loading": True, "input_examples": [{}]}
    loss = lost(tools=[{**tool, "input_examples": [{"a": 1}]}])
    assert set(loss.dropped) == {"tools.input_examples"}
    assert set(loss.noted) == {"tools.defer_loading"}


def test_17_where_a_call_came_from_is_noted() -> None:
    call: JsonObject = {
        "type": "tool_use",
        "id": "c",
        "name": "f",
        "input": {"caller": 1},
        "caller": {"type": "direct"},
    }
    assert set(lost(call, role="assistant").noted) == {"messages.content.caller"}


def test_17_a_ways_of_thinking_are_told() -> None:
    thinking: JsonObject = {"type": "adaptive", "display": "updates", "block_binding": {"x": 1}}
    loss = lost(thinking=thinking)
    assert set(loss.changed) == {"thinking.display"}
    assert set(loss.dropped) == {"thinking.block_binding"}
    assert set(lost(thinking={"type": "between_tools"}).changed) == {"thinking.type"}


def test_17_a_whole_agent_request_loses_nothing() -> None:
    mark: JsonObject = {"type": "ephemeral", "ttl": "1h"}
    loss = lost(
        {**TEXT, "cache_control": mark},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}},
        {"type": "tool_result", "tool_use_id": "c", "content": [TEXT], "is_error": False},
        system=[{**TEXT, "cache_control": mark}],
        tools=[{"name": "f", "description": "d", "input_schema": {"type": "object"}, "cache_control": mark}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
    )
    assert loss.dropped == loss.noted == loss.changed == {}

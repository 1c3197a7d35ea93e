"""7.3, 7.4, 14.4, 14.6: a provider's output items become content events."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from converters.events import (
    Citation,
    ImageOut,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
)
from converters.json_codec import Json, JsonObject
from converters.openai_responses.output import Output
from converters.turns import Base64, Token

type Take = Callable[[JsonObject], Iterator[StreamEvent]]


def at(index: int, place: int | None = None, **more: Any) -> JsonObject:
    return {
        "output_index": index,
        "item_id": f"i{index}",
        **({} if place is None else {"content_index": place}),
        **more,
    }


def item(index: int, kind: str, **more: Any) -> JsonObject:
    return {"output_index": index, "item": {"type": kind, "id": f"i{index}", **more}}


def text_part(text: str, *annotations: JsonObject) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [*annotations]}


def test_14_4_a_message_of_deltas() -> None:
    output = Output()
    events = [
        *output.text_delta(at(0, 0, delta="a")),
        *output.text_delta(at(0, 0, delta="b")),
        *output.text_done(at(0, 0, text="ab")),
        *output.part_done(at(0, 0, part=text_part("ab"))),
        *output.item_done(item(0, "message", content=[text_part("ab")])),
        *output.close([{"type": "message", "id": "i0", "content": [text_part("ab")]}]),
    ]
    assert events == [TextStart(0), TextDelta(0, "a"), TextDelta(0, "b"), TextEnd(0)]


def test_14_4_the_open_text_is_known_by_its_place() -> None:
    output = Output()
    assert output.open_text(at(0, 0)) is None
    list(output.text_delta(at(0, 0, delta="a")))
    assert output.open_text(at(0, 0)) == 0
    assert output.open_text(at(0, 1)) is output.open_text(at(1, 0)) is None


@pytest.mark.parametrize(
    "take",
    [
        lambda output: output.text_done(at(0, 0, text="ab")),
        lambda output: output.part_done(at(0, 0, part=text_part("ab"))),
        lambda output: output.item_done(item(0, "message", content=[text_part("ab")])),
        lambda output: output.close([{"type": "message", "content": [text_part("ab")]}]),
    ],
)
def test_done_values_count_where_no_delta_came(take: Callable[[Output], Iterator[StreamEvent]]) -> None:
    output = Output()
    assert [*take(output), *output.close(None)] == [TextStart(0), TextDelta(0, "ab"), TextEnd(0)]


def test_14_6_several_parts_and_items_are_blocks_of_their_own() -> None:
    output = Output()
    events = [
        *output.text_delta(at(0, 0, delta="a")),
        *output.text_delta(at(0, 1, delta="b")),
        *output.text_delta(at(1, 0, delta="c")),
        *output.close(None),
    ]
    assert events == [
        *[TextStart(0), TextDelta(0, "a"), TextEnd(0), TextStart(1), TextDelta(1, "b"), TextEnd(1)],
        *[TextStart(2), TextDelta(2, "c"), TextEnd(2)],
    ]


def test_14_6_empty_deltas_open_nothing() -> None:
    output = Output()
    assert [
        *output.text_delta(at(0, 0, delta="")),
        *output.thinking_delta(at(0, 0, delta="")),
        *output.close(None),
    ] == []


# --- reasoning ---


def test_7_3_summary_parts_are_one_block() -> None:
    output = Output()
    events = [
        *output.thinking_delta(at(0, summary_index=0, delta="a")),
        *output.thinking_delta(at(0, summary_index=0, delta="b")),
        *output.thinking_done(at(0, summary_index=0, text="ab")),
        *output.thinking_delta(at(0, summary_index=1, delta="c")),
        *output.item_done(item(0, "reasoning", summary=[{"text": "ab"}, {"text": "c"}], encrypted_content="v")),
    ]
    assert events == [
        *[ThinkingStart(0), ThinkingDelta(0, "a"), ThinkingDelta(0, "b"), ThinkingDelta(0, "\n\nc")],
        ThinkingEnd(0, Token("r", "v", id="i0")),
    ]


def test_7_3_reasoning_text_and_its_summary_are_not_both_shown() -> None:
    output = Output()
    events = [
        *output.thinking_delta(at(0, 0, delta="raw")),
        *output.thinking_delta(at(0, summary_index=0, delta="short")),
        *output.item_done(item(0, "reasoning", content=[{"text": "raw"}], summary=[{"text": "short"}])),
    ]
    assert events == [ThinkingStart(0), ThinkingDelta(0, "raw"), ThinkingEnd(0)]


def test_7_4_encrypted_content_is_taken_from_the_done_item() -> None:
    output = Output()
    events = [
        *output.item_added(item(0, "reasoning", encrypted_content="early")),
        *output.item_done(item(0, "reasoning", encrypted_content="final")),
        *output.item_done(item(1, "reasoning", summary=[])),
    ]
    assert events == [ThinkingStart(0), ThinkingEnd(0, Token("r", "final", id="i0"))]


def test_the_text_of_a_reasoning_part_is_not_the_answers() -> None:
    part = {"type": "reasoning_text", "text": "raw"}
    assert list(Output().part_done(at(0, 0, part=part))) == []


# --- calls ---


@pytest.mark.parametrize(
    ("kind", "field", "expected"), [("function_call", "arguments", "function"), ("custom_tool_call", "input", "custom")]
)
def test_6_a_call_in_fragments(kind: str, field: str, expected: Any) -> None:
    output = Output()
    events = [
        *output.item_added(item(0, kind, call_id="c", name="f", **{field: ""})),
        *output.args_delta(at(0, delta="{")),
        *output.args_delta(at(0, delta="}")),
        *output.args_done(at(0) | {field: "{}"}),
        *output.item_done(item(0, kind, call_id="c", name="f", **{field: "{}"})),
        *output.args_delta(at(0, delta="late")),
        *output.close(None),
    ]
    assert events == [ToolStart(0, "c", "f", expected), ToolArgs(0, "{"), ToolArgs(0, "}"), ToolEnd(0)]
    assert output.called


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_6_a_call_that_comes_whole(kind: str) -> None:
    output, field = Output(), "arguments" if kind == "function_call" else "input"
    done = item(0, kind, call_id="c", name="f", **{field: "{}"})
    assert [type(event) for event in output.item_done(done)] == [ToolStart, ToolArgs, ToolEnd]


def test_6_calls_may_interleave_and_are_closed_in_order() -> None:
    output = Output()
    events = [
        *output.item_added(item(0, "function_call", call_id="c", name="f")),
        *output.item_added(item(1, "function_call", call_id="d", name="g")),
        *output.args_delta(at(1, delta="1")),
        *output.args_delta(at(0, delta="0")),
        *output.close(None),
    ]
    assert events[2:] == [ToolArgs(1, "1"), ToolArgs(0, "0"), ToolEnd(0), ToolEnd(1)]


def test_6_1_a_call_without_call_id_goes_by_its_item_and_one_without_name_is_none() -> None:
    output = Output()
    assert list(output.item_added(item(0, "function_call", name="f"))) == [ToolStart(0, "i0", "f")]
    assert list(output.item_done(item(1, "function_call", call_id="c", name=""))) == []
    assert list(output.args_delta(at(1, delta="x"))) == []


def test_4_3_the_namespace_of_a_call_is_part_of_its_name() -> None:
    (start,) = Output().item_added(item(0, "function_call", call_id="c", name="get", namespace="crm"))
    assert start == ToolStart(0, "c", "crm__get")


def test_14_6_a_call_closes_the_open_text() -> None:
    output = Output()
    list(output.text_delta(at(0, 0, delta="a")))
    assert list(output.item_added(item(1, "function_call", call_id="c", name="f"))) == [
        TextEnd(0),
        ToolStart(1, "c", "f"),
    ]


# --- the rest ---


def test_11_refusals() -> None:
    output = Output()
    events = [
        *output.text_delta(at(0, 0, delta="a")),
        *output.refusal_delta(at(0, 1, delta="n")),
        *output.refusal_delta(at(0, 1, delta="o")),
        *output.refusal_done(at(0, 1, refusal="no")),
        *output.item_done(item(0, "message", content=[text_part("a"), {"type": "refusal", "refusal": "no"}])),
    ]
    assert events == [TextStart(0), TextDelta(0, "a"), TextEnd(0), RefusalDelta("n"), RefusalDelta("o")]
    assert output.refused
    assert list(Output().refusal_done(at(0, 0, refusal="no"))) == [RefusalDelta("no")]


CITED: JsonObject = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 1, "end_index": 2}


def test_13_url_citations_are_told_once() -> None:
    output = Output()
    told = [
        *output.annotation(at(0, 0, annotation=CITED)),
        *output.annotation(at(0, 0, annotation={"type": "file_citation", "file_id": "f"})),
        *output.part_done(at(0, 0, part=text_part("", CITED))),
    ]
    assert told == [Citation("https://a", "A", 1, 2)]
    assert list(Output().part_done(at(0, 0, part=text_part("", CITED)))) == told


def test_3_a_picture() -> None:
    done = item(0, "image_generation_call", result="AA==", output_format="webp")
    assert list(Output().item_done(done)) == [ImageOut(Base64("image/webp", "AA=="))]
    assert list(Output().item_done(item(0, "image_generation_call", result=None))) == []


@pytest.mark.parametrize("kind", ["web_search_call", "mcp_call", "shell_call", "compaction", "unheard_of", None, 5])
def test_17_what_the_provider_ran_itself_is_skipped(kind: Json) -> None:
    output = Output()
    payload: JsonObject = {"output_index": 0, "item": {"type": kind, "id": "x", "name": "n"}}
    assert [*output.item_added(payload), *output.item_done(payload), *output.close([payload["item"]])] == []


def test_items_without_an_index_go_by_their_id() -> None:
    output = Output()
    done: list[Json] = [{"type": "message", "id": id_, "content": [text_part(id_)]} for id_ in ("a", "b")]
    events = [
        *output.text_delta({"item_id": "a", "content_index": 0, "delta": "a"}),
        *[event for item in done for event in output.item_done({"item": item})],
        *output.close(done),
    ]
    assert events == [TextStart(0), TextDelta(0, "a"), TextEnd(0), TextStart(1), TextDelta(1, "b"), TextEnd(1)]


def test_7_3_thinking_that_comes_only_with_its_done_event_is_read() -> None:
    output = Output()
    done = [
        *output.thinking_done(at(0, summary_index=0, text="ab")),
        *output.thinking_done(at(0, summary_index=0, text="ab")),
    ]
    assert done == [ThinkingStart(0), ThinkingDelta(0, "ab")]


def test_14_4_an_item_done_twice_and_parts_of_no_use_add_nothing() -> None:
    output = Output()
    done = item(0, "message", content=[5, {"type": "hologram"}, text_part("a")])
    assert [*output.item_done(done), *output.item_done(done)] == [TextStart(0), TextDelta(0, "a"), TextEnd(0)]

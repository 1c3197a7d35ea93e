"""7.3, 14.6: deltas become content blocks, one after another."""

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
from converters.openai_chat.content import Content
from converters.thinking_tags import ThinkingTags
from converters.turns import Base64, Token


def run(*deltas: JsonObject, tags: ThinkingTags | None = None) -> list[StreamEvent]:
    content = Content(tags)
    events = [event for delta in deltas for event in content.delta(delta)]
    return events + list(content.close())


def thinking(block: int, text: str, token: Token | None = None) -> list[StreamEvent]:
    return [ThinkingStart(block), ThinkingDelta(block, text), ThinkingEnd(block, token)]


def text(block: int, said: str) -> list[StreamEvent]:
    return [TextStart(block), TextDelta(block, said), TextEnd(block)]


CALL: JsonObject = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}


def call(block: int) -> list[StreamEvent]:
    return [ToolStart(block, "c", "f"), ToolArgs(block, "{}"), ToolEnd(block)]


def test_14_6_a_switch_of_kind_closes_the_open_block() -> None:
    assert run({"reasoning_content": "hm"}, {"content": "a"}, CALL, {"content": "b"}, {"reasoning_content": "so"}) == [
        *thinking(0, "hm"),
        *text(1, "a"),
        *call(2),
        *text(3, "b"),
        *thinking(4, "so"),
    ]


def test_14_6_deltas_of_one_kind_share_a_block() -> None:
    assert run({"content": "a"}, {"content": ""}, {"content": None}, {"content": "b"}) == [
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextEnd(0),
    ]


@pytest.mark.parametrize(
    "delta", [{}, {"content": ""}, {"content": None}, {"reasoning_content": ""}, {"tool_calls": None}, {"refusal": ""}]
)
def test_14_6_empty_deltas_open_no_block(delta: JsonObject) -> None:
    assert run(delta) == []


def test_14_6_white_space_between_thinking_and_a_call_is_dropped() -> None:
    assert run({"reasoning_content": "hm"}, {"content": "\n"}, {"content": "\n"}, CALL) == [
        *thinking(0, "hm"),
        *call(1),
    ]


@pytest.mark.parametrize("before", [{"reasoning_content": "hm"}, CALL])
def test_14_6_white_space_is_text_if_more_text_follows_or_nothing(before: JsonObject) -> None:
    opened = thinking(0, "hm") if before is not CALL else call(0)
    assert run(before, {"content": "\n"}, {"content": " a"}) == [*opened, *text(1, "\n a")]
    assert run(before, {"content": "\n"}) == [*opened, *text(1, "\n")]


def test_14_6_white_space_elsewhere_is_text() -> None:
    assert run({"content": "\n"}, CALL) == [*text(0, "\n"), *call(1)]
    assert run({"content": "a"}, {"content": "\n"}) == [TextStart(0), TextDelta(0, "a"), TextDelta(0, "\n"), TextEnd(0)]


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "a"}, "a"),
        ({"reasoning": "b"}, "b"),
        ({"reasoning_content": "a", "reasoning": "b"}, "a"),
        ({"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b"}]}, "b"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "c"}]}, "c"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "d"}]}]}, "d"),
    ],
)
def test_7_3_thinking_is_read_in_every_spelling_and_once(delta: JsonObject, expected: str) -> None:
    assert run(delta) == thinking(0, expected)


def test_7_3_mistral_sends_parts() -> None:
    parts: list[Json] = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"type": "reference"}]
    content = Content(None)
    assert [*content.delta({"content": parts}), *content.close()] == [*thinking(0, "hm"), *text(1, "a")]
    assert content.skipped == 1


SIGNED: Json = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}
REDACTED: Json = {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1"}
SEALED: Json = {"type": "reasoning.encrypted", "data": "d", "format": "openai-responses-v1"}


def test_7_4_a_signature_belongs_to_the_thinking_before_it() -> None:
    """Its entry repeats the text, which is not said twice."""
    assert run({"reasoning_content": "hm"}, {"reasoning_details": [SIGNED]}, {"content": "a"}) == [
        *thinking(0, "hm", Token("a", "s")),
        *text(1, "a"),
    ]
    assert run({"reasoning": "hm"}, {"reasoning_details": [SEALED]}) == thinking(0, "hm", Token("r", "d"))


def test_7_4_redacted_thinking_and_late_tokens_are_blocks_of_their_own() -> None:
    assert run({"reasoning_content": "hm"}, {"reasoning_details": [REDACTED]}) == [
        *thinking(0, "hm"),
        ThinkingStart(1),
        ThinkingEnd(1, Token("x", "d")),
    ]
    assert run({"content": "a"}, {"reasoning_details": [SEALED]}) == [
        *text(0, "a"),
        ThinkingStart(1),
        ThinkingEnd(1, Token("r", "d")),
    ]
    assert run({"reasoning_content": "hm"}, {"reasoning_details": [SEALED, SEALED]}) == [
        *thinking(0, "hm", Token("r", "d")),
        ThinkingStart(1),
        ThinkingEnd(1, Token("r", "d")),
    ]


def test_7_3_think_tags_are_split_off_if_the_profile_says_so() -> None:
    pieces: list[JsonObject] = [{"content": "<thi"}, {"content": "nk>hm</think>"}, {"content": "a"}]
    assert run(*pieces, tags=ThinkingTags()) == [*thinking(0, "hm"), *text(1, "a")]
    assert run({"content": "<thi"}, tags=ThinkingTags()) == text(0, "<thi")
    assert run({"content": "<think>hm"}, tags=ThinkingTags()) == thinking(0, "hm")
    assert run({"content": "<think>hm</think>"}) == text(0, "<think>hm</think>")


def test_11_a_refusal_closes_what_is_open() -> None:
    content = Content(None)
    events = [*content.delta({"content": "a"}), *content.delta({"refusal": "no"}), *content.close()]
    assert events == [*text(0, "a"), RefusalDelta("no")]
    assert content.refused


def test_3_images_of_an_answer() -> None:
    shown: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    assert run({"content": "a"}, {"images": [shown]}) == [*text(0, "a"), ImageOut(Base64("image/png", "AA=="))]
    linked: Json = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    assert run({"images": [linked, {"type": "odd"}]}) == text(0, "![image](https://x.example/a.png)")


def test_13_url_citations_are_read() -> None:
    cited: Json = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2}}
    bare: Json = {"type": "url_citation", "url_citation": {"url": "u", "title": 3}}
    assert run({"annotations": [cited, bare, {"type": "file_citation"}]}) == [
        Citation("u", "t", 1, 2),
        Citation("u", None, None, None),
    ]


def test_11_a_legacy_function_call_is_a_call() -> None:
    events = run({"function_call": {"name": "f", "arguments": '{"a"'}}, {"function_call": {"arguments": ":1}"}})
    assert [event.name for event in events if isinstance(event, ToolStart)] == ["f"]
    assert [event.fragment for event in events if isinstance(event, ToolArgs)] == ['{"a":1}']

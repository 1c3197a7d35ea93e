"""4.2, 14.6: a switch of kind ends the open block; reasoning carries its token."""

from collections.abc import Iterable

import pytest

from converters.errors import UpstreamError
from converters.events import (
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
from converters.kiro.blocks import Blocks
from converters.kiro.content import token_of
from converters.kiro.tags import QuotedTags

CALL = {"toolUseId": "c", "name": "f", "input": "{}", "stop": True}


def run(*steps: Iterable[StreamEvent]) -> list[StreamEvent]:
    return [event for step in steps for event in step]


def text(block: int, *pieces: str) -> list[StreamEvent]:
    return [TextStart(block), *(TextDelta(block, piece) for piece in pieces), TextEnd(block)]


def test_4_2_equal_neighbours_are_both_text() -> None:
    blocks = Blocks(None)
    assert run(blocks.say("\n"), blocks.say("\n"), blocks.say(""), blocks.close()) == text(0, "\n", "\n")
    assert blocks.found


def test_4_2_signed_reasoning_text_and_a_call() -> None:
    blocks = Blocks(None)
    events = run(
        blocks.think({"text": "hm"}),
        blocks.think({"text": " so"}),
        blocks.think({"signature": "sig"}),
        blocks.say("a"),
        blocks.call(CALL),  # type: ignore[arg-type]
        blocks.say("b"),
        blocks.close(),
    )
    assert events == [
        ThinkingStart(0),
        ThinkingDelta(0, "hm"),
        ThinkingDelta(0, " so"),
        ThinkingEnd(0, token_of("sig")),
        *text(1, "a"),
        ToolStart(2, "c", "f"),
        ToolArgs(2, "{}"),
        ToolEnd(2),
        *text(3, "b"),
    ]


def test_4_2_redacted_reasoning_is_a_block_of_its_own() -> None:
    blocks = Blocks(None)
    events = run(blocks.think({"text": "hm"}), blocks.think({"redactedContent": "AAAA"}), blocks.close())
    assert events == [
        ThinkingStart(0),
        ThinkingDelta(0, "hm"),
        ThinkingEnd(0),
        ThinkingStart(1),
        ThinkingEnd(1, token_of("AAAA", redacted=True)),
    ]


def test_4_2_a_signature_alone_is_a_block_without_words() -> None:
    blocks = Blocks(None)
    assert run(blocks.think({"signature": "s"}), blocks.close()) == [ThinkingStart(0), ThinkingEnd(0, token_of("s"))]


@pytest.mark.parametrize("payload", [{}, {"text": ""}, {"text": 1, "signature": None}])
def test_4_2_empty_reasoning_opens_nothing(payload: dict[str, object]) -> None:
    blocks = Blocks(None)
    assert run(blocks.think(payload), blocks.close()) == []  # type: ignore[arg-type]
    assert not blocks.found


def test_4_3_tags_are_split_off_and_later_text_passes() -> None:
    blocks = Blocks(QuotedTags())
    events = run(
        *(blocks.say(piece) for piece in ("<thin", "king>hm</think", "ing>\n", "\na", "<thinking>b")), blocks.close()
    )
    assert events == [
        ThinkingStart(0),
        ThinkingDelta(0, "hm"),
        ThinkingEnd(0),
        *text(1, "a", "<thinking>b"),
    ]


def test_4_3_a_call_ends_tagged_reasoning() -> None:
    blocks = Blocks(QuotedTags())
    events = run(blocks.say("<thinking>hm</thinking>"), blocks.call(CALL), blocks.say("</thinking>"), blocks.close())  # type: ignore[arg-type]
    assert events[:3] == [ThinkingStart(0), ThinkingDelta(0, "hm"), ThinkingEnd(0)]
    assert events[-3:] == text(2, "</thinking>")


def test_4_3_without_asking_tags_are_text() -> None:
    blocks = Blocks(None)
    assert run(blocks.say("<thinking>a</thinking>"), blocks.close()) == text(0, "<thinking>a</thinking>")


def test_14_7_what_was_held_back_is_said_at_the_end() -> None:
    for end in (Blocks.close, Blocks.cut):
        blocks = Blocks(QuotedTags())
        assert run(blocks.say("<thin"), end(blocks)) == text(0, "<thin")


def test_14_7_a_cut_ends_open_calls_and_close_refuses_them() -> None:
    half = {"toolUseId": "c", "name": "f", "input": '{"a"'}
    blocks = Blocks(None)
    assert run(blocks.call(half), blocks.cut())[-1] == ToolEnd(0)  # type: ignore[arg-type]
    blocks = Blocks(None)
    with pytest.raises(UpstreamError):
        run(blocks.call(half), blocks.close())  # type: ignore[arg-type]

"""Streams as people read them."""

from addons.stream_text import events_of, folded, plain_stream
from converters.events import (
    Citation,
    Finish,
    ImageOut,
    RefusalDelta,
    Start,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.turns import Base64, Token
from converters.wires import WIRES
from tests.addons.legs_rig import CHAT_STREAM


def test_pieces_of_one_text_stand_together() -> None:
    events = [
        *(Start("msg_1", "claude"), ThinkingStart(0), ThinkingDelta(0, "Hm"), ThinkingDelta(0, ".")),
        *(ThinkingEnd(0, Token("anthropic", "s")), TextStart(1), TextDelta(1, "Hel"), TextDelta(1, "lo"), TextEnd(1)),
        *(ToolStart(2, "t1", "look"), ToolArgs(2, '{"a"'), ToolArgs(2, ":1}"), ToolEnd(2)),
        *(ToolStart(3, "t2", "look"), ToolArgs(3, "{}"), ToolEnd(3)),
        *(
            RefusalDelta("No"),
            RefusalDelta("!"),
            ImageOut(Base64("image/png", "AA==")),
            Citation("https://a.test", "A"),
        ),
        *(UsageUpdate(Usage(input_total=3)), UsageUpdate(Usage(output_total=2)), Finish("tool_calls", "tool_use")),
    ]
    assert folded(events).splitlines() == [
        "[start] claude msg_1",
        "[thinking 0] (2 pieces) Hm.",
        "[signature 0] signed by the provider",
        "[text 1] (2 pieces) Hello",
        "[tool 2] look (t1)",
        '[arguments 2] (2 pieces) {"a":1}',
        "[tool 3] look (t2)",
        "[arguments 3] {}",
        "[refusal] (2 pieces) No!",
        "[image] image/png",
        "[citation] https://a.test A",
        "[usage] 3 in tokens",
        "[usage] 2 out tokens",
        "[finish] tool_calls (tool_use)",
    ]


def test_pieces_of_calls_that_come_in_turns_stay_in_their_order() -> None:
    events = [ToolArgs(0, "a"), ToolArgs(1, "b"), ToolArgs(0, "c")]
    assert folded(events).splitlines() == ["[arguments 0] a", "[arguments 1] b", "[arguments 0] c"]


def test_nothing_is_nothing() -> None:
    assert folded([]) == ""


def test_what_ended_a_stream_too_soon_comes_last() -> None:
    text = folded(events_of(WIRES["chat"], CHAT_STREAM[:200]))
    assert text.splitlines()[-1].startswith("[error] broken off: ")
    assert "[error]" not in folded(events_of(WIRES["chat"], CHAT_STREAM))


def test_an_array_becomes_events() -> None:
    assert plain_stream("gemini", b' [{"a":1},\n{"b":2}]', is_stream=False) == (
        b'data: {"a":1}\n\ndata: {"b":2}\n\n',
        True,
    )
    assert plain_stream("chat", b"[1]", is_stream=False) == (b"[1]", False)


def test_an_envelope_comes_off() -> None:
    stream = b'data: {"response":{"a":1}}\n\n'
    assert plain_stream("gemini", stream, is_stream=True, enclosed=True) == (b'data: {"a":1}\n\n', True)
    assert plain_stream("gemini", b'{"response":{"a":1}}', is_stream=False, enclosed=True) == (b'{"a":1}', False)
    assert plain_stream("gemini", stream, is_stream=True) == (stream, True)

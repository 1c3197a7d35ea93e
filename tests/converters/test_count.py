"""16: the token estimate."""

import pytest

from converters.count import estimate_tokens, text_tokens
from converters.turns import (
    Audio,
    Base64,
    Chat,
    Document,
    Image,
    Part,
    PlainText,
    SystemText,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)

PICTURE = Image(Base64("image/png", "A" * 100_000))


def count(*parts: Part) -> int:
    """Without the 4 of the message."""
    return estimate_tokens(Chat("m", "chat", turns=[Turn("user", list(parts))])) - 4


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a" * 400, 100),
        ("é" * 200, 100),
        ("漢字かな한글" * 50, 200),
        ("漢" * 30 + "a" * 40, 30),
        ("", 0),
        ("a", 1),
        ("😀😀", 2),
    ],
)
def test_16_latin_counts_bytes_and_cjk_characters(text: str, tokens: int) -> None:
    assert tokens == count(Text(text))


def test_16_every_message_costs_four() -> None:
    turns = [Turn("user", []), Turn("assistant", [])]
    assert estimate_tokens(Chat("m", "chat", turns=turns, system=[SystemText("a" * 40)])) == 3 * 4 + 10


def test_16_tools_count_as_their_json() -> None:
    small = Chat("m", "chat", tools=[Tool("f")])
    large = Chat("m", "chat", tools=[Tool("f", "d" * 400, {"type": "object"})])
    raw = Chat("m", "chat", tools=[Tool("f", kind="hosted", native=("anthropic", {"type": "x" * 400}))])
    assert 0 < estimate_tokens(small) < 10
    assert 100 < estimate_tokens(large) < 115
    assert 100 < estimate_tokens(raw) < 105


def test_16_calls_results_thinking_and_text_documents_count_by_their_text() -> None:
    assert count(ToolCall("1", "name", {"a": 1})) == count(ToolCall("1", "name", args_text='{"a":1}')) == 3
    assert count(ToolResult("1", [Text("a" * 40)])) == 10
    assert count(Thinking("a" * 40)) == 10
    assert count(Document(PlainText("a" * 40))) == 10


@pytest.mark.parametrize(
    "part",
    [
        PICTURE,
        Document(Base64("application/pdf", "A" * 9)),
        Audio(Base64("audio/wav", ""), "wav"),
        ToolResult("1", [PICTURE]),
    ],
)
def test_16_files_cost_a_flat_sum_whatever_their_size(part: Part) -> None:
    assert count(part) == 1500


def test_16_a_text_by_itself_is_not_rounded() -> None:
    """An answer is estimated delta by delta."""
    assert [text_tokens(text) for text in ("a", "ab", "漢", "é", "")] == [0.25, 0.5, 1 / 1.5, 0.5, 0.0]

"""13, 20.2b: for each pair, the stream and the whole answer of one upstream answer say the same to the client."""

from hypothesis import given, settings
from hypothesis import strategies as st

from converters.collect import replay
from converters.events import (
    Answer,
    AnswerCall,
    AnswerPart,
    AnswerText,
    AnswerThinking,
    Finish,
    Start,
    StopReason,
    Usage,
)
from converters.json_codec import dumps_text
from converters.turns import Token
from converters.wires import WIRES
from tests.converters.four_wires import answered, check, fold, new_ask, pairs, through

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda text: bool(text.strip())
)
OWN = {"chat": "a", "responses": "r", "anthropic": "a", "gemini": "g"}  # a token that each provider issues itself
VALUES = st.integers() | st.booleans() | WORDS | st.lists(st.integers(), max_size=2)


@st.composite
def answers(draw: st.DrawFn) -> tuple[str | None, list[str], list[dict[str, object]], StopReason, Usage]:
    """A thought or none, texts, arguments of calls, why it ended, usage."""
    thought = draw(st.none() | WORDS)
    texts = draw(st.lists(WORDS, max_size=1))
    calls = draw(st.lists(st.dictionaries(WORDS, VALUES, max_size=2), max_size=3))
    ends: list[StopReason] = ["tool_calls"] if calls else ["stop", "length", "content_filter"]
    usage = Usage(
        *(draw(st.integers(0, 99)) for _ in range(2)), None, draw(st.integers(50, 99)), draw(st.integers(0, 50))
    )
    return thought, texts, calls, draw(st.sampled_from(ends)), usage


@pairs
@settings(max_examples=12, deadline=None)
@given(made=answers())
def test_20_2b_the_stream_folded_is_the_whole_answer(
    provider: str,
    client: str,
    made: tuple[str | None, list[str], list[dict[str, object]], StopReason, Usage],
) -> None:
    """What the provider says is written by the other role of its own wire, which has tests of its own."""
    thought, texts, calls, reason, usage = made
    token = Token(OWN[provider], "c2ln", "thought")  # type: ignore[arg-type]
    parts: list[AnswerPart] = [AnswerThinking(thought, token)] if thought else []
    parts += [AnswerText(text) for text in texts]
    parts += [AnswerCall(f"call_{n}", "f", dumps_text(args)) for n, args in enumerate(calls)]  # type: ignore[arg-type]
    answer = Answer(Start("x", "served", 7), parts, [], usage, Finish(reason))
    upstream = WIRES[provider]
    writer = upstream.stream_writer(new_ask("chat"))
    stream = b"".join(map(writer.write, replay(answer))) + writer.end()
    streamed = check(client, through(provider, client, stream))
    whole = fold(client, answered(provider, client, upstream.write_answer(answer, new_ask("chat"))))
    assert streamed.content == whole.content
    assert streamed.text == "".join(texts)
    assert [arguments for _, arguments in streamed.content["calls"]] == calls
    assert streamed.thinking == (thought or "")

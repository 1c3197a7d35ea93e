"""Conversations whose earlier turns are remembered."""

from hypothesis import given
from hypothesis import strategies as st

from addons.records.conversation import conversation
from addons.records.talk import Talk
from converters.json_codec import dumps
from converters.turns import Chat, Part, Text, ToolCall, ToolResult, Turn

NUMBERS = st.sampled_from([1, 1.0, True, 0, False, -0.0])
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.sampled_from(["hi", "there"]).map(Text),
    st.builds(lambda n: ToolCall("c1", "tool", {"n": n}), NUMBERS),
    st.builds(lambda name: ToolCall("c1", name, {}), st.sampled_from(["one", "two"])),
    st.just(ToolResult("c1", [Text("done")])),
)
TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), st.lists(PARTS, max_size=2)), max_size=8)


def plain(data: bytes) -> bytes:
    return data


@given(st.lists(TURNS, max_size=6))
def test_what_is_remembered_makes_no_difference(calls: list[list[Turn]]) -> None:
    """Numbers that are equal in Python are not in JSON, and a result is named after the call before it."""
    talk = Talk(plain, media=False)
    for turns in calls:
        expected = dumps(conversation(Chat("m", "chat", turns=turns), None)["messages"])
        assert expected == b"[%b]" % b",".join(talk.messages(turns))


def history(length: int, word: str = "turn") -> list[Turn]:
    return [Turn("user" if n % 2 else "assistant", [Text(f"{word} {n}")]) for n in range(length)]


def test_only_new_turns_are_redacted() -> None:
    seen: list[bytes] = []

    def redact(data: bytes) -> bytes:
        seen.append(data)
        return data.replace(b"turn 3", b"[redacted]")

    talk = Talk(redact, media=False)
    for number in range(4, 20, 2):
        seen.clear()
        written = talk.messages(history(number))
        talk.messages(history(6, "other"))
        assert b"".join(written).count(b"[redacted]") == 1
        assert len(seen) <= (10 if number == 4 else 2)
    talk.forget()
    seen.clear()
    talk.messages(history(18))
    assert len(seen) == 18

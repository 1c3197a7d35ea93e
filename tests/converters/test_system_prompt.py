"""The operator's system prompt in a client's own body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject
from converters.system_prompt import MODES, Mode, with_system_prompt

MARK: JsonObject = {"type": "ephemeral"}
ATTRIBUTION: JsonObject = {"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"}
OURS: JsonObject = {"type": "text", "text": "Ours."}


def block(text: str, **more: Json) -> JsonObject:
    return {"type": "text", "text": text, **more}


@pytest.mark.parametrize(
    ("system", "mode", "expected"),
    [
        (None, "overwrite", [OURS]),
        (None, "append", [OURS]),
        ("Theirs.", "overwrite", [OURS]),
        ("Theirs.", "append", [block("Theirs."), OURS]),
        ("Theirs.", "prepend", [OURS, block("Theirs.")]),
        ([block("A"), block("B", cache_control=MARK)], "append", [block("A"), block("B", cache_control=MARK), OURS]),
        ([block("A"), block("B", cache_control=MARK)], "overwrite", [{**OURS, "cache_control": MARK}]),
        ([ATTRIBUTION, block("A")], "overwrite", [ATTRIBUTION, OURS]),
        ([ATTRIBUTION, block("A")], "prepend", [ATTRIBUTION, OURS, block("A")]),
        ([ATTRIBUTION, block("A")], "append", [ATTRIBUTION, block("A"), OURS]),
    ],
)
def test_anthropic_system_prompts_keep_marks_and_attribution(system: Json, mode: Mode, expected: Json) -> None:
    body: JsonObject = {"model": "m"} if system is None else {"model": "m", "system": system}

    assert with_system_prompt("anthropic", body, "Ours.", mode) == ("system", expected)


USER: JsonObject = {"role": "user", "content": "Hi"}
THEIRS: JsonObject = {"role": "system", "content": "Theirs."}
OUR_MESSAGE: JsonObject = {"role": "system", "content": "Ours."}


@pytest.mark.parametrize(
    ("messages", "mode", "expected"),
    [
        ([USER], "overwrite", [OUR_MESSAGE, USER]),
        ([THEIRS, USER], "overwrite", [OUR_MESSAGE, USER]),
        ([THEIRS, THEIRS, USER], "overwrite", [OUR_MESSAGE, USER]),
        ([THEIRS, USER], "append", [THEIRS, OUR_MESSAGE, USER]),
        ([THEIRS, USER], "prepend", [OUR_MESSAGE, THEIRS, USER]),
        ([USER, THEIRS], "overwrite", [OUR_MESSAGE, USER, THEIRS]),
        (
            [{"role": "developer", "content": "D"}, USER],
            "append",
            [{"role": "developer", "content": "D"}, {"role": "developer", "content": "Ours."}, USER],
        ),
    ],
)
def test_chat_system_prompts_stand_before_the_conversation(messages: Json, mode: Mode, expected: Json) -> None:
    assert with_system_prompt("chat", {"messages": messages}, "Ours.", mode) == ("messages", expected)


@pytest.mark.parametrize("mode", MODES)
def test_the_prefix_of_the_next_turn_is_the_same(mode: Mode) -> None:
    """A prompt that moved would void the provider's cache."""
    first: list[Json] = [THEIRS, USER]
    later: list[Json] = [*first, {"role": "assistant", "content": "Hello"}, USER]
    _, one = with_system_prompt("chat", {"messages": first}, "Ours.", mode)
    _, two = with_system_prompt("chat", {"messages": later}, "Ours.", mode)

    assert isinstance(one, list)
    assert isinstance(two, list)
    assert two[: len(one)] == one


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda x: st.lists(x, max_size=3)),
    st.sampled_from(MODES),
    st.sampled_from(["chat", "anthropic"]),
)
def test_a_malformed_body_is_left_for_its_parser(found: Json, mode: Mode, wire: str) -> None:
    body: JsonObject = {"system": found, "messages": found}
    before = dict(body)
    name, value = with_system_prompt(wire, body, "Ours.", mode)

    assert body == before
    if not isinstance(found, list | str | None):
        assert value == found
    assert name in body

"""Which recorded request means the same, and what differs where none does."""

import pytest

from addons.replay_match import Asked, Index, asked, asked_by_name, conversation_of
from converters.json_codec import JsonObject

FORM = ("anthropic", "", "whole")
OTHER_FORM = ("chat", "", "sse")
LONG = "You are an agent. " * 20 + "Folder: {folder}. " + "Always be helpful. " * 20


def text(role: str, said: str) -> JsonObject:
    return {"role": role, "parts": [{"type": "text", "text": said}]}


def tool(name: str, **more: object) -> JsonObject:
    found: JsonObject = {"name": name, "description": "It does.", "parameters": {"type": "object"}}
    return found | more  # type: ignore[operator]


def talk(*messages: JsonObject, system: str = "Be brief.", tools: list[JsonObject] | None = None) -> JsonObject:
    return {"system": [{"type": "text", "text": system}], "tools": [*(tools or [])], "messages": [*messages]}


def request(conversation: JsonObject, model: str = "m", form: tuple[str, ...] = FORM) -> Asked:
    return asked("generate", conversation, model, form)


def index(*entries: tuple[str, Asked]) -> Index[str]:
    found = Index[str]()
    for id_, each in entries:
        found.add(each, id_, f"answer of {id_}")
    return found


HELLO = talk(text("user", "Hello"))


def taken(found: Index[str], each: Asked) -> str | None:
    entry = found.take(each)
    return entry.id if entry else None


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        (talk(text("user", "Hello")), talk(text("user", " Hello\n"))),
        (talk(text("user", "Hello")), talk(text("user", "Today's date is 2026-11-24."), text("user", "Hello"))),
        (
            talk(
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "id": "a", "name": "f", "arguments": {"x": 1, "y": 2}}],
                }
            ),
            talk(
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "id": "b", "name": "f", "arguments": {"y": 2, "x": 1.0}}],
                }
            ),
        ),
        (talk(tools=[tool("a"), tool("b", strict=True)]), talk(tools=[tool("b"), tool("a")])),
        (talk(system="Be brief.\nToday's date is 2026-11-23."), talk(system="Be brief.\nToday's date is 2027-01-01.")),
    ],
    ids=["white space", "dates in turns", "ids and key order", "order of tools", "dates in the system prompt"],
)
def test_what_means_the_same_is_the_same(recorded: JsonObject, now: JsonObject) -> None:
    assert taken(index(("one", request(recorded))), request(now)) == "one"


@pytest.mark.parametrize(
    "now",
    [
        talk(text("user", "Hello!")),
        talk(text("user", "Hello"), text("assistant", "Hi")),
        talk(text("user", "Hello"), system="Be long."),
        talk(text("user", "Hello"), tools=[tool("f")]),
        talk(text("assistant", "Hello")),
    ],
    ids=["text", "more turns", "system prompt", "tools", "side"],
)
def test_what_means_something_else_is_not(now: JsonObject) -> None:
    assert taken(index(("one", request(HELLO))), request(now)) is None


DATES = (
    *("2026-11-23", "2026-11-23T10:11:12.5Z", "2026-11-23 10:11:12 +01:00", "10:11:12", "11/23/2026"),
    *("November 23, 2026", "Monday, November 23rd, 2026", "Mon Nov 23 2026", "23. Nov 2026", "23 November 2026"),
    *("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "12345678-7dec-11d0-a765-00a0c91e6bf6"),
)


@pytest.mark.parametrize("date", DATES)
def test_a_date_or_a_made_up_id_anywhere_in_a_text_does_not_count(date: str) -> None:
    def said(when: str) -> JsonObject:
        call: JsonObject = {"type": "tool_call", "id": "a", "name": "f", "arguments": {"when": f"at {when}"}}
        return talk(
            text("user", f"It is ({when})."),
            {"role": "assistant", "parts": [call]},
            system=f"You help. It is {when} now.",
            tools=[tool("f", description=f"Since {when}.")],
        )

    found = index(("one", request(said(date))))
    assert taken(found, request(said("2027-01-01"))) == "one"
    assert taken(found, request(said("tomorrow"))) is None


@pytest.mark.parametrize("word", ["v1.2", "main.py:12:5", "May we?", "2026", "1/2", "deadbeef", "3:45"])
def test_what_is_no_date_counts(word: str) -> None:
    found = index(("one", request(talk(text("user", f"Look at {word}")))))
    assert taken(found, request(talk(text("user", "Look at 2026-11-23")))) is None


def test_the_answer_to_the_very_same_dates_goes_first() -> None:
    days = [talk(text("user", f"Who won on 2026-11-{day}?")) for day in (20, 21, 22)]
    found = index(("20", request(days[0])), ("21", request(days[1], "x")))
    assert taken(found, request(days[1])) == "21"
    assert taken(found, request(days[0], "x")) == "20"
    assert taken(found, request(days[2], "x")) == "21"


def test_a_conversation_without_turns_is_one_as_well() -> None:
    """What a client of the Responses API asks with `instructions` alone."""
    found = index(("one", request(talk(system="Say hello."))))
    assert taken(found, request(talk(system="Say hello."))) == "one"
    assert found.nearest(request(HELLO)) == "the nearest is one, which ends before turn 1 ('user: Hello')"


def test_another_action_is_another_request() -> None:
    found = index(("one", request(HELLO)))
    assert found.take(asked("count", HELLO, "m", FORM)) is None


def test_a_request_asked_again_gets_the_next_answer_then_the_last_one_again() -> None:
    found = index(("one", request(HELLO)), ("two", request(HELLO)))
    assert [taken(found, request(HELLO)) for _ in range(4)] == ["one", "two", "two", "two"]


def test_the_same_model_and_form_go_first() -> None:
    found = index(
        ("other model", request(HELLO, "x")),
        ("other form", request(HELLO, "m", OTHER_FORM)),
        ("both", request(HELLO)),
    )
    assert [taken(found, request(HELLO)) for _ in range(2)] == ["both", "both"]
    assert taken(found, request(HELLO, "x", OTHER_FORM)) == "other model"
    assert taken(found, request(HELLO, "nobody's", OTHER_FORM)) == "other form"


def test_a_long_system_prompt_may_differ_in_its_middle() -> None:
    """Agents write the folder they are in there."""
    recorded = talk(text("user", "Hello"), system=LONG.format(folder="one"), tools=[tool("f")])
    now = talk(text("user", "Hello"), system=LONG.format(folder="two"), tools=[tool("f")])
    without = talk(text("user", "Hello"), system=LONG.format(folder="two"))
    found = index(("one", request(recorded)))
    assert taken(found, request(now)) == "one"
    assert taken(found, request(without)) is None


def test_the_very_same_system_prompt_goes_before_one_that_is_like_it() -> None:
    one, two = (talk(text("user", "Hello"), system=LONG.format(folder=name)) for name in ("one", "two"))
    found = index(("one", request(one)), ("two", request(two)))
    assert taken(found, request(two)) == "two"


def test_calls_that_are_no_conversation_are_told_apart_by_name() -> None:
    found = index(("one", asked_by_name("stored", "resp_1", FORM)))
    assert taken(found, asked_by_name("stored", "resp_1", FORM)) == "one"
    assert taken(found, asked_by_name("stored", "resp_2", FORM)) is None


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (talk(text("user", "Hello wurld")), "turn 1 differs: recorded 'user: Hello world', asked 'user: Hello wurld'"),
        (
            talk(text("user", "Hello world"), text("assistant", "Hi"), text("user", "Stay")),
            "turn 3 differs: recorded 'user: Go on', asked 'user: Stay'",
        ),
        (talk(text("user", "Hello world"), text("assistant", "Hi")), "is two, which goes on from here with more turns"),
        (
            talk(text("user", "Hello world"), text("assistant", "Hi"), text("user", "Go on"), text("assistant", "Ok")),
            "is two, which ends before turn 4 ('assistant: Ok')",
        ),
        (
            talk(text("user", "Hello world"), system="Be long."),
            "is one; the system prompt differs: -Be brief. | +Be long.",
        ),
        (talk(text("user", "Hello world"), tools=[tool("f")]), "is one; the tools differ (more: f)"),
    ],
    ids=["first turn", "later turn", "shorter", "longer", "system", "tools"],
)
def test_the_nearest_request_is_named_with_what_differs(now: JsonObject, said: str) -> None:
    found = index(
        ("one", request(talk(text("user", "Hello world")))),
        ("two", request(talk(text("user", "Hello world"), text("assistant", "Hi"), text("user", "Go on")))),
        ("three", request(talk(text("user", "Something else")))),
    )
    assert said in found.nearest(request(now))


def test_long_turns_are_shown_from_where_they_differ() -> None:
    before = "The same words again and again. " * 10
    found = index(("one", request(talk(text("user", before + "Old.")))))
    said = found.nearest(request(talk(text("user", before + "New."))))
    assert said.endswith(
        "'... again. The same words again and again. Old.', asked '... again. The same words again and again. New.'"
    )
    farther = index(("one", request(talk(text("user", before * 9 + "Old.")))))
    assert "and goes on in another way" in farther.nearest(request(talk(text("user", before * 9 + "New."))))


def test_where_nothing_of_the_kind_is_recorded_that_is_said() -> None:
    assert Index[str]().nearest(request(HELLO)) == "nothing of the kind 'generate' is recorded"


def test_a_conversation_whose_lists_are_missing_is_none() -> None:
    assert conversation_of({"conversation": {**HELLO, "tools": None}}) is None
    assert conversation_of({"conversation": None}) is None
    assert conversation_of({"conversation": HELLO}) == HELLO

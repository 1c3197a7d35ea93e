"""What a dataset needs to know of a record."""

import pytest

from addons.dataset_export.facts import facts_of, moment
from tests.addons.dataset_export.talk import Message, assistant, call, record, thinking, user


def test_facts_of_a_record() -> None:
    facts = facts_of(record("7", [user("hi")], assistant(call("f")), began=1_795_392_000.0, tools=[{"name": "f"}]))
    assert (facts.id, facts.day, facts.seconds, facts.first_byte) == ("7", "2026-11-23", 2.0, 0.5)
    assert (facts.model, facts.provider, facts.protocol, facts.agent) == ("m-1", "openai-custom", "chat", "agent/1")
    assert (facts.tools_called, facts.wordless, facts.action) == (True, False, "generate")


def test_the_model_is_the_served_one_else_the_one_sent_else_the_one_asked_for() -> None:
    made = record("1", [], assistant("x"))
    made["route"] = {"asked": "a", "target": "b", "served": "c"}
    assert (facts_of(made).asked, facts_of(made).model) == ("a", "c")
    made["route"]["served"] = None
    assert facts_of(made).model == "b"
    made["route"]["target"] = None
    assert facts_of(made).model == "a"


@pytest.mark.parametrize(
    ("state", "stop", "expected"),
    [
        ("complete", "stop", True),
        ("complete", "tool_calls", True),
        ("complete", "length", False),
        ("complete", "refusal", False),
        ("cut", "stop", False),
    ],
)
def test_success_is_an_answer_that_came_to_its_own_end(state: str, stop: str, expected: bool) -> None:
    assert facts_of(record("1", [], assistant("x"), state=state, stop=stop)).successful is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (5, 5.0),
        (5.5, 5.5),
        (1e18, None),
        (-5, None),
        (float("nan"), None),
        (True, None),
        ("soon", None),
        (None, None),
    ],
)
def test_moments_are_unix_seconds_that_a_calendar_knows(written: float | str | None, expected: float | None) -> None:
    assert moment(written) == expected


@pytest.mark.parametrize("answer", [assistant(thinking("hm")), assistant(" \n"), assistant({"type": "image"})])
def test_an_answer_without_a_word_or_a_call_is_wordless(answer: Message) -> None:
    assert facts_of(record("1", [], answer)).wordless
    assert not facts_of(record("1", [], assistant(*answer["parts"], "x"))).wordless


def test_a_record_of_nothing_has_no_facts_but_makes_no_trouble() -> None:
    facts = facts_of({"id": "1", "conversation": None, "route": None, "client": None})
    assert (facts.began, facts.model, facts.seconds, facts.day) == (0.0, "", None, "1970-01-01")

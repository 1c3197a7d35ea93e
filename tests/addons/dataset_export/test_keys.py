"""When two messages are the same."""

from typing import Any

import pytest

from addons.dataset_export.keys import alike, digest, link, setting, sketch, steps
from tests.addons.dataset_export.talk import Message, assistant, call, record, result, text, thinking, user

SAME: dict[str, tuple[list[Message], list[Message]]] = {
    "ids of calls": ([assistant(call("f", "c1", x=1))], [assistant(call("f", "toolu_9", x=1))]),
    "ids of results": ([user(result("r", "c1"))], [user(result("r", "toolu_9"))]),
    "order of arguments": ([assistant(call("f", a=1, b=2))], [assistant(call("f", b=2, a=1))]),
    "1 and 1.0": ([assistant(call("f", a=[{"b": 1.0}]))], [assistant(call("f", a=[{"b": 1}]))]),
    "reasoning": ([assistant(thinking("hm"), "yes")], [assistant("yes")]),
    "reasoning in tags": ([assistant("<think>hm</think>\n\nyes")], [assistant("yes")]),
    "space around an answer": ([assistant("yes\n")], [assistant("yes")]),
    "the cut into parts": ([assistant("one ", "two")], [assistant("one two")]),
    "the cut into messages": ([user(result("r")), user("and?")], [user(result("r"), "and?")]),
    "a reminder": ([user("<system-reminder>todo: 3</system-reminder>", "go")], [user("go")]),
    "a reminder in a result": (
        [user(result("out\n<system-reminder>9 tokens left</system-reminder>"))],
        [user(result("out\n<system-reminder>8 tokens left</system-reminder>"))],
    ),
    "a line with the date": ([user("Today's date is 2026-11-22.\ngo")], [user("Today's date is 2026-11-23.\ngo")]),
    "a system prompt in the middle": ([user("go"), {"role": "system", "parts": [text("brief")]}], [user("go")]),
    "a step of the provider": (
        [assistant({"type": "hosted", "kind": "search", "text": ""}, "yes")],
        [assistant("yes")],
    ),
}
OTHER: dict[str, tuple[list[Message], list[Message]]] = {
    "words": ([user("go")], [user("Go")]),
    "space inside": ([user("a  b")], [user("a b")]),
    "who says it": ([user("go")], [assistant("go")]),
    "arguments": ([assistant(call("f", a=1))], [assistant(call("f", a=True))]),
    "the tool": ([assistant(call("f", a=1))], [assistant(call("g", a=1))]),
    "a call more": ([assistant("x", call("f"))], [assistant("x")]),
    "order of calls": ([assistant(call("f"), call("g"))], [assistant(call("g"), call("f"))]),
    "free text of a call": (
        [assistant({"type": "tool_call", "id": "1", "name": "f", "arguments_text": "a"})],
        [assistant({"type": "tool_call", "id": "1", "name": "f", "arguments_text": "b"})],
    ),
    "the result": ([user(result("r"))], [user(result("s"))]),
    "a result and a text": ([user(result("r"))], [user("r")]),
    "the picture": ([user({"type": "image", "sha256": "aa"})], [user({"type": "image", "sha256": "bb"})]),
    "the text of a date in a sentence": ([user("Was the date is 3?")], [user("Was the date is 4?")]),
    "a refusal": ([assistant({"type": "refusal", "text": "no"})], [assistant()]),
}


def keys(messages: list[Message]) -> list[bytes]:
    return [step.key for step in steps(messages)]


@pytest.mark.parametrize("what", SAME)
def test_what_clients_change_is_not_compared(what: str) -> None:
    one, other = SAME[what]
    assert keys(one) == keys(other)
    assert len(keys(one)) == 1


@pytest.mark.parametrize("what", OTHER)
def test_what_was_said_is_compared(what: str) -> None:
    one, other = OTHER[what]
    assert keys(one) != keys(other)


def test_a_key_in_its_place_depends_on_all_before() -> None:
    assert link(b"a" * 16, b"c" * 16) != link(b"b" * 16, b"c" * 16)
    assert len(link(b"", b"c" * 16)) == 16


def test_the_setting_is_the_system_prompt_without_its_date_and_the_tools() -> None:
    def of(**more: Any) -> bytes:
        return setting(record("1", [], None, **more)["conversation"])

    assert of(system="Be brief.\nToday is Monday.") == of(system="Be brief.\nToday is Tuesday.")
    assert of(system="Be brief.") != of(system="Be long.")
    assert of(tools=[{"name": "f"}]) != of(tools=[{"name": "g"}])
    assert of(tools=[{"ref": "sha256:1"}]) != of()


def test_a_reference_stands_for_what_it_refers_to() -> None:
    by_reference = record("1", [], None)["conversation"] | {"system": {"ref": "sha256:1"}}
    assert setting(by_reference) == setting(by_reference | {"messages": [user("go")]})
    assert setting(by_reference) != setting(by_reference | {"system": {"ref": "sha256:2"}})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Fix the bug in the parser", "Fix the bug in the parser " + "\nremember " * 500, True),
        ("Fix the bug in the parser", "remember this " * 500 + "Fix the bug in the parser", True),
        ("Fix the bug in the parser", "Write a poem on the sea, please do", False),
        ("hi", "hello", False),
        ("", "", False),
    ],
)
def test_texts_are_alike_when_a_client_has_put_something_at_an_end(one: str, other: str, expected: bool) -> None:
    assert alike(sketch(one), sketch(other)) is expected
    assert alike(sketch(other), sketch(one)) is expected


def test_lone_surrogates_have_keys() -> None:
    assert len(digest("\ud800")) == 16
    assert len(keys([user("\ud800 x")])) == 1


def test_what_the_operator_put_in_is_a_part_of_the_setting() -> None:
    one = record("1", [], None, system="Be brief.")["conversation"]
    prompt = {"mode": "append", "text": {"ref": "sha256:1"}, "replacements": []}
    assert setting(one, prompt) != setting(one)
    assert setting(one, prompt) == setting(one, dict(prompt))
    assert setting(one, prompt) != setting(one, prompt | {"text": {"ref": "sha256:2"}})

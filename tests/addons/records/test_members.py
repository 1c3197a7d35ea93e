"""Where tools and system prompts stand in a body."""

import json
import random

import pytest

from addons.records.members import SMALLEST, Members, places_in

LONG = "prompt " * 100
TOOLS = [{"name": f"tool_{n}", "description": "does things " * 10} for n in range(8)]


def found(body: object) -> list[object]:
    data = json.dumps(body, ensure_ascii=False).encode()
    return [json.loads(data[start:end]) for start, end in places_in(data)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"model": "m", "system": LONG, "messages": [], "tools": TOOLS}, [LONG, TOOLS]),
        ({"instructions": LONG, "input": "hi", "tools": TOOLS}, [LONG, TOOLS]),
        ({"systemInstruction": {"parts": [{"text": LONG}]}, "tools": TOOLS}, [{"parts": [{"text": LONG}]}, TOOLS]),
        (
            {"messages": [{"role": "system", "content": LONG}, {"role": "user", "content": LONG}]},
            [{"role": "system", "content": LONG}],
        ),
        ({"input": [{"role": "developer", "content": LONG}]}, [{"role": "developer", "content": LONG}]),
        ({"messages": [{"role": "user", "content": LONG}]}, []),
        ({"request": {"contents": [], "tools": TOOLS}}, [TOOLS]),
        ({"system": "short", "tools": []}, []),
        ({"ünïcode": "äöü" * 50, "tools": TOOLS}, [TOOLS]),
        ({"nested": {"tools": TOOLS}}, []),
        ([TOOLS], []),
        ({}, []),
    ],
    ids=str,
)
def test_tools_and_system_prompts_are_found_in_every_protocol(body: object, expected: list[object]) -> None:
    assert expected == found(body)


@pytest.mark.parametrize(
    "broken", [b"", b"{", b'{"tools": [' + b"1," * 600, b"[" * 5000, b'{"tools" 1}' + b" " * 600, b"x" * 600]
)
def test_what_is_no_json_object_has_none(broken: bytes) -> None:
    assert places_in(broken) == []


def test_a_body_that_is_not_utf_8_is_told() -> None:
    with pytest.raises(UnicodeDecodeError):
        Members().places(b'{"tools":' + b"\xff" * 1000)
    assert Members().places(b"\xff" * 1000) == []  # it names nothing that could be found


@pytest.mark.parametrize("seed", range(10))
def test_a_body_that_is_like_an_earlier_one_has_the_same_places(seed: int) -> None:
    """Or, where only some could be told from it, those of a fresh search."""
    chance, members = random.Random(seed), Members()
    messages = [{"role": "user", "content": "wörd " * 50}]
    for _ in range(12):
        body: dict[str, object] = {"model": "m", "messages": messages}
        body |= {"system": LONG + "!" * chance.randint(0, 2), "tools": TOOLS[: chance.randint(6, 8)]}
        if chance.random() < 0.3:
            body = {name: body[name] for name in reversed(body)}
        data = json.dumps(body, ensure_ascii=False).encode()
        assert members.places(data) == places_in(data)
        messages.append({"role": chance.choice(["user", "assistant"]), "content": "more " * chance.randint(1, 300)})


def test_small_values_stay_where_they_are() -> None:
    text = "x" * (SMALLEST - 2)
    assert found({"system": text}) == [text]
    assert found({"system": text[1:]}) == []


@pytest.mark.parametrize("name", ["tools", "instructions", "system"])
def test_of_answers_only_what_they_repeat_is_looked_for(name: str) -> None:
    """Those of the Responses API say tools and instructions again. A short one with none of them is not read."""
    body = json.dumps({name: LONG, "output": []}).encode()
    assert Members().places(body, "request") == places_in(body) != []
    assert Members().places(body, "answer") == ([] if name == "system" else places_in(body))

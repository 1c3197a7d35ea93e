"""Requests of agents that grow and change: what is remembered of them never shows."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from addons.records.conversation import conversation
from addons.records.facts import Facts
from addons.records.fold import read_chat
from addons.records.reading import Reading
from converters.json_codec import JsonObject, dumps
from converters.loss import Loss
from converters.turns import Chat, Text, Turn
from converters.wire import Wire
from converters.wires import WIRES
from tests.addons.records.agents import (
    ASK,
    BLOCK,
    BROKEN,
    CHANGES,
    HISTORY,
    MARK,
    MORE_TOOLS,
    SAY,
    SEARCH,
    SILENT,
    STEPS,
    TALK,
    TOOLS,
    Body,
    Items,
    block_message,
    body_of,
    call_output,
    chat_message,
    content,
    facts_of,
    function_call,
    function_part,
    grown,
    instead,
    marked,
    message,
    reordered,
    requests,
    retyped,
    tool_result,
    tool_use,
    turns_of,
)
from tests.e2e.test_captures import FOUND, PROTOCOLS


def shown(read: Callable[[Facts], Chat], facts: Facts) -> bytes:
    """A record's conversation; what was wrong where there is none."""
    try:
        return dumps(conversation(read(facts), None))
    except ValueError as error:
        return f"{type(error).__name__}: {error}".encode()


def compare(requests: Iterable[tuple[str, Body]]) -> None:
    reading = Reading()
    for wire, body in requests:
        assert shown(reading.chat, facts_of(wire, body)) == shown(read_chat, facts_of(wire, body))


@pytest.mark.parametrize("wire", sorted(WIRES))
def test_what_is_remembered_makes_no_difference(wire: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(requests(wire))
    def check(made: list[tuple[str, Body]]) -> None:
        compare(made)

    check()


# --- what went wrong, or nearly ---


BRIEF = "Be brief."
DEVELOPER = message("developer", BRIEF)
FROM_SYSTEM = {"role": "system"}
CASES: dict[str, list[tuple[str, Body]]] = {
    "responses: developer messages before the first turn": [
        ("responses", body_of("responses", DEVELOPER + body["input"], instructions=f"Be {number}."))
        for number, (_, body) in enumerate(grown("responses", TALK["responses"], TALK["responses"]))
    ],
    "responses: reasoning before developer messages": [
        ("responses", body_of("responses", [SILENT] + DEVELOPER + body["input"]))
        for _, body in grown("responses", TALK["responses"])
    ],
    "responses: a call that says it is the system's": [
        ("responses", body_of("responses", DEVELOPER * 8 + [said | FROM_SYSTEM] + SAY["responses"]))
        for said in (SILENT, function_call("c", "{}"))
    ],
    "responses: a search before an answer": grown(
        "responses", TALK["responses"] + ASK["responses"] + [SEARCH] + SAY["responses"], TALK["responses"]
    ),
    "responses: reasoning that says nothing, before a message to the model": instead(
        "responses", [SILENT, *SAY["responses"]], [SILENT, *DEVELOPER, *SAY["responses"]]
    ),
    "responses: reasoning that says nothing, between results": instead(
        "responses", [SILENT, *SAY["responses"]], [SILENT, call_output("t2-c"), *SAY["responses"]]
    ),
    "responses: one answer without a turn, one turn without an answer": instead(
        "responses",
        TALK["responses"] + ASK["responses"] + [SILENT] + ASK["responses"] + [SEARCH] + TALK["responses"][:2],
        TALK["responses"] + ASK["responses"] + [SILENT] + ASK["responses"] + TALK["responses"][:2],
    ),
    "responses: hosted results in place of an answer": instead(
        "responses", SAY["responses"], STEPS["responses"][8]("t2", 0) + SAY["responses"]
    ),
    "responses: tools in the history, and other tools": [
        ("responses", body_of("responses", [MORE_TOOLS] + body["input"], tools=TOOLS["responses"] * number))
        for number, (_, body) in enumerate(grown("responses", TALK["responses"]), 1)
    ],
    "chat: a system message in place of an answer": instead(
        "chat", SAY["chat"], chat_message("system", "remember") + SAY["chat"]
    ),
    "chat: one more result in place of an answer": instead(
        "chat", SAY["chat"], chat_message("tool", "late", tool_call_id="t2-c") + SAY["chat"]
    ),
    "chat: a function's result after its call of long ago": grown(
        "chat", STEPS["chat"][6]("", 0)[:1], TALK["chat"], STEPS["chat"][6]("", 0)[1:]
    ),
    "chat: a function's result without a call": grown("chat", STEPS["chat"][6]("", 0)[1:] + TALK["chat"], TALK["chat"]),
    "chat: a system message of a type that only another protocol has": instead(
        "chat", SAY["chat"], chat_message("system", "remember", type="function_call") + SAY["chat"]
    ),
    "chat and anthropic: the same messages": [
        (wire, body_of(wire, (ASK["chat"] + [{"role": "assistant", "content": "words"}]) * 5, system=BRIEF, tools=[]))
        for wire in ("chat", "anthropic", "chat")
    ],
    "anthropic: answers that are two turns, or none of the model's": instead(
        "anthropic",
        STEPS["anthropic"][5]("", 0) + ASK["anthropic"] + STEPS["anthropic"][6]("", 0) + TALK["anthropic"],
        STEPS["anthropic"][5]("", 0) + ASK["anthropic"] + STEPS["anthropic"][6]("", 0) + ASK["anthropic"] * 2,
    ),
    "anthropic: an id used again for another tool": grown(
        "anthropic",
        block_message("assistant", tool_use("t1", 1, "other")) + block_message("user", tool_result("t1")),
        TALK["anthropic"],
    ),
    "anthropic: an id used again for another tool, and taken back": instead(
        "anthropic",
        block_message("assistant", tool_use("t0", 1, "other")) + block_message("user", tool_result("t0")),
        TALK["anthropic"],
    ),
    "anthropic: a result before its call": grown(
        "anthropic",
        block_message("user", tool_result("t9")) + TALK["anthropic"],
        block_message("assistant", tool_use("t9", 1)),
        TALK["anthropic"],
    ),
    "gemini: an id used again for another tool": grown(
        "gemini",
        content("model", function_part("functionCall", "t1", 1, "other"))
        + content("user", function_part("functionResponse", "t1", 1, "other")),
        TALK["gemini"],
    ),
    "gemini: a result that waits for the first call of its name": grown(
        "gemini",
        content("model", function_part("functionCall", "a", 1)) + ASK["gemini"],
        content("model", function_part("functionCall", "b", 1))
        + content("user", function_part("functionResponse", "z", 1)),
    ),
    "gemini: a late result, and a call of the same name": grown(
        "gemini",
        content("model", function_part("functionCall", "a", 1)) + ASK["gemini"],
        content("model", function_part("functionCall", "b", 1))
        + content("user", function_part("functionResponse", "a", 1)),
    ),
    "gemini: an id that an earlier result had": grown(
        "gemini",
        content("model", function_part("functionCall", "a", 1))
        + content("user", function_part("functionResponse", "z", 1)),
        TALK["gemini"],
        content("model", function_part("functionCall", "z", 1))
        + content("user", function_part("functionResponse", "z", 1)),
    ),
    "gemini: calls without ids": grown("gemini", *[STEPS["gemini"][7]("", 1)] * 3),
    "gemini: calls with empty ids": grown("gemini", *[STEPS["gemini"][5]("", 1)] * 3),
}


@pytest.mark.parametrize("made", CASES.values(), ids=CASES.keys())
def test_what_hangs_on_what_stands_before_is_read_with_it(made: list[tuple[str, Body]]) -> None:
    compare(made)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("number", range(-4, 0))
@pytest.mark.parametrize("wire", sorted(WIRES))
def test_an_item_that_only_looks_the_same_is_read_anew(wire: str, number: int, change: str) -> None:
    """1, 1.0 and true are the same to Python; so are objects whose fields stand in another order."""
    items = STEPS[wire][0]("start", 0) + turns_of(wire, 6, "x" if change == "reorder" else 1)
    other = [*items[:number], CHANGES[change](items[number]), *items[number:][1:]]
    compare((wire, body_of(wire, said + TALK[wire])) for said in (items, other, items))


@pytest.mark.parametrize("change", [retyped, reordered])
@pytest.mark.parametrize("wire", sorted(WIRES))
def test_tools_that_only_look_the_same_are_read_anew(wire: str, change: Callable[[Any], Any]) -> None:
    compare(
        (wire, {**body, "tools": tools})
        for (_, body), tools in zip(
            grown(wire, TALK[wire], TALK[wire]), (TOOLS[wire], change(TOOLS[wire]), TOOLS[wire]), strict=True
        )
    )


# --- requests of real clients ---

CAPTURES = [(path, capture) for path in FOUND if (capture := json.loads(path.read_text()))]


@pytest.mark.parametrize("capture", [c for _, c in CAPTURES], ids=[f"{p.parent.name}-{p.stem}" for p, _ in CAPTURES])
def test_a_real_clients_session_goes_on(capture: Body) -> None:
    """Its request, again and with more behind it, then with its last items changed."""
    wire, body = PROTOCOLS[capture["proto"]], {"model": "m", "max_tokens": 9, **capture["body"]}
    said = body[HISTORY[wire]]
    said = said if isinstance(said, list) else ASK[wire]
    longer = [said + turns_of(wire, 4, 1.5), said + turns_of(wire, 6, 1.5), said + turns_of(wire, 6, 1.5) + TALK[wire]]
    changed = [[*map(change, longer[-1])] for change in CHANGES.values()]
    compare((wire, {**body, HISTORY[wire]: items}) for items in (said, *longer, *changed, longer[0]))


# --- what it saves ---


GROWING: dict[
    str, tuple[str, Items, Sequence[int]]
] = {  # protocol, what stands first, the steps that come again and again
    "chat-calls": ("chat", chat_message("system", BRIEF), [4]),
    "chat-parallel-calls": (
        "chat",
        chat_message("system", BRIEF) + chat_message("developer", "Be kind."),
        [0, 5, 5],
    ),
    "chat-text": ("chat", [], [0, 2]),
    "chat-system-in-the-middle": ("chat", [], [4, 7]),
    "anthropic-calls": ("anthropic", [], [3]),
    "anthropic-parallel-calls": ("anthropic", [], [0, 4, 4]),
    "anthropic-text": ("anthropic", [], [0, 2]),
    "responses-calls": ("responses", DEVELOPER, [4]),
    "responses-calls-behind-reasoning-that-is-not-sent": ("responses", [], [5]),
    "responses-free-text-calls": ("responses", [], [6]),
    "responses-text-and-searches": ("responses", [], [0, 2, 0, 7]),
    "gemini-calls-with-ids": ("gemini", [], [5]),
    "gemini-parallel-calls-with-ids": ("gemini", [], [0, 6, 6]),
    "gemini-text": ("gemini", [], [0, 3]),
}


def counting(wire: str) -> tuple[Wire, list[int]]:
    """The protocol, and how many items its parser was given, for each time."""
    seen: list[int] = []

    def parse(body: JsonObject, loss: Loss) -> Chat:
        items = body.get(HISTORY[wire])
        seen.append(len(items) if isinstance(items, list) else 0)
        return WIRES[wire].parse_request(body, loss)

    return replace(WIRES[wire], parse_request=parse), seen


def growing(name: str) -> Iterator[tuple[Items, int]]:
    """All that was said so far, from 40 items on, and how much of it is new."""
    wire, head, again = GROWING[name]
    items = head + STEPS[wire][0]("start", 0)
    for number in range(60):
        step = STEPS[wire][again[number % len(again)]](f"t{number}", number)
        items = items + step
        if len(items) >= 40:
            yield items, len(step)


@pytest.mark.parametrize("name", GROWING)
def test_only_the_last_few_items_are_parsed_again(name: str) -> None:
    """As many as are new, and those of the last answers, which may have changed."""
    wire = GROWING[name][0]
    counted, seen = counting(wire)
    reading = Reading()
    for number, (items, new) in enumerate(growing(name)):
        seen.clear()
        facts = facts_of(wire, body_of(wire, items), wire=counted)
        chat = reading.chat(facts)
        assert chat == WIRES[wire].parse_request(body_of(wire, items), Loss())
        assert seen[0] == len(items) if number == 0 else sum(seen) <= new + 8, (number, seen)


def test_a_cache_mark_that_moves_costs_a_few_items_more() -> None:
    """Claude Code marks the last two messages of the user, and takes the marks from those before."""
    counted, seen = counting("anthropic")
    reading = Reading()
    for number, (items, _) in enumerate(growing("anthropic-calls")):
        seen.clear()
        sent = [*items[:-3], marked(items[-3]), items[-2], marked(items[-1])]
        body = body_of("anthropic", sent, system=[{**BLOCK, **MARK}])
        assert shown(reading.chat, facts_of("anthropic", body, wire=counted)) == shown(
            read_chat, facts_of("anthropic", body)
        )
        assert number == 0 or sum(seen) <= 10


def test_two_conversations_at_once_are_both_remembered() -> None:
    counted, seen = counting("chat")
    reading = Reading()
    for number, (items, _) in enumerate(growing("chat-calls")):
        for name in ("one", "other"):
            seen.clear()
            body = body_of("chat", items[:1] + chat_message("user", name) + items[1:])
            reading.chat(facts_of("chat", body, wire=counted))
            assert number == 0 or sum(seen) <= 10


def test_tools_that_are_the_same_are_not_parsed_again() -> None:
    reading = Reading()
    one, two, three = (
        reading.chat(facts_of(wire, body)) for wire, body in grown("anthropic", TALK["anthropic"], TALK["anthropic"])
    )
    assert one.tools[0] is two.tools[0] is three.tools[0]
    assert one.turns[0] is three.turns[0]


# --- what is only passed on ---


PASSED_ON: dict[str, Body] = {
    "counts": {"action": "count"},
    "too-large": {"body": dumps(body_of("chat", TALK["chat"] * 4, user="x" * (2 * 1024 * 1024)))},
    "short": {"body": dumps(body_of("chat", TALK["chat"]))},
    "text": {"body": dumps({"model": "m", "messages": "a text that is long enough"})},
    "no-list": {"body": dumps({"model": "m"})},
    "read-already": {"chat": Chat("m", "chat", turns=[Turn("user", [Text("hi")])])},
    "no-object": {"body": b"[1]"},
    "no-json": {"body": b"{"},
}


@pytest.mark.parametrize("more", PASSED_ON.values(), ids=PASSED_ON.keys())
def test_what_is_not_worth_it_is_read_as_ever_and_not_remembered(more: Body) -> None:
    counted, seen = counting("chat")
    reading, usual = Reading(), body_of("chat", TALK["chat"] * 4)
    for _ in range(3):
        facts = facts_of("chat", usual, **{**more, "wire": counted})
        expected, times = shown(read_chat, facts), len(seen)
        seen.clear()
        assert shown(reading.chat, facts) == expected
        assert len(seen) == times
        seen.clear()


def test_a_request_that_was_parsed_already_is_not_parsed_as_json_again() -> None:
    """What the path says stands in it."""
    facts = facts_of("gemini", {}, body=b"no JSON", parsed=body_of("gemini", TALK["gemini"] * 4), said={"model": "no"})
    reading = Reading()
    for _ in range(2):
        assert shown(reading.chat, facts) == shown(read_chat, facts)
        assert reading.chat(facts).model == "m"


def test_what_the_path_says_is_part_of_the_request() -> None:
    body = {"contents": TALK["gemini"] * 4}
    reading = Reading()
    assert [reading.chat(facts_of("gemini", body, said={"model": name})).model for name in ("m-1", "m-2")] == [
        "m-1",
        "m-2",
    ]


@pytest.mark.parametrize("wire", sorted(WIRES))
def test_what_is_malformed_is_refused_with_its_place_in_the_whole_request(wire: str) -> None:
    reading, items = Reading(), TALK[wire] * 4
    reading.chat(facts_of(wire, body_of(wire, items)))
    for broken in BROKEN[wire]:
        facts = facts_of(wire, body_of(wire, [*items, broken]))
        with pytest.raises(ValueError, match=rf"{HISTORY[wire]}\[16\]"):
            reading.chat(facts)
        assert shown(reading.chat, facts) == shown(read_chat, facts)

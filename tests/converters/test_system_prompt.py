"""The operator's system prompt in a client's own body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses import WIRE as RESPONSES
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

    assert with_system_prompt("anthropic", body, "Ours.", mode) == {"system": expected}


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
    assert with_system_prompt("chat", {"messages": messages}, "Ours.", mode) == {"messages": expected}


DEVELOPER: JsonObject = {"role": "developer", "content": "D"}
TOOLS: JsonObject = {"type": "additional_tools", "role": "developer", "tools": []}
SAID: JsonObject = {"type": "message", "role": "assistant", "content": "Hello"}
CALL_OF_A_SYSTEM: JsonObject = {"type": "function_call", "role": "system", "call_id": "c", "name": "f", "arguments": ""}


@pytest.mark.parametrize(
    ("body", "mode", "expected"),
    [
        ({"input": "Hi"}, "overwrite", {"instructions": "Ours."}),
        ({"input": "Hi"}, "append", {"instructions": "Ours."}),
        ({"input": "Hi", "instructions": None}, "prepend", {"instructions": "Ours."}),
        ({"input": "Hi", "instructions": "T."}, "overwrite", {"instructions": "Ours."}),
        ({"input": "Hi", "instructions": "T."}, "append", {"instructions": "T.\n\nOurs."}),
        ({"input": [USER], "instructions": "T."}, "prepend", {"instructions": "Ours.\n\nT."}),
        # what heads the input is the client's prompt too
        ({"input": [DEVELOPER, THEIRS, USER, THEIRS], "instructions": "T."}, "overwrite",
         {"instructions": "Ours.", "input": [USER, THEIRS]}),
        ({"input": [DEVELOPER, THEIRS, USER], "instructions": "T."}, "append",
         {"input": [DEVELOPER, THEIRS, {"type": "message", "role": "system", "content": "Ours."}, USER]}),
        ({"input": [DEVELOPER, USER], "instructions": "T."}, "prepend", {"instructions": "Ours.\n\nT."}),
        ({"input": [TOOLS, DEVELOPER, TOOLS, USER]}, "overwrite",
         {"instructions": "Ours.", "input": [TOOLS, TOOLS, USER]}),
        ({"input": [TOOLS, USER]}, "append", {"instructions": "Ours."}),
        ({"input": [USER, DEVELOPER]}, "overwrite", {"instructions": "Ours."}),
        ({"input": [CALL_OF_A_SYSTEM]}, "overwrite", {"instructions": "Ours."}),
    ],
)  # fmt: skip
def test_responses_system_prompts_are_instructions_and_what_heads_the_input(
    body: JsonObject, mode: Mode, expected: JsonObject
) -> None:
    assert expected == with_system_prompt("responses", body, "Ours.", mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", [{"input": "Hi", "instructions": "T."}, {"input": [DEVELOPER, USER]}])
def test_the_parser_of_responses_finds_our_prompt_where_it_belongs(body: JsonObject, mode: Mode) -> None:
    before = [text.text for text in RESPONSES.parse_request({"model": "m", **body}, Loss()).system]
    changed = with_system_prompt("responses", body, "Ours.", mode)
    after = [text.text for text in RESPONSES.parse_request({"model": "m", **body, **changed}, Loss()).system]

    expected = {"overwrite": ["Ours."], "append": [*before, "Ours."], "prepend": ["Ours.", *before]}[mode]
    assert "\n\n".join(expected) == "\n\n".join(after)


@pytest.mark.parametrize(
    ("system", "mode", "expected"),
    [
        *((nothing, "append", [{"text": "Ours."}]) for nothing in (None, "", [], {}, {"parts": []}, {"parts": None})),
        ("T.", "append", [{"text": "T."}, {"text": "Ours."}]),
        ({"text": "T."}, "prepend", [{"text": "Ours."}, {"text": "T."}]),
        (["T.", {"text": "U."}], "append", [{"text": "T."}, {"text": "U."}, {"text": "Ours."}]),
        ({"parts": {"text": "T."}}, "append", [{"text": "T."}, {"text": "Ours."}]),
        ({"parts": [{"text": "T."}]}, "append", [{"text": "T."}, {"text": "Ours."}]),
        ({"parts": [{"text": "T."}]}, "overwrite", [{"text": "Ours."}]),
    ],
)
@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_gemini_system_prompts_become_a_content_under_the_clients_own_spelling(
    name: str, system: Json, mode: Mode, expected: Json
) -> None:
    assert with_system_prompt("gemini", {name: system}, "Ours.", mode) == {name: {"parts": expected}}


def test_a_gemini_system_prompt_that_is_missing_is_spelled_as_google_does() -> None:
    ours = {"parts": [{"text": "Ours."}]}
    assert with_system_prompt("gemini", {"contents": []}, "Ours.", "append") == {"systemInstruction": ours}


def test_members_of_a_gemini_content_that_are_not_the_prompt_stay() -> None:
    system: JsonObject = {"role": "system", "parts": [{"text": "T."}]}
    changed = with_system_prompt("gemini", {"systemInstruction": system}, "Ours.", "overwrite")
    assert changed == {"systemInstruction": {"role": "system", "parts": [{"text": "Ours."}]}}


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_a_whole_gemini_request_inside_a_counting_one_gets_the_prompt(name: str) -> None:
    whole: JsonObject = {"model": "models/m", "contents": []}
    ours: Json = {"parts": [{"text": "Ours."}]}
    assert with_system_prompt("gemini", {name: whole}, "Ours.", "append") == {
        name: {**whole, "systemInstruction": ours}
    }
    assert with_system_prompt("gemini", {name: {"systemInstruction": 5}}, "Ours.", "append") == {}


MODEL: JsonObject = {"role": "model", "parts": [{"text": "Hello"}]}
FIRST: dict[str, JsonObject] = {
    "chat": {"messages": [THEIRS, USER]},
    "anthropic": {"system": "T.", "messages": [USER]},
    "responses": {"instructions": "T.", "input": [DEVELOPER, USER]},
    "gemini": {"systemInstruction": "T.", "contents": [USER]},
}
TURNS = {"chat": "messages", "anthropic": "messages", "responses": "input", "gemini": "contents"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", FIRST)
def test_the_prefix_of_the_next_turn_is_the_same(wire: str, mode: Mode) -> None:
    """A prompt that moved would void the provider's cache."""
    first, turns = FIRST[wire], TURNS[wire]
    before = first[turns]
    assert isinstance(before, list)
    later: JsonObject = {**first, turns: [*before, SAID if wire == "responses" else MODEL, THEIRS, USER]}
    one = {**first, **with_system_prompt(wire, first, "Ours.", mode)}
    two = {**later, **with_system_prompt(wire, later, "Ours.", mode)}

    start, whole = one.pop(turns), two.pop(turns)
    assert isinstance(start, list)
    assert isinstance(whole, list)
    assert whole[: len(start)] == start
    assert one == two


MEMBERS = ("system", "messages", "instructions", "input", "systemInstruction")


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda x: st.lists(x, max_size=3)),
    st.sampled_from(MODES),
    st.sampled_from(["chat", "anthropic", "responses", "gemini"]),
)
def test_a_malformed_body_is_left_for_its_parser(found: Json, mode: Mode, wire: str) -> None:
    body: JsonObject = dict.fromkeys(MEMBERS, found)
    before = dict(body)
    changed = with_system_prompt(wire, body, "Ours.", mode)

    assert body == before
    assert changed.keys() <= body.keys()
    if not isinstance(found, list | str | None):
        assert changed == {}

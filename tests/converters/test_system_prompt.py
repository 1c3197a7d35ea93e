"""The operator's system prompt in a client's own body, and in the hub."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses import WIRE as RESPONSES
from converters.system_prompt import (
    MODES,
    Mode,
    SystemPrompt,
    system_prompt,
    system_with_prompt,
    with_system_prompt,
)
from converters.turns import Cache, SystemText
from converters.wires import WIRES

MARK: JsonObject = {"type": "ephemeral"}
ATTRIBUTION: JsonObject = {"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"}
OURS: JsonObject = {"type": "text", "text": "Ours."}


PAIRS = (("cat", "dog"), ("dog", "cow"))  # in this order
REPLACED = SystemPrompt("replace", "", PAIRS)
TEXT_MODES: tuple[Mode, ...] = ("overwrite", "append", "prepend")


def put(mode: Mode) -> SystemPrompt:
    return SystemPrompt(mode, "" if mode == "replace" else "Ours.")


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

    assert with_system_prompt("anthropic", body, put(mode)) == {"system": expected}


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
    assert with_system_prompt("chat", {"messages": messages}, put(mode)) == {"messages": expected}


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
    assert expected == with_system_prompt("responses", body, put(mode))


@pytest.mark.parametrize("mode", TEXT_MODES)
@pytest.mark.parametrize("body", [{"input": "Hi", "instructions": "T."}, {"input": [DEVELOPER, USER]}])
def test_the_parser_of_responses_finds_our_prompt_where_it_belongs(body: JsonObject, mode: Mode) -> None:
    before = [text.text for text in RESPONSES.parse_request({"model": "m", **body}, Loss()).system]
    changed = with_system_prompt("responses", body, put(mode))
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
    assert with_system_prompt("gemini", {name: system}, put(mode)) == {name: {"parts": expected}}


def test_a_gemini_system_prompt_that_is_missing_is_spelled_as_google_does() -> None:
    ours = {"parts": [{"text": "Ours."}]}
    assert with_system_prompt("gemini", {"contents": []}, put("append")) == {"systemInstruction": ours}


def test_members_of_a_gemini_content_that_are_not_the_prompt_stay() -> None:
    system: JsonObject = {"role": "system", "parts": [{"text": "T."}]}
    changed = with_system_prompt("gemini", {"systemInstruction": system}, put("overwrite"))
    assert changed == {"systemInstruction": {"role": "system", "parts": [{"text": "Ours."}]}}


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_a_whole_gemini_request_inside_a_counting_one_gets_the_prompt(name: str) -> None:
    whole: JsonObject = {"model": "models/m", "contents": []}
    ours: Json = {"parts": [{"text": "Ours."}]}
    assert with_system_prompt("gemini", {name: whole}, put("append")) == {name: {**whole, "systemInstruction": ours}}
    assert with_system_prompt("gemini", {name: {"systemInstruction": 5}}, put("append")) == {}


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
    one = {**first, **with_system_prompt(wire, first, put(mode))}
    two = {**later, **with_system_prompt(wire, later, put(mode))}

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
    changed = with_system_prompt(wire, body, put(mode))

    assert body == before
    assert changed.keys() <= body.keys()
    if not isinstance(found, list | str | None):
        assert changed == {}


# --- replacements ---


def test_what_is_left_of_a_prompt_decides_what_is_done() -> None:
    """Without a text there is nothing to put in; of what is overwritten nothing is left to be searched."""
    assert system_prompt("append", "Ours.", PAIRS) == SystemPrompt("append", "Ours.", PAIRS)
    assert system_prompt("prepend", "Ours.") == SystemPrompt("prepend", "Ours.")
    assert system_prompt("overwrite", "Ours.", PAIRS) == SystemPrompt("overwrite", "Ours.")
    assert system_prompt("overwrite", "", PAIRS) == REPLACED
    assert system_prompt("replace", "Ours.", PAIRS) == REPLACED
    assert system_prompt("append", "") is system_prompt("replace", "Ours.") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat cat", "cow cow"),
        ("a dog", "a cow"),
        ("Cat", "Cat"),
        ("", ""),
        ("x-anthropic-billing-header: cat", "x-anthropic-billing-header: cat"),
        ("x-anthropic-billing-header: cat\ncat", "x-anthropic-billing-header: cat\ncow"),
    ],
)
def test_texts_are_replaced_literally_in_order_and_never_in_the_attribution(text: str, expected: str) -> None:
    assert REPLACED.replaced(text) == expected
    assert SystemPrompt("replace", "", ((".", "!"), ("\\1", "x"))).replaced("a.b\\1") == "a!bx"


CAT, COW = "A cat.", "A cow."
SPOKEN: JsonObject = {"role": "user", "content": CAT}


@pytest.mark.parametrize(
    ("wire", "body", "expected"),
    [
        ("anthropic", {"system": CAT, "messages": [SPOKEN]}, {"system": COW}),
        ("anthropic", {"system": [ATTRIBUTION, block(CAT, cache_control=MARK), block("B")], "tools": [CAT]},
         {"system": [ATTRIBUTION, block(COW, cache_control=MARK), block("B")]}),
        ("anthropic", {"system": [block("cat", cache_control=MARK), block("B")]}, None),
        ("anthropic", {"messages": [SPOKEN]}, {}),
        ("chat", {"messages": [{"role": "developer", "content": CAT}, SPOKEN, {"role": "system", "content": CAT}]},
         {"messages": [{"role": "developer", "content": COW}, SPOKEN, {"role": "system", "content": CAT}]}),
        ("chat", {"messages": [{"role": "system", "name": "cat", "content": [block(CAT, cache_control=MARK)]}]},
         {"messages": [{"role": "system", "name": "cat", "content": [block(COW, cache_control=MARK)]}]}),
        ("chat", {"messages": [SPOKEN]}, {}),
        ("responses", {"instructions": CAT, "input": CAT}, {"instructions": COW}),
        ("responses", {"instructions": None, "input": [TOOLS, {"role": "system", "content": [{"type": "input_text",
          "text": CAT}]}, SPOKEN]}, {"input": [TOOLS, {"role": "system", "content": [{"type": "input_text",
          "text": COW}]}, SPOKEN]}),
        ("gemini", {"systemInstruction": CAT, "contents": [CAT]}, {"systemInstruction": COW}),
        ("gemini", {"system_instruction": {"role": "cat", "parts": [{"text": CAT}, CAT, {"x": "cat"}]}},
         {"system_instruction": {"role": "cat", "parts": [{"text": COW}, COW, {"x": "cat"}]}}),
        ("gemini", {"generateContentRequest": {"systemInstruction": {"text": CAT}, "contents": []}},
         {"generateContentRequest": {"systemInstruction": {"text": COW}, "contents": []}}),
    ],
)  # fmt: skip
def test_replacing_touches_the_texts_of_the_prompt_and_nothing_else(
    wire: str, body: JsonObject, expected: JsonObject | None
) -> None:
    if expected is None:  # a block that is left empty is left out: Anthropic refuses empty ones
        body, expected = body | {"system": [block("cat"), block("B")]}, {"system": [block("B")]}
        assert expected == with_system_prompt(wire, body, SystemPrompt("replace", "", (("cat", ""),)))
        return
    assert expected == with_system_prompt(wire, body, REPLACED)


@pytest.mark.parametrize("mode", ["append", "prepend"])
@pytest.mark.parametrize("wire", FIRST)
def test_beside_a_text_of_ours_only_the_clients_own_is_replaced(wire: str, mode: Mode) -> None:
    changed = with_system_prompt(wire, FIRST[wire], SystemPrompt(mode, "T. stays", (("T", "U"),)))
    body = json.dumps({**FIRST[wire], **changed})
    assert body.count("T. stays") == 1
    assert "U" in body
    assert "T" not in body.replace("T. stays", "")


@pytest.mark.parametrize("wire", FIRST)
def test_without_an_occurrence_nothing_changes(wire: str) -> None:
    assert with_system_prompt(wire, FIRST[wire], SystemPrompt("replace", "", (("elsewhere", "x"),))) == {}


def test_a_prompt_behind_the_attribution_in_one_text_is_a_prompt() -> None:
    line = "x-anthropic-billing-header: cc_version=1;"
    body: JsonObject = {"system": [block(f"{line}\n\nTheirs.", cache_control=MARK), block("B")]}
    assert with_system_prompt("anthropic", body, put("overwrite")) == {
        "system": [block(line), block("Ours.", cache_control=MARK)]
    }
    assert with_system_prompt("anthropic", body, put("prepend")) == {
        "system": [block(line), OURS, block("Theirs.", cache_control=MARK), block("B")]
    }


# --- the hub ---

LINE = SystemText(str(ATTRIBUTION["text"]))
A, B, B_MARKED, BOTH = SystemText("cat"), SystemText("B"), SystemText("B", Cache("1h")), SystemText(f"{LINE.text}\ncat")
TOLD = SystemText("Ours.")


@pytest.mark.parametrize(
    ("system", "mode", "expected"),
    [
        ([], "overwrite", [TOLD]),
        ([], "append", [TOLD]),
        ([], "prepend", [TOLD]),
        ([], "replace", []),
        ([A, B_MARKED], "overwrite", [SystemText("Ours.", Cache("1h"))]),
        ([A, B_MARKED], "append", [SystemText("cow"), B_MARKED, TOLD]),
        ([A, B_MARKED], "prepend", [TOLD, SystemText("cow"), B_MARKED]),
        ([A, B_MARKED], "replace", [SystemText("cow"), B_MARKED]),
        ([LINE, A], "overwrite", [LINE, TOLD]),
        ([LINE, A], "append", [LINE, SystemText("cow"), TOLD]),
        ([LINE, A], "prepend", [LINE, TOLD, SystemText("cow")]),
        ([LINE, A], "replace", [LINE, SystemText("cow")]),
        ([BOTH, B], "overwrite", [LINE, TOLD]),
        ([BOTH, B], "prepend", [LINE, TOLD, SystemText("cow"), B]),
        ([BOTH, B], "append", [SystemText(f"{LINE.text}\ncow"), B, TOLD]),
    ],
)
def test_in_the_hub_it_stands_where_it_stands_in_a_body(
    system: list[SystemText], mode: Mode, expected: list[SystemText]
) -> None:
    before = [replace(text) for text in system]
    assert expected == system_with_prompt(system, SystemPrompt(mode, "" if mode == "replace" else "Ours.", PAIRS))
    assert system == before


def _with_max_tokens(wire: str, body: JsonObject) -> JsonObject:
    return {"model": "m", **body, **({"max_tokens": 5} if wire == "anthropic" else {})}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", FIRST)
def test_a_body_that_was_edited_is_parsed_as_what_is_made_in_the_hub(wire: str, mode: Mode) -> None:
    """The model is told the same, whether the protocols are the same or not."""
    prompt = SystemPrompt(mode, "" if mode == "replace" else "Ours.", (("T", "U"),))
    plain = _with_max_tokens(
        wire, {**FIRST[wire], **({"contents": [{"parts": [{"text": "Hi"}]}]} if wire == "gemini" else {})}
    )
    edited = {**plain, **with_system_prompt(wire, plain, prompt)}
    before, after = (WIRES[wire].parse_request(body, Loss()) for body in (plain, edited))
    told = "\n\n".join(text.text for text in system_with_prompt(before.system, prompt))
    assert told == "\n\n".join(text.text for text in after.system)
    assert before.turns == after.turns

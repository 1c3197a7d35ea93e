"""2.2, 6, 7.4, 18.3: messages of a provider's body."""

from dataclasses import replace

import pytest

from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.build_turns import build_turns
from converters.profile import DEFAULT, Profile
from converters.turns import (
    Audio,
    Base64,
    Cache,
    Chat,
    Document,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    SystemText,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
    Url,
)

PNG = Base64("image/png", "AA==")
PDF = Base64("application/pdf", "JVBE")
SHOWN: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def build(
    *turns: Turn, system: tuple[str, ...] = (), profile: Profile = DEFAULT, loss: Loss | None = None
) -> list[Json]:
    chat = Chat("m", "anthropic", [SystemText(text) for text in system], [*turns])
    return build_turns(chat, profile, loss or Loss())


def user(*parts: Part) -> Turn:
    return Turn("user", [*parts])


def assistant(*parts: Part, profile: Profile = DEFAULT, loss: Loss | None = None) -> Json:
    return build(Turn("assistant", [*parts]), profile=profile, loss=loss)[0]


HI = user(Text("hi"))
SENT_HI: JsonObject = {"role": "user", "content": "hi"}


def test_2_2_one_system_message_for_each_system_text_and_later_ones_in_place() -> None:
    assert build(HI, Turn("system", [Text("c")], "ops"), system=("a", "b")) == [
        {"role": "system", "content": "a"},
        {"role": "system", "content": "b"},
        SENT_HI,
        {"role": "system", "content": "c", "name": "ops"},
    ]


def test_2_2_a_profile_may_ask_for_developer() -> None:
    profile = replace(DEFAULT, system_role="developer")
    assert build(HI, Turn("system", [Text("b")]), system=("a",), profile=profile) == [
        {"role": "developer", "content": "a"},
        SENT_HI,
        {"role": "developer", "content": "b"},
    ]


def test_18_3_a_vendor_with_one_system_message_gets_all_texts_in_it_and_first() -> None:
    loss = Loss()
    one = replace(DEFAULT, one_system=True)
    turns = (HI, Turn("system", [Text("c")]), user(Text("so")))
    assert build(*turns, system=("a", "b"), profile=one, loss=loss) == [
        {"role": "system", "content": "a\n\nb\n\nc"},
        SENT_HI,
        {"role": "user", "content": "so"},
    ]
    assert list(loss.changed) == ["messages.system"]
    assert build(*turns, profile=one)[0] == {"role": "system", "content": "c"}


def test_18_3_leading_system_texts_joined_for_a_vendor_are_no_loss() -> None:
    loss = Loss()
    build(HI, system=("a", "b"), profile=replace(DEFAULT, one_system=True), loss=loss)
    assert loss.changed == {}


def test_2_2_claude_codes_attribution_line_is_removed() -> None:
    loss = Loss()
    line = "x-anthropic-billing-header: cc_version=2.1.0"
    assert build(HI, system=(line, "a", f"{line}\nb"), loss=loss) == [
        {"role": "system", "content": "a"},
        {"role": "system", "content": "b"},
        SENT_HI,
    ]
    assert list(loss.noted) == ["system.attribution"]


def test_2_2_empty_system_texts_are_left_out() -> None:
    assert build(HI, system=("",)) == [SENT_HI]


def test_2_2_neighbours_of_one_role_are_not_merged() -> None:
    assert build(HI, HI) == [SENT_HI, SENT_HI]


def test_6_a_call_carries_its_arguments_as_a_text() -> None:
    assert assistant(
        ToolCall("c", "f", args_text='{"a": 1.0}'), ToolCall("d", "g", args={"ä": 12345678901234567890})
    ) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}},
            {"id": "d", "type": "function", "function": {"name": "g", "arguments": '{"ä":12345678901234567890}'}},
        ],
    }


def test_4_3_a_custom_call_is_written_natively() -> None:
    assert assistant(Text("so"), ToolCall("c", "p", args_text="free", kind="custom")) == {
        "role": "assistant",
        "content": "so",
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "p", "input": "free"}}],
    }


def test_6_3_text_after_a_call_is_joined_to_the_text_before() -> None:
    message = assistant(Text("a"), ToolCall("c", "f", args={}), Text("b"))
    assert isinstance(message, dict)
    assert (message["content"], len(message["tool_calls"])) == ("ab", 1)  # type: ignore[arg-type]


def test_an_empty_assistant_message_is_an_empty_string() -> None:
    assert assistant() == {"role": "assistant", "content": ""}


def test_a_refusal_is_written_natively() -> None:
    assert assistant(Refusal("no")) == {"role": "assistant", "content": None, "refusal": "no"}


def test_3_an_assistants_files_are_named_in_its_text() -> None:
    loss = Loss()
    parts: list[Part] = [Image(PNG), Image(Url("https://x")), Document(PDF), Audio(Base64("audio/wav", "x"), "wav")]
    message = assistant(Text("see "), *parts, Hosted("web_search_call", " found"), loss=loss)
    assert message == {
        "role": "assistant",
        "content": "see [image image/png][image][document][audio audio/wav] found",
    }
    assert list(loss.changed) == ["messages.image", "messages.document", "messages.audio"]


def test_6_3_results_are_tool_messages_and_other_content_follows_them() -> None:
    turn = user(
        ToolResult("c", [Text("1"), Text("2")]),
        ToolResult("d", [Document(PlainText("body"), title="T")]),
        ToolResult("e", []),
        Text("go on"),
    )
    assert build(turn) == [
        {"role": "tool", "tool_call_id": "c", "content": "1\n2"},
        {"role": "tool", "tool_call_id": "d", "content": "T\nbody"},
        {"role": "tool", "tool_call_id": "e", "content": ""},
        {"role": "user", "content": "go on"},
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("no such file", "Error: no such file"), ("Error: x", "Error: x"), ("ERROR x", "ERROR x"), ("", "Error: ")],
)
def test_6_3_an_error_says_so(text: str, expected: str) -> None:
    assert build(user(ToolResult("c", [Text(text)], is_error=True))) == [
        {"role": "tool", "tool_call_id": "c", "content": expected}
    ]


def test_6_3_a_json_result_stays_the_string_it_is() -> None:
    assert build(user(ToolResult("c", [Text('{"a": 1.0}')])))[0] == {
        "role": "tool",
        "tool_call_id": "c",
        "content": '{"a": 1.0}',
    }


def test_6_3_pictures_of_a_run_of_results_go_into_one_user_message_behind_it() -> None:
    turn = user(
        ToolResult("c", [Text("two"), Image(PNG), Image(PNG)]),
        ToolResult("d", [Image(PNG), Document(PDF, "a.pdf")]),
        Text("and?"),
    )
    file: JsonObject = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    assert build(turn) == [
        {"role": "tool", "tool_call_id": "c", "content": "two\n[image 1 of call c]\n[image 2 of call c]"},
        {"role": "tool", "tool_call_id": "d", "content": "[image 1 of call d]\n[document 1 of call d]"},
        {"role": "user", "content": [SHOWN, SHOWN, SHOWN, {"type": "file", "file": file}]},
        {"role": "user", "content": "and?"},
    ]


@pytest.mark.parametrize("after", [(), (Turn("assistant", [Text("x")]),), (Turn("system", [Text("x")]),)])
def test_6_3_a_run_of_results_may_span_turns_and_ends_with_another_role(after: tuple[Turn, ...]) -> None:
    messages = build(user(ToolResult("c", [Image(PNG)])), user(ToolResult("d", [Text("2")])), *after)
    assert [message["role"] for message in messages[:3] if isinstance(message, dict)] == ["tool", "tool", "user"]
    assert messages[2] == {"role": "user", "content": [SHOWN]}
    assert len(messages) == 3 + len(after)


THOUGHT = Turn("assistant", [Thinking("hm"), Text("a")])
THOUGHT_AND_CALLED = Turn("assistant", [Thinking("h"), Thinking("m"), ToolCall("c", "f", args={})])


@pytest.mark.parametrize(
    ("echo", "turn", "expected"),
    [
        ("never", THOUGHT, None),
        ("never", THOUGHT_AND_CALLED, None),
        ("tools", THOUGHT, None),
        ("tools", THOUGHT_AND_CALLED, "hm"),
        ("always", THOUGHT, "hm"),
        ("always", THOUGHT_AND_CALLED, "hm"),
    ],
)
def test_7_4_reasoning_text_goes_back_only_where_the_profile_says_so(
    echo: str, turn: Turn, expected: str | None
) -> None:
    message = build(turn, profile=replace(DEFAULT, echo_reasoning=echo))[0]  # type: ignore[arg-type]
    assert isinstance(message, dict)
    assert message.get("reasoning_content") == expected


def test_7_4_tokens_that_are_left_are_written() -> None:
    """`prepare` takes foreign ones out before; a chat body that is parsed and built again keeps its own."""
    call = ToolCall("c", "f", args={}, token=Token("g", "sig", "call"))
    message = assistant(Thinking("hm", Token("a", "s1")), Thinking("", Token("x", "s2")), call)
    assert isinstance(message, dict)
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "s1", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "s2", "format": "anthropic-claude-v1", "index": 1},
    ]
    (sent,) = message["tool_calls"]  # type: ignore[misc, union-attr]
    assert sent["extra_content"] == {"google": {"thought_signature": "sig"}}  # type: ignore[index, call-overload]


def test_10_cache_marks_are_noted_wherever_they_stand() -> None:
    for chat in (
        Chat("m", "anthropic", [SystemText("s", Cache())], [HI]),
        Chat("m", "anthropic", [], [Turn("system", [Text("s", Cache())])]),
        Chat("m", "anthropic", [], [Turn("assistant", [Text("s", Cache())])]),
        Chat("m", "anthropic", [], [Turn("assistant", [ToolCall("c", "f", {}, cache=Cache())])]),
        Chat("m", "anthropic", [], [user(ToolResult("c", [], cache=Cache()))]),
        Chat("m", "anthropic", [], [user(ToolResult("c", [Text("a", Cache())]))]),
    ):
        loss = Loss()
        assert "cache" not in str(build_turns(chat, DEFAULT, loss))
        assert list(loss.noted) == ["cache_control"]


def test_20_3_an_added_turn_leaves_the_earlier_messages_unchanged() -> None:
    turns = [HI, THOUGHT_AND_CALLED, user(ToolResult("c", [Image(PNG)])), THOUGHT, HI]
    whole = build(*turns)
    for length in range(1, len(turns)):
        earlier = build(*turns[:length])
        assert whole[: len(earlier)] == earlier

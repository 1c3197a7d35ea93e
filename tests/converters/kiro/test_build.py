"""The whole body: 2.2, 4.1, 5, 8, 9, 10, 17, 18.1, and every constraint of 3.1 at once over made-up histories."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.json_codec import dumps
from converters.kiro import WIRE
from converters.kiro.build import build_request, conversation_id
from converters.kiro.content import token_of
from converters.loss import Loss
from converters.prepare import prepare
from converters.profile import DEFAULT, Profile
from converters.turns import (
    Chat,
    Format,
    Part,
    Reasoning,
    SystemText,
    Text,
    Thinking,
    Token,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tests.converters.kiro.rules import check

type JsonObject = dict[str, Any]

MODEL = "claude-sonnet-4-5-20250929"
ASK = Turn("user", [Text("hi")])


def chat(*turns: Turn, **fields: Any) -> Chat:
    return Chat(MODEL, "chat", turns=[*turns] or [ASK], **fields)


def body(wanted: Chat, profile: Profile = DEFAULT, loss: Loss | None = None) -> JsonObject:
    """Through `prepare`, checked, made twice."""
    before = copy.deepcopy(wanted)
    made: JsonObject = prepare(wanted, WIRE, profile, loss or Loss()).body
    assert wanted == before
    assert dumps(prepare(wanted, WIRE, profile, Loss()).body) == dumps(made)
    check(made, empty_content=profile.empty_content)
    return made


def current(made: JsonObject) -> JsonObject:
    message: JsonObject = made["conversationState"]["currentMessage"]["userInputMessage"]
    return message


def lost(**fields: Any) -> Loss:
    loss = Loss()
    body(chat(**fields), loss=loss)
    return loss


def test_18_1_the_least_body() -> None:
    made = body(chat())
    id_ = made["conversationState"].pop("conversationId")
    assert len(id_) == 36
    assert made == {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "currentMessage": {
                "userInputMessage": {"content": "hi", "modelId": "claude-sonnet-4.5", "origin": "AI_EDITOR"}
            },
        }
    }


def test_18_1_a_whole_conversation() -> None:
    wanted = chat(
        ASK,
        Turn("assistant", [Thinking("why", token_of("sig")), Text("look"), ToolCall("c1", "f", {"a": 1})]),
        Turn("user", [ToolResult("c1", [Text("r")], is_error=True), Text("and?")]),
        system=[SystemText("one"), SystemText("two")],
        tools=[Tool("f", "does f")],
    )
    made = body(wanted)["conversationState"]
    assert made["history"] == [
        {"userInputMessage": {"content": "one\n\ntwo\n\nhi", "modelId": "claude-sonnet-4.5", "origin": "AI_EDITOR"}},
        {
            "assistantResponseMessage": {
                "content": "look",
                "toolUses": [{"toolUseId": "c1", "name": "f", "input": {"a": 1}}],
                "reasoningContent": {"reasoningText": {"text": "why", "signature": "sig"}},
            }
        },
    ]
    context = made["currentMessage"]["userInputMessage"]["userInputMessageContext"]
    assert context == {
        "toolResults": [{"toolUseId": "c1", "content": [{"text": "r"}], "status": "error"}],
        "tools": [
            {
                "toolSpecification": {
                    "name": "f",
                    "description": "does f",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                }
            }
        ],
    }


def test_2_2_the_system_text_heads_the_first_message_or_has_its_field() -> None:
    wanted = chat(system=[SystemText("rules")])
    assert current(body(wanted))["content"] == "rules\n\nhi"
    made = body(wanted, Profile(system_field=True))
    assert (current(made)["content"], made["systemPrompt"]) == ("hi", "rules")
    assert "systemPrompt" not in body(chat(), Profile(system_field=True))


@pytest.mark.parametrize("profile", [DEFAULT, Profile(system_field=True)], ids=["first", "field"])
def test_2_2_a_system_text_alone_is_the_only_message(profile: Profile) -> None:
    made = body(Chat(MODEL, "chat", system=[SystemText("rules")]), profile)
    assert current(made)["content"] == "rules"
    assert "systemPrompt" not in made


def test_2_2_nothing_at_all_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        body(Chat(MODEL, "chat", turns=[Turn("user", [Text(" ")])]))
    assert caught.value.param == "messages"


def test_18_1_nothing_of_our_own_is_added() -> None:
    words = dumps(body(chat(system=[SystemText("rules")], tools=[Tool("f", "does f")]))).decode()
    for word in ("Kiro", "thinking", "identity", "agentMode", "agentTaskType", "profileArn", "envState"):
        assert word not in words


def test_18_1_thinking_tags_head_the_system_text() -> None:
    wanted = chat(system=[SystemText("rules")], reasoning=Reasoning("low"))
    tags = "<thinking_mode>enabled</thinking_mode><max_thinking_length>2048</max_thinking_length>"
    assert current(body(wanted, Profile(thinking="tags")))["content"] == f"{tags}\nrules\n\nhi"
    assert current(body(chat(reasoning=Reasoning("low")), Profile(thinking="tags")))["content"] == f"{tags}\n\nhi"
    assert current(body(wanted))["content"] == "rules\n\nhi"


def test_7_1_an_effort_has_a_field_of_two_families() -> None:
    wanted = replace(chat(reasoning=Reasoning("high")), model="gpt-5.6-sol")
    assert body(wanted)["additionalModelRequestFields"] == {"reasoning": {"effort": "high"}}
    assert "additionalModelRequestFields" not in body(chat(reasoning=Reasoning("high")))


def test_3_1_6_a_long_description_stands_in_the_system_text() -> None:
    text = "d" * 10_000
    content = current(body(chat(tools=[Tool("f", text)], system=[SystemText("rules")])))["content"]
    assert content == f"rules\n\nThe whole description of the tool `f`:\n{text}\n\nhi"


def test_5_a_forced_choice_is_a_system_line() -> None:
    loss = Loss()
    made = body(chat(tools=[Tool("f")], tool_choice=ToolChoice("required")), loss=loss)
    assert current(made)["content"] == "Call at least one of the tools in your answer.\n\nhi"
    assert set(loss.changed) == {"tool_choice"}


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (Format("json_object"), "Answer with one JSON object and nothing else.\n\n"),
        (
            Format("json_schema", schema={"type": "object"}),
            'Answer with one JSON object and nothing else. It must match this JSON schema:\n{"type":"object"}\n\n',
        ),
        (Format("text"), ""),
    ],
    ids=["object", "schema", "text"],
)
def test_8_a_format_is_a_system_line_and_a_warning(wanted: Format, line: str) -> None:
    loss = Loss()
    assert current(body(chat(format=wanted), loss=loss))["content"] == f"{line}hi"
    assert ("response_format" in loss.changed) == bool(line)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.0},
        {"top_p": 0.5},
        {"top_k": 4},
        {"presence": 0.1},
        {"frequency": 0.1},
        {"seed": 0},
        {"logprobs": True},
        {"top_logprobs": 2},
        {"verbosity": "low"},
        {"parallel": False, "tools": [Tool("f")]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_9_what_has_no_field_is_dropped_and_named(fields: dict[str, Any]) -> None:
    names = {"presence": "presence_penalty", "frequency": "frequency_penalty", "parallel": "parallel_tool_calls"}
    name = next(iter(fields))
    assert set(lost(**fields).dropped) == {names.get(name, name)}


@pytest.mark.parametrize(
    ("field", "name"), [({"stop": ["END"]}, "stop"), ({"max_tokens": 0}, "max_tokens")], ids=["stop", "max_tokens"]
)
def test_9_what_we_cut_ourselves_is_no_loss(field: dict[str, Any], name: str) -> None:
    loss = lost(**field)
    assert (loss.dropped, loss.changed) == ({}, {})
    assert name in loss.noted


def test_9_more_than_one_answer_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        body(chat(n=2))
    assert caught.value.param == "n"
    assert current(body(chat(n=1)))


def test_10_fields_of_the_clients_protocol_alone() -> None:
    assert set(lost(native={"service_tier": "flex"}).dropped) == {"service_tier"}
    with pytest.raises(ConversionError, match="previous_response_id"):
        body(chat(native={"previous_response_id": "resp_1"}))


def test_18_3_fields_that_the_account_rejects() -> None:
    wanted, loss = replace(chat(reasoning=Reasoning("high")), model="gpt-5.6-sol"), Loss()
    made = body(wanted, Profile(rejected=frozenset({"additionalModelRequestFields"})), loss)
    assert "additionalModelRequestFields" not in made
    assert set(loss.dropped) == {"additionalModelRequestFields"}


@pytest.mark.parametrize(
    ("name", "sent"), [("1st", "t_1st"), ("_x", "t__x"), ("mcp.a b", "mcp_a_b"), ("ok-1_", "ok-1_")]
)
def test_4_2_names(name: str, sent: str) -> None:
    wanted = chat(ASK, Turn("assistant", [ToolCall("c", name, {})]), tools=[Tool(name)])
    made = prepare(wanted, WIRE, DEFAULT, Loss())
    assert dumps(made.body).decode().count(f'"name":"{sent}"') == 2
    assert made.restore.names == ({} if name == sent else {sent: name})


def test_3_1_5_ids() -> None:
    long = "x" * 80
    for id_, sent in (("call.1", "call_1"), ("toolu_01", "toolu_01"), (long, None)):
        made = body(chat(ASK, Turn("assistant", [ToolCall(id_, "f", {})]), Turn("user", [ToolResult(id_, [])])))
        (call,) = made["conversationState"]["history"][1]["assistantResponseMessage"]["toolUses"]
        assert call["toolUseId"] == (sent or call["toolUseId"])


def test_4_3_a_free_text_tool_is_a_function_of_one_string() -> None:
    made = prepare(chat(tools=[Tool("p", kind="custom")]), WIRE, DEFAULT, Loss())
    assert made.restore.custom == {"p"}
    (tool,) = current(made.body)["userInputMessageContext"]["tools"]
    assert tool["toolSpecification"]["inputSchema"]["json"]["required"] == ["input"]


@pytest.mark.parametrize("origin", ["a", "x", "r", "g", "n"])
def test_7_4_foreign_reasoning_is_never_sent(origin: Any) -> None:
    parts: list[Part] = [Thinking("secret", Token(origin, "blob")), Thinking("bare"), Text("a")]
    words = dumps(body(chat(ASK, Turn("assistant", parts), ASK))).decode()
    assert "secret" not in words
    assert "blob" not in words
    assert "bare" not in words


# --- which conversation ---


def id_of(wanted: Chat) -> str:
    found: str = body(wanted)["conversationState"]["conversationId"]
    return found


def test_18_1_the_id_stays_while_a_conversation_grows() -> None:
    longer = [ASK, Turn("assistant", [Text("a")]), Turn("user", [Text("more")])]
    for fields in ({}, {"user": "u"}, {"user": "user_1_session_2"}, {"cache_key": "k"}, {"system": [SystemText("s")]}):
        assert id_of(chat(**fields)) == id_of(chat(*longer, **fields))


def test_18_1_a_session_hint_names_the_conversation() -> None:
    other = Turn("user", [Text("other")])
    for fields in ({"user": "user_1_session_2"}, {"cache_key": "k"}, {"cache_key": "k", "user": "u"}):
        assert id_of(chat(**fields)) == id_of(chat(other, system=[SystemText("s")], **fields))
    for fields in ({}, {"user": "u"}):
        assert id_of(chat(**fields)) != id_of(chat(other, **fields))


def test_18_1_other_hints_are_other_conversations() -> None:
    hints: list[dict[str, Any]] = [
        {},
        {"user": "u"},
        {"user": "v"},
        {"user": "session-a"},
        {"user": "session-b"},
        {"cache_key": "u"},
        {"cache_key": "k"},
        {"system": [SystemText("s")]},
    ]
    assert len({id_of(chat(**fields)) for fields in hints}) == len(hints)


def test_18_1_the_changing_attribution_line_does_not_change_the_id() -> None:
    line = "x-anthropic-billing-header: n={}\nrules"
    assert len({id_of(chat(system=[SystemText(line.format(n))])) for n in range(3)}) == 1


def test_18_1_a_conversation_without_words_has_an_id_too() -> None:
    assert conversation_id(Chat(MODEL, "chat"), []) == conversation_id(Chat(MODEL, "chat"), [])


# --- every constraint at once ---

WORDS = st.sampled_from(["", " ", "a", "b\nc"])
IDS = st.sampled_from(["c1", "c2", "odd id", "c3"])
NAMES = st.sampled_from(["f", "F", "g", "1x", "a.b", "y" * 70])
PARTS = st.one_of(
    WORDS.map(Text),
    st.builds(ToolCall, IDS, NAMES, st.just({"": 1, "a": None})),
    st.builds(ToolCall, IDS, NAMES, args_text=st.sampled_from(["", "{}", "{", '{"a":1}'])),
    st.builds(Thinking, WORDS, st.sampled_from([None, token_of("s"), token_of("r", redacted=True), Token("a", "x")])),
)
RESULTS = st.builds(ToolResult, IDS, st.lists(WORDS.map(Text), max_size=2), is_error=st.booleans())
TURNS = st.lists(
    st.one_of(
        st.builds(Turn, st.just("user"), st.lists(WORDS.map(Text) | RESULTS, max_size=3)),
        st.builds(Turn, st.just("assistant"), st.lists(PARTS, max_size=3)),
        st.builds(Turn, st.just("system"), st.lists(WORDS.map(Text), max_size=1)),
    ),
    max_size=6,
)
TOOLS = st.lists(
    st.builds(Tool, NAMES, WORDS, st.sampled_from([None, {}, {"anyOf": [{"type": "object"}]}, {"required": None}])),
    max_size=3,
    unique_by=lambda tool: tool.name.lower(),
)


@given(TURNS, TOOLS, st.sampled_from([None, "auto", "none", "required"]), st.booleans())
def test_3_1_whatever_the_history_the_body_is_properly_formed(
    turns: list[Turn], tools: list[Tool], mode: Any, empty: bool
) -> None:
    wanted = chat(Turn("user", [Text("q")]), *turns, tools=tools, tool_choice=ToolChoice(mode) if mode else None)
    body(wanted, Profile(empty_content=empty))


@given(TURNS)
def test_1_3_a_turn_more_leaves_the_earlier_part_as_it_was(turns: list[Turn]) -> None:
    """The messages before the last one of the user: what stood last may grow or get its results."""
    settled = [ASK, *turns, Turn("user", [Text("q")])]
    first = body(chat(*settled))["conversationState"]
    more = body(chat(*settled, Turn("assistant", [Text("a")]), ASK))["conversationState"]
    history = first.get("history", [])
    assert more["history"][: len(history)] == history
    assert more["conversationId"] == first["conversationId"]


def test_build_request_takes_a_chat_that_was_prepared() -> None:
    assert build_request(chat(), DEFAULT, Loss()) == body(chat())

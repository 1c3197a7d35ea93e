"""7.4 coming back, 8 for Anthropic, 17 hosted history: the rules that come before a wire's builder."""

import copy

import pytest

from converters.events import AnswerCall, AnswerThinking
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.memory import LatestSteps, ReasoningMemory
from converters.prepare import Prepared, prepare
from converters.profile import DEFAULT, Profile
from converters.turns import (
    Chat,
    Format,
    Hosted,
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
from converters.wire import Limits
from tests.converters.fake_wire import FakeWire, anthropic_wire, chat_wire

SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
NATIVE, OLD = "claude-sonnet-4-5", "claude-sonnet-4-20250514"
OBJECT_LINE = SystemText("Answer with one JSON object and nothing else.")
SCHEMA_LINE = SystemText(
    "Answer with one JSON object and nothing else. It must match this JSON schema:\n"
    '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}'
)


def run(
    chat: Chat, target: FakeWire, profile: Profile = DEFAULT, memory: ReasoningMemory | None = None
) -> tuple[Chat, Prepared, Loss]:
    """What the builder was given; the same twice, and the client's chat is not changed."""
    before = copy.deepcopy(chat)
    loss = Loss()
    prepared = prepare(chat, target.wire, profile, loss, memory)
    assert chat == before
    prepare(chat, target.wire, profile, Loss(), memory)
    assert target.built[0] == target.built[1]
    assert prepared.body == {"model": chat.model}
    return target.built[0], prepared, loss


def with_history(*parts: Part) -> Chat:
    return Chat(
        NATIVE, "chat", turns=[Turn("user", [Text("q")]), Turn("assistant", list(parts)), Turn("user", [Text("r")])]
    )


def assistant_parts(chat: Chat) -> list[Part]:
    return [part for turn in chat.turns if turn.role == "assistant" for part in turn.parts]


THOUGHTS: list[Part] = [
    Thinking("signed", Token("a", "s")),
    Thinking("", Token("x", "blob")),
    Thinking("sealed", Token("r", "enc")),
    Thinking("marked", Token("n", "")),
    Thinking("bare"),
]


def test_7_4_anthropic_gets_only_thinking_that_anthropic_issued() -> None:
    built, _, loss = run(with_history(*THOUGHTS, Text("t")), anthropic_wire())
    assert assistant_parts(built) == [THOUGHTS[0], THOUGHTS[1], Text("t")]
    assert list(loss.noted) == ["messages.thinking"]
    assert not loss.dropped


def test_7_4_chat_gets_no_thinking_unless_the_profile_echoes_it() -> None:
    built, _, _ = run(with_history(*THOUGHTS, Text("t")), chat_wire())
    assert assistant_parts(built) == [Text("t")]


@pytest.mark.parametrize("echo", ["tools", "always"])
def test_7_4_a_chat_profile_that_echoes_gets_the_thinking_text_without_tokens_of_others(echo: str) -> None:
    profile = Profile(echo_reasoning="tools" if echo == "tools" else "always")
    built, _, _ = run(with_history(*THOUGHTS), chat_wire(), profile)
    assert assistant_parts(built) == [Thinking("signed"), Thinking("sealed"), THOUGHTS[3], Thinking("bare")]


def test_7_4_a_turn_of_nothing_but_foreign_thinking_goes() -> None:
    built, _, _ = run(with_history(Thinking("bare")), anthropic_wire())
    assert [turn.role for turn in built.turns] == ["user", "user"]


def test_7_4_a_foreign_token_on_a_call_goes_and_the_call_stays() -> None:
    built, _, _ = run(with_history(ToolCall("1", "f", {}, token=Token("g", "t", "call"))), anthropic_wire())
    assert assistant_parts(built) == [ToolCall("1", "f", {})]


def test_7_4_what_the_client_forgot_is_recalled() -> None:
    memory = ReasoningMemory(LatestSteps(lambda: 0.0))
    memory.remember([AnswerThinking("hm", Token("a", "s")), AnswerCall("toolu.1", "f", "{}")])
    call = ToolCall("toolu.1", "f", args_text="{}")
    built, _, _ = run(with_history(Thinking("hm"), call), anthropic_wire(), memory=memory)
    assert assistant_parts(built) == [Thinking("hm", Token("a", "s")), ToolCall("toolu_1", "f", args_text="{}")]


def test_7_4_an_echoing_vendor_gets_recalled_text_too() -> None:
    memory = ReasoningMemory(LatestSteps(lambda: 0.0))
    memory.remember([AnswerThinking("why"), AnswerCall("1", "f", "{}")])
    call = ToolCall("1", "f", args_text="{}")
    echoed, _, _ = run(with_history(call), chat_wire(), Profile(echo_reasoning="tools"), memory)
    plain, _, _ = run(with_history(call), chat_wire(), memory=memory)
    assert assistant_parts(echoed) == [Thinking("why"), call]
    assert assistant_parts(plain) == [call]


def test_17_hosted_steps_of_others_leave_their_text() -> None:
    search = Hosted("web_search_call", "found it", ("responses", {}))
    silent = Hosted("mcp_call", native=("responses", {}))
    own = Hosted("server_tool_use", native=("anthropic", {}))
    built, _, loss = run(with_history(search, silent, own), anthropic_wire())
    assert assistant_parts(built) == [Text("found it"), own]
    assert list(loss.noted) == ["messages.web_search_call", "messages.mcp_call"]


def test_17_hosted_steps_in_a_user_turn_are_treated_alike() -> None:
    chat = Chat(NATIVE, "anthropic", turns=[Turn("user", [Hosted("container_upload"), Text("q")])])
    built, _, _ = run(chat, chat_wire())
    assert built.turns == [Turn("user", [Text("q")])]


def test_6_1_ids_names_and_order_are_made_legal_and_the_names_can_be_restored() -> None:
    chat = Chat(
        NATIVE,
        "chat",
        tools=[Tool("a.b"), Tool("p", kind="custom")],
        turns=[
            Turn("assistant", [ToolCall("c.1", "a.b", {}), ToolCall("c.2", "p", args_text="x", kind="custom")]),
            Turn("user", [Text("u"), ToolResult("c.2", [Text("two")]), ToolResult("c.1", [Text("one")])]),
        ],
    )
    built, prepared, _ = run(chat, anthropic_wire())
    assert built.turns == [
        Turn("assistant", [ToolCall("c_1", "a_b", {}), ToolCall("c_2", "p", {"input": "x"})]),
        Turn("user", [ToolResult("c_1", [Text("one")], "a_b"), ToolResult("c_2", [Text("two")], "p"), Text("u")]),
    ]
    assert prepared.restore.needed
    assert (prepared.restore.names, prepared.restore.custom) == ({"a_b": "a.b"}, frozenset({"p"}))


def formatted(format_: Format, model: str = NATIVE, **fields: object) -> Chat:
    chat = Chat(model, "chat", format=format_, system=[SystemText("Be kind.")], turns=[Turn("user", [Text("q")])])
    for name, value in fields.items():
        setattr(chat, name, value)
    return chat


def test_8_json_object_is_asked_for_in_words() -> None:
    built, prepared, loss = run(formatted(Format("json_object")), anthropic_wire())
    assert built.system == [SystemText("Be kind."), OBJECT_LINE]
    assert built.format is None
    assert list(loss.changed) == ["response_format"]
    assert not prepared.restore.needed


def test_8_text_needs_nothing() -> None:
    built, _, loss = run(formatted(Format("text")), anthropic_wire())
    assert (built.format, built.system, loss.changed) == (None, [SystemText("Be kind.")], {})


def test_8_a_schema_is_native_and_closed() -> None:
    built, prepared, loss = run(formatted(Format("json_schema", schema=SCHEMA)), anthropic_wire())
    assert built.format == Format("json_schema", schema={**SCHEMA, "additionalProperties": False})
    assert not prepared.restore.needed
    assert not loss.changed


def test_8_a_schema_that_had_to_change_is_named() -> None:
    built, _, loss = run(formatted(Format("json_schema", schema={"type": "integer", "minimum": 1})), anthropic_wire())
    assert built.format == Format("json_schema", schema={"type": "integer", "description": "(minimum: 1)"})
    assert "minimum" in loss.changed["response_format"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reasoning": Reasoning("none")},
        {"reasoning": Reasoning(mode="off")},
        {"tools": [Tool("f", schema=SCHEMA)], "tool_choice": ToolChoice("none")},
    ],
)
def test_8_models_without_it_are_forced_to_a_tool_that_becomes_text(fields: dict[str, object]) -> None:
    format_ = Format("json_schema", schema=SCHEMA, description="An a.")
    built, prepared, loss = run(formatted(format_, OLD, **fields), anthropic_wire())
    assert built.tools[-1] == Tool("json_response", "An a.", SCHEMA)
    assert built.tool_choice == ToolChoice("required", ("json_response",))
    assert built.format is None
    assert prepared.restore.answer_tool == "json_response"
    assert not loss.changed


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": Reasoning("high")},
        {"reasoning": Reasoning(budget=2048)},
        {"tools": [Tool("f", schema=SCHEMA)]},
        {"tools": [Tool("f", schema=SCHEMA)], "tool_choice": ToolChoice("auto")},
        {"tools": [Tool("f", schema=SCHEMA)], "tool_choice": ToolChoice("required")},
    ],
)
def test_8_with_thinking_or_other_tools_the_schema_is_put_in_words(fields: dict[str, object]) -> None:
    chat = formatted(Format("json_schema", schema=SCHEMA), OLD, **fields)
    built, prepared, loss = run(chat, anthropic_wire())
    assert built.system == [SystemText("Be kind."), SCHEMA_LINE]
    assert built.format is None
    assert built.tools == chat.tools
    assert built.tool_choice == chat.tool_choice
    assert prepared.restore.answer_tool is None
    assert list(loss.changed) == ["response_format"]


def test_8_thinking_that_the_model_does_not_have_does_not_stand_in_the_way() -> None:
    chat = formatted(Format("json_schema", schema=SCHEMA), "claude-3-5-haiku-20241022", reasoning=Reasoning("high"))
    built, _, _ = run(chat, anthropic_wire())
    assert built.tool_choice == ToolChoice("required", ("json_response",))


def test_8_the_answer_tool_does_not_take_a_name_in_use() -> None:
    tools = [Tool("json_response", schema=SCHEMA)]
    chat = formatted(Format("json_schema", schema=SCHEMA), OLD, tools=tools, tool_choice=ToolChoice("none"))
    built, prepared, _ = run(chat, anthropic_wire())
    assert [tool.name for tool in built.tools] == ["json_response", "json_response_"]
    assert prepared.restore.answer_tool == "json_response_"


@pytest.mark.parametrize(
    ("format_", "lines"),
    [
        (Format("text"), []),
        (Format("json_object"), [OBJECT_LINE]),
        (Format("json_schema", schema=SCHEMA), [SCHEMA_LINE]),
    ],
)
def test_8_kiro_is_asked_in_words_alone(format_: Format, lines: list[SystemText]) -> None:
    built, prepared, loss = run(formatted(format_), FakeWire("kiro", Limits()))
    assert (built.format, built.system) == (None, [SystemText("Be kind."), *lines])
    assert ("response_format" in loss.changed) == bool(lines)
    assert not prepared.restore.needed


def test_8_other_wires_keep_the_format_as_asked() -> None:
    format_ = Format("json_schema", schema={"type": "integer", "minimum": 1})
    built, _, loss = run(formatted(format_), chat_wire())
    assert built.format == format_
    assert not loss.changed


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_8_a_formats_description_goes_into_its_schema(wire: str) -> None:
    target = FakeWire(wire, Limits())
    format_ = Format("json_schema", schema=SCHEMA, description="An a.")
    built, _, loss = run(Chat(NATIVE, "chat", format=format_), target)
    assert built.format is not None
    assert built.format.schema is not None
    assert built.format.schema["description"] == "An a."
    assert loss.noted == {}


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_8_what_a_format_cannot_say_is_noted(wire: str) -> None:
    schema: JsonObject = {**SCHEMA, "description": "Its own."}
    format_ = Format("json_schema", "named", schema, strict=False, description="An a.")
    built, _, loss = run(Chat(NATIVE, "chat", format=format_), FakeWire(wire, Limits()))
    assert built.format is not None
    assert built.format.schema is not None
    assert built.format.schema["description"] == "Its own."
    assert list(loss.noted) == [f"response_format.{name}" for name in ("name", "strict", "description")]


def test_7_4_a_token_taken_off_a_call_is_noted_in_the_clients_words() -> None:
    call = ToolCall("c", "f", args={}, token=Token("g", "sig", at="call"))
    history = [Turn("user", [Text("q")]), Turn("assistant", [call])]
    _, _, loss = run(Chat(NATIVE, "gemini", turns=history, tools=[Tool("f")]), chat_wire())
    assert "contents.parts.thought" in loss.noted

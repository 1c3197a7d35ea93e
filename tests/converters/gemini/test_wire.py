"""The wire as a whole: what `prepare` and the builder make of a request of another protocol (1.3, 4.2, 6.1, 7.4)."""

import pytest

from converters.gemini import WIRE
from converters.json_codec import JsonObject, dumps
from converters.loss import Loss
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.turns import Chat, Part, Text, Thinking, Token, Tool, ToolCall, ToolChoice, ToolResult, Turn


def chat(*turns: Turn, model: str = "gemini-3-flash-preview") -> Chat:
    return Chat(model, "anthropic", turns=[Turn("user", [Text("hi")]), *turns])


def body(wanted: Chat) -> JsonObject:
    return prepare(wanted, WIRE, DEFAULT, Loss()).body


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("mcp.tool:a-b_1", "mcp.tool:a-b_1"),
        ("1st", "_1st"),
        ("a b", "a_b"),
        ("-x", "_-x"),
        ("x" * 63, "x" * 63),
    ],
)
def test_4_2_names(name: str, sent: str) -> None:
    wanted = chat(Turn("assistant", [ToolCall("c1", name, {})]), Turn("user", [ToolResult("c1", [Text("r")], name)]))
    wanted.tools = [Tool(name)]
    wanted.tool_choice = ToolChoice("required", (name,))
    made = prepare(wanted, WIRE, DEFAULT, Loss())
    text = dumps(made.body).decode()
    assert text.count(f'"name":"{sent}"') == 3
    assert f'"allowedFunctionNames":["{sent}"]' in text
    assert made.restore.names == ({} if name == sent else {sent: name})


def test_4_2_a_long_name_is_cut_to_63() -> None:
    wanted = chat()
    wanted.tools = [Tool("x" * 64)]
    ((sent, name),) = prepare(wanted, WIRE, DEFAULT, Loss()).restore.names.items()
    assert (len(sent), name) == (63, "x" * 64)


def test_7_4_foreign_tokens_are_never_sent_and_geminis_own_returns() -> None:
    parts: list[Part] = [
        Thinking("claude", Token("a", "secret")),
        Thinking("", Token("g", "c2ln", "call", "c1")),
        ToolCall("c1", "f", {}),
    ]
    text = dumps(body(chat(Turn("assistant", parts)))).decode()
    assert '"thoughtSignature":"c2ln"' in text
    assert "claude" not in text
    assert "secret" not in text


def test_6_3_an_unanswered_call_is_answered() -> None:
    contents = body(chat(Turn("assistant", [ToolCall("c1", "f", {})]), Turn("user", [Text("next")])))["contents"]
    assert isinstance(contents, list)
    assert contents[2] == {
        "role": "user",
        "parts": [
            {
                "functionResponse": {
                    "id": "c1",
                    "name": "f",
                    "response": {"error": "No result was recorded for this call."},
                }
            },
            {"text": "next"},
        ],
    }


def test_1_3_building_twice_gives_equal_bytes() -> None:
    wanted = chat(Turn("assistant", [ToolCall("c1", "f", {"b": 1, "a": 2})]))
    assert dumps(body(wanted)) == dumps(body(wanted))


def test_4_3_free_text_tools_travel_as_functions() -> None:
    wanted = chat()
    wanted.tools = [Tool("patch", kind="custom")]
    made = prepare(wanted, WIRE, DEFAULT, Loss())
    assert made.restore.custom == {"patch"}
    assert "input" in str(made.body["tools"])

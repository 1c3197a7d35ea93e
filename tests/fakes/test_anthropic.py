"""The Anthropic fake refuses what the real API refuses and accepts what it accepts."""

import pytest

from tests.fakes.anthropic import AnthropicFake, sign
from tests.fakes.asking import HTTP, OBJECT, THINK, JsonObject, ask_anthropic
from tests.fakes.samples import ANTHROPIC_KEY, ANTHROPIC_TOOLS, CITY_SCHEMA, PNG


def turn(role: str, *blocks: JsonObject) -> JsonObject:
    return {"role": role, "content": list(blocks)}


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


def use(id_: str, name: str = "get_weather") -> JsonObject:
    return {"type": "tool_use", "id": id_, "name": name, "input": {}}


def used(id_: str) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": id_, "content": "x"}


def marked(words: str, ttl: str = "5m") -> JsonObject:
    return {**text(words), "cache_control": {"type": "ephemeral", "ttl": ttl}}


def one_tool(schema: JsonObject, name: str = "a", **more: object) -> list[JsonObject]:
    return [{"name": name, "input_schema": schema, **more}]


def picture(data: str, mime: str = "image/png") -> JsonObject:
    return {"type": "image", "source": {"type": "base64", "media_type": mime, "data": data}}


SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")}
WITH = {"tools": ANTHROPIC_TOOLS}
ASK = turn("user", text("Hi"))
ANTHROPIC_REFUSES: dict[str, tuple[JsonObject, str]] = {
    "an unknown field": ({"seed": 1}, "seed: Extra inputs are not permitted"),
    "an unknown block": ({"messages": [turn("user", {"type": "input_text", "text": "x"})]}, "messages.0.content.0"),
    "an unknown field inside": ({"messages": [turn("user", {**text("x"), "foo": 1})]}, "text.foo: Extra inputs"),
    "no max_tokens": ({"max_tokens": None}, "max_tokens"),
    "too many max_tokens": ({"max_tokens": 64_001}, "64001 > 64000"),
    "no messages": ({"messages": []}, "at least one message"),
    "assistant first": ({"messages": [turn("assistant", text("x")), ASK]}, "first message"),
    "empty content": ({"messages": [turn("user")]}, "non-empty content"),
    "empty text": ({"messages": [turn("user", text(""))]}, "must be non-empty"),
    "white space only": ({"messages": [turn("user", text(" \n"))]}, "non-whitespace"),
    "an empty system text": ({"system": [text("")]}, "must be non-empty"),
    "a trailing blank at the end": ({"messages": [ASK, turn("assistant", text("x "))]}, "trailing whitespace"),
    "a system turn": ({"messages": [ASK, turn("system", text("x"))]}, 'Unexpected role "system"'),
    "a call without a result": ({**WITH, "messages": [ASK, turn("assistant", use("a")), ASK]}, "without `tool_result`"),
    "a call at the end": ({**WITH, "messages": [ASK, turn("assistant", use("a"))]}, "without `tool_result`"),
    "a result without a call": ({**WITH, "messages": [turn("user", used("a"))]}, "unexpected `tool_use_id`"),
    "text before the result": (
        {**WITH, "messages": [ASK, turn("assistant", use("a")), turn("user", text("x"), used("a"))]},
        "must come first",
    ),
    "one result of two": (
        {**WITH, "messages": [ASK, turn("assistant", use("a"), use("b")), turn("user", used("a"))]},
        "immediately after: b",
    ),
    "two results of one": (
        {**WITH, "messages": [ASK, turn("assistant", use("a")), turn("user", used("a"), used("a"))]},
        "single result",
    ),
    "an id used twice": ({**WITH, "messages": [ASK, turn("assistant", use("a"), use("a"))]}, "must be unique"),
    "an id's letters": (
        {**WITH, "messages": [ASK, turn("assistant", use("a.b")), turn("user", used("a.b"))]},
        "pattern",
    ),
    "calls and no tools": (
        {"messages": [ASK, turn("assistant", use("a")), turn("user", used("a"))]},
        "define the tools",
    ),
    "a call by the user": ({**WITH, "messages": [turn("user", use("a"))]}, "can only be in `assistant`"),
    "a picture by the assistant": ({"messages": [ASK, turn("assistant", picture(PNG))]}, "can only be in `user`"),
    "a picture that is none": ({"messages": [turn("user", picture("AAAA"))]}, "does not match"),
    "a picture's type": ({"messages": [turn("user", picture("Qk0=", "image/bmp"))]}, "media_type"),
    "a tool's name": ({"tools": one_tool(OBJECT, "get.weather")}, "pattern"),
    "a long name": ({"tools": one_tool(OBJECT, "a" * 129)}, "pattern"),
    "two tools of a name": ({"tools": one_tool(OBJECT) * 2}, "must be unique"),
    "a schema without type": ({"tools": one_tool({"properties": {}})}, "input_schema"),
    "a schema with a choice": ({"tools": one_tool({**OBJECT, "oneOf": []})}, "at the top level"),
    "a choice without tools": ({"tool_choice": {"type": "auto"}}, "while providing tools"),
    "a choice of another tool": ({**WITH, "tool_choice": {"type": "tool", "name": "x"}}, "not found"),
    "five cache marks": ({"messages": [turn("user", *(marked(str(i)) for i in range(5)))]}, "maximum of 4"),
    "a long mark after a short": ({"messages": [turn("user", marked("x"), marked("y", "1h"))]}, "must not come after"),
    "a mark on thinking": (
        {"messages": [ASK, turn("assistant", {**SIGNED, "cache_control": {"type": "ephemeral"}}), ASK]},
        "cache_control: Extra inputs",
    ),
    "a temperature above 1": ({"temperature": 1.5}, "range: 0..1"),
    "temperature and top_p": ({"temperature": 0.5, "top_p": 0.5}, "cannot both"),
    "sampling of the newest": ({"model": "claude-opus-4-7-text", "temperature": 1}, "sampling parameters"),
    "a small budget": ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "1024"),
    "a budget above the limit": ({**THINK, "max_tokens": 2000}, "must be greater than"),
    "thinking and temperature": ({**THINK, "temperature": 0}, "may only be set to 1"),
    "thinking and top_k": ({**THINK, "top_k": 5}, "`top_k` must be unset"),
    "thinking and top_p": ({**THINK, "top_p": 0.5}, "`top_p` must be"),
    "thinking and a forced tool": ({**THINK, **WITH, "tool_choice": {"type": "any"}}, "forces tool use"),
    "thinking and a prefill": ({**THINK, "messages": [ASK, turn("assistant", text("x"))]}, "end with a user message"),
    "adaptive on an old model": ({"thinking": {"type": "adaptive"}}, "not supported"),
    "a budget on the newest": ({**THINK, "model": "claude-opus-4-7-text"}, "not supported"),
    "thinking on a model without": ({**THINK, "model": "claude-3-5-haiku-text"}, "not supported"),
    "an effort on an old model": ({"output_config": {"effort": "low"}}, "effort"),
    "an open output format": (
        {"output_config": {"format": {"type": "json_schema", "schema": OBJECT}}},
        "'additionalProperties' must be",
    ),
    "a bound in an output format": (
        {
            "output_config": {
                "format": {
                    "type": "json_schema",
                    "schema": {**CITY_SCHEMA, "properties": {"city": {"type": "string", "maxLength": 4}}},
                }
            }
        },
        "maxLength are not supported",
    ),
    "a blank stop sequence": ({"stop_sequences": [" "]}, "non-whitespace"),
    "a changed signature": (
        {**THINK, "messages": [ASK, turn("assistant", {**SIGNED, "thinking": "Hm"}), ASK]},
        "Invalid `signature` in `thinking` block",
    ),
    "a foreign redacted block": (
        {"messages": [ASK, turn("assistant", {"type": "redacted_thinking", "data": "eHh4"}), ASK]},
        "Invalid `data`",
    ),
    "a tool loop without its thinking": (
        {**THINK, **WITH, "messages": [ASK, turn("assistant", use("a")), turn("user", used("a"))]},
        "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
    ),
}


@pytest.mark.parametrize(("body", "reason"), ANTHROPIC_REFUSES.values(), ids=ANTHROPIC_REFUSES)
def test_anthropic_refuses(anthropic_fake: AnthropicFake, body: JsonObject, reason: str) -> None:
    answer = ask_anthropic(anthropic_fake, **body)

    assert answer.status_code == 400, answer.text
    envelope = answer.json()
    assert set(envelope) == {"type", "error", "request_id"}
    assert envelope["error"]["type"] == "invalid_request_error"
    assert reason in envelope["error"]["message"]


def test_anthropic_accepts_a_request_with_everything(anthropic_fake: AnthropicFake) -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "T"}
    answer = ask_anthropic(
        anthropic_fake,
        **THINK,
        system=[marked("Be brief.", "1h")],
        messages=[
            turn("user", text("Look"), picture(PNG), document),
            turn("assistant", SIGNED, text("Hm"), use("a"), use("b")),
            turn("user", {**used("b"), "content": [text("x"), picture(PNG)], "is_error": True}),
            turn("user", used("a"), marked("And now?")),
        ],
        tools=ANTHROPIC_TOOLS,
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        stop_sequences=["END"],
        metadata={"user_id": "u"},
        output_config={"format": {"type": "json_schema", "schema": CITY_SCHEMA}},
    )
    assert answer.status_code == 200, answer.text


def test_anthropic_takes_beta_fields_only_with_the_beta_query(anthropic_fake: AnthropicFake) -> None:
    body: JsonObject = {"context_management": {"edits": []}}
    assert ask_anthropic(anthropic_fake, **body).status_code == 400
    assert ask_anthropic(anthropic_fake, "?beta=true", **body).status_code == 200


def test_anthropic_wants_its_key_its_version_and_its_paths(anthropic_fake: AnthropicFake) -> None:
    version = {"anthropic-version": "2023-06-01"}
    url = f"{anthropic_fake.url}/v1/models"
    missing = HTTP.get(url, headers=version)
    assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
    assert HTTP.get(url, headers={**version, "x-api-key": "x"}).status_code == 401
    assert HTTP.get(url, headers={"x-api-key": ANTHROPIC_KEY}).status_code == 400
    assert HTTP.get(url, headers={**version, "authorization": f"Bearer {ANTHROPIC_KEY}"}).status_code == 200
    for path in ("/messages", "/v1/messages/", "/v1/chat/completions"):
        assert HTTP.post(anthropic_fake.url + path, headers={**version, "x-api-key": ANTHROPIC_KEY}).status_code == 404
        assert "no such path here" in anthropic_fake.violations[-1]

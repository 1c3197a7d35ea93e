"""Every rule of Kiro's requests, broken once; and requests that break none."""

from typing import Any

import pytest

from tests.fakes.kiro_asking import assistant, body_of, call, results, tool, user, with_tools
from tests.fakes.kiro_rules import BAD_TOOL, TOO_LONG, complaint
from tests.fakes.samples import PDF, PNG

type JsonObject = dict[str, Any]

LONG = "CONTENT_LENGTH_EXCEEDS_THRESHOLD"
DECLARED = {"tools": [tool()]}
NO_WORDS = user("")


def after_call(*calls: JsonObject, **context: object) -> JsonObject:
    """The calls, their results, the tool declared."""
    found = results(*(one["toolUseId"] for one in calls))["userInputMessageContext"]
    last = user(userInputMessageContext={**found, **DECLARED, **context})
    return body_of(user(), assistant(toolUses=[*calls]), last)


def image(format_: str = "png", data: str = PNG, **source: object) -> JsonObject:
    return {"format": format_, "source": {"bytes": data, **source}}


def schema(**members: object) -> JsonObject:
    return body_of(with_tools(tool(schema={"type": "object", **members})))


@pytest.mark.parametrize(
    "body",
    [
        body_of(),
        body_of(user(), assistant(), user()),
        body_of(user(), history=[]),
        after_call(call("c-1"), call("c-2", "GET_WEATHER", {"city": "Zürich", "days": [1, {"a": 0}]})),
        body_of(user(images=[image()])),
        schema(properties={"a": {"type": "object", "properties": {}, "required": []}}, additionalProperties=False),
        {**body_of(agentTaskType="vibe"), "profileArn": "arn"},
    ],
    ids=["minimal", "history", "empty-history", "calls", "image", "schema", "profile"],
)
def test_what_is_right_is_taken(body: JsonObject) -> None:
    assert complaint(body) is None


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("3 fields", {**body_of(), "temperature": 1}),
        ("3 fields", body_of(user(temperature=1))),
        ("3 fields", body_of(user(), assistant(modelId="x"), user())),
        ("3 chatTriggerType", body_of(chatTriggerType="AUTO")),
        ("3 conversationId", body_of(conversationId="one")),
        ("3 toolResults", after_call(call("c-1"), toolResults=[{"toolUseId": "c-1", "content": [{"text": "x"}], "isError": True}])),
        ("3 toolResults.content", after_call(call("c-1"), toolResults=[{"toolUseId": "c-1", "content": [{"image": "x"}]}])),
        ("3.1.1 alternation", body_of(user(), user(), user())),
        ("3.1.1 alternation", body_of(assistant(), user(), user())),
        ("3.1.1 end", body_of(user(), user())),
        ("3.1.10 currentMessage", body_of(user(), assistant())),
        ("3.1.2 content", body_of(NO_WORDS)),
        ("3.1.2 content", body_of(user(), assistant(""), user())),
        ("3.1.3 pairs", body_of(user(), assistant(toolUses=[call("c-1")]), user(userInputMessageContext=DECLARED))),
        ("3.1.3 pairs", body_of(user(**results("c-1")))),
        ("3.1.3 pairs", after_call(call("c-1"), toolResults=2 * results("c-1")["userInputMessageContext"]["toolResults"])),
        ("3.1.4 place", body_of(with_tools(tool()), assistant(), user())),
        ("3.1.4 undeclared", after_call(call("c-1"), tools=[tool("get_time")])),
        ("3.1.5 names", body_of(with_tools(tool("get weather")))),
        ("3.1.5 names", body_of(with_tools(tool("x" * 65)))),
        ("3.1.5 names", after_call(call("c:1"))),
        ("3.1.6 description", body_of(with_tools(tool(description="")))),
        ("3.1.6 description", body_of(with_tools(tool(description="x" * 10_001)))),
        ("3.1.9 tools", body_of(user(userInputMessageContext={"tools": []}))),
        ("3.1.9 images", body_of(user(images=[]))),
        ("3.1.12 image", body_of(user(images=[image("bmp")]))),
        ("3.1.12 image", body_of(user(images=[image(data=PDF)]))),
        ("3.1.12 image", body_of(user(images=[image(url="https://x.example/a.png")]))),
    ],
)  # fmt: skip
def test_what_is_not_is_improperly_formed(rule: str, body: JsonObject) -> None:
    broken = complaint(body)
    assert broken is not None
    assert broken.rule == rule


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("3.1.7 root", body_of(with_tools(tool(schema={"type": "string"})))),
        ("3.1.7 root", schema(oneOf=[])),
        ("3.1.7 null", schema(required=None)),
        ("3.1.7 null", schema(properties={"a": {"type": "object", "properties": None}})),
        ("3.1.8 input", after_call(call("c-1", input_={"": 1}))),
        ("3.1.8 input", after_call(call("c-1", input_={"a": [{"b": None}]}))),
        ("3.1.8 input", after_call(call("c-1", input_="{}"))),
    ],
)
def test_a_tool_that_is_none_has_words_of_its_own(rule: str, body: JsonObject) -> None:
    broken = complaint(body)
    assert broken is not None
    assert (broken.rule, broken.message) == (rule, BAD_TOOL)


@pytest.mark.parametrize(
    "body",
    [
        body_of(user("x" * 600_001)),
        body_of(user(images=[image()] * 11)),
        after_call(call("c-1"), **results("c-1", text="x" * 800_001)["userInputMessageContext"]),
        body_of(*(user(), assistant()) * 5001, user()),
    ],
    ids=["content", "images", "result", "history"],
)
def test_3_1_11_what_is_too_long_says_so(body: JsonObject) -> None:
    broken = complaint(body)
    assert broken is not None
    assert (broken.message, broken.reason) == (TOO_LONG, LONG)


def test_a_switch_lets_messages_of_calls_and_results_go_without_words() -> None:
    body = after_call(call("c-1"))
    for message in (*body["conversationState"]["history"][1:], body["conversationState"]["currentMessage"]):
        next(iter(message.values()))["content"] = ""
    assert complaint(body) is not None
    assert complaint(body, empty_tool_turns=True) is None
    assert complaint(body_of(NO_WORDS), empty_tool_turns=True) is not None


def test_a_switch_refuses_what_the_newest_client_takes_out_of_schemas() -> None:
    refused: tuple[JsonObject, ...] = (
        {"additionalProperties": False},
        {"required": []},
        {"properties": {"a": {"type": "string", "pattern": "x"}}},
    )
    for members in refused:
        broken = complaint(schema(**members), bare_schemas=True)
        assert broken is not None
        assert broken.rule == "3.1.7 keywords"
    assert complaint(schema(properties={"pattern": {"type": "string"}}), bare_schemas=True) is None

"""How the tests of Kiro's fake ask it: a whole request with the one thing under test changed."""

from collections.abc import Iterator
from typing import Any

import httpx

from converters.errors import UpstreamError
from converters.eventstream import EventStreamDecoder
from converters.json_codec import loads
from tests.fakes.asking import HTTP
from tests.fakes.kiro import API_KEY, AWS_JSON, STREAMING, KiroFake
from tests.fakes.kiro_auth import ARN

type JsonObject = dict[str, Any]

ID = "2f0b0000-0000-4000-8000-000000000001"
KEY_HEADERS = {"authorization": f"Bearer {API_KEY}", "tokentype": "API_KEY", "user-agent": "aiclient/0"}


def user(content: str = "Hi", **more: object) -> JsonObject:
    return {
        "userInputMessage": {"content": content, "modelId": "claude-sonnet-4.5-text", "origin": "AI_EDITOR", **more}
    }


def assistant(content: str = "Yes.", **more: object) -> JsonObject:
    return {"assistantResponseMessage": {"content": content, **more}}


def results(*ids: str, text: str = "21") -> JsonObject:
    found = [{"toolUseId": id_, "content": [{"text": text}], "status": "success"} for id_ in ids]
    return {"userInputMessageContext": {"toolResults": found}}


def call(id_: str, name: str = "get_weather", input_: object = None) -> JsonObject:
    return {"toolUseId": id_, "name": name, "input": {} if input_ is None else input_}


def tool(name: str = "get_weather", description: str = "Weather", schema: object = None) -> JsonObject:
    json = {"type": "object", "properties": {}} if schema is None else schema
    return {"toolSpecification": {"name": name, "description": description, "inputSchema": {"json": json}}}


def body_of(*messages: JsonObject, **state: object) -> JsonObject:
    """The last of the messages is the current one."""
    *history, current = messages or (user(),)
    more = {"history": history} if history else {}
    return {
        "conversationState": {
            "conversationId": ID,
            "chatTriggerType": "MANUAL",
            "currentMessage": current,
            **more,
            **state,
        }
    }


def ask_kiro(fake: KiroFake, body: JsonObject, server: str = "q", **headers: str) -> httpx.Response:
    """In the REST wire; in AWS JSON on the runtime host."""
    sent = (
        KEY_HEADERS | ({"x-amzn-kiro-profile-arn": str(body["profileArn"])} if "profileArn" in body else {}) | headers
    )
    if server == "runtime":
        sent = {"content-type": AWS_JSON, "x-amz-target": STREAMING} | sent
        return HTTP.post(f"{fake.base(server)}/", json=body, headers=sent)
    return HTTP.post(f"{fake.base(server)}/generateAssistantResponse", json=body, headers=sent)


def ask_model(fake: KiroFake, script: str, *messages: JsonObject, **state: object) -> httpx.Response:
    """script: the model's last word."""
    *before, last = messages or (user(),)
    last["userInputMessage"]["modelId"] = f"claude-sonnet-4.5-{script}"
    return ask_kiro(fake, {**body_of(*before, last, **state), "profileArn": ARN})


def with_tools(*tools: JsonObject) -> JsonObject:
    return user(userInputMessageContext={"tools": [*tools]})


def events(stream: bytes) -> Iterator[tuple[str, JsonObject]]:
    """(name, payload) of each frame. Raises UpstreamError where the stream is damaged."""
    decoder = EventStreamDecoder()
    for message in decoder.feed(stream):
        payload = loads(message.payload or b"{}")
        assert isinstance(payload, dict)
        yield message.text(":event-type") or message.text(":exception-type") or message.text(":error-code"), payload
    decoder.close()


def text_of(stream: bytes) -> str:
    return "".join(payload["content"] for name, payload in events(stream) if name == "assistantResponseEvent")


def is_damaged(stream: bytes) -> bool:
    try:
        return not [*events(stream)]
    except UpstreamError:
        return True

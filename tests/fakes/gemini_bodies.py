"""Pieces of Gemini requests, for the tests of the fake: `ask_gemini(fake, **after(turn("model", call())))`."""

from tests.fakes.asking import JsonObject
from tests.fakes.samples import GEMINI_TOOLS

NEWER = "gemini-3.1-pro-preview"
SSE = "streamGenerateContent?alt=sse"


def turn(role: str, *parts: JsonObject) -> JsonObject:
    return {"role": role, "parts": list(parts)}


def text(words: str) -> JsonObject:
    return {"text": words}


def call(name: str = "get_weather", **more: object) -> JsonObject:
    return {"functionCall": {"name": name, "args": {}, **more}}


def signed(signature: str, name: str = "get_weather") -> JsonObject:
    return {**call(name), "thoughtSignature": signature}


def result(name: str = "get_weather", **more: object) -> JsonObject:
    return {"functionResponse": {"name": name, "response": {"output": "x"}, **more}}


def blob(mime: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": mime, "data": data}}


def tools(*functions: JsonObject) -> JsonObject:
    return {"tools": [{"functionDeclarations": list(functions)}]}


def openapi(**schema: object) -> JsonObject:
    """One function whose one property has this schema."""
    return tools({"name": "a", "parameters": {"type": "OBJECT", "properties": {"p": schema}}})


def plain(**schema: object) -> JsonObject:
    root = {"type": "object", "properties": {"p": schema}}
    return tools({"name": "a", "parametersJsonSchema": root})


def config(**fields: object) -> JsonObject:
    return {"generationConfig": fields}


def thinking(model: str, **fields: object) -> JsonObject:
    return {"model": f"{model}-text", **config(thinkingConfig=fields)}


def choice(**fields: object) -> JsonObject:
    return {"tools": GEMINI_TOOLS, "toolConfig": {"functionCallingConfig": fields}}


def after(*contents: JsonObject, model: str = "gemini-2.5-flash-text") -> JsonObject:
    return {"model": model, "contents": [ASK, *contents]}


ASK = turn("user", text("Hi"))

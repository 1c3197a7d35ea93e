"""What the tests of the Responses fake put into their requests."""

from tests.fakes.asking import OBJECT, JsonObject
from tests.fakes.samples import RESPONSES_TOOLS

CUSTOM: JsonObject = {"type": "custom", "name": "shell", "format": {"type": "text"}}
WITH: JsonObject = {"tools": RESPONSES_TOOLS}
SEALED: JsonObject = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAABq-from-elsewhere"}


def said(*parts: JsonObject, role: str = "user") -> JsonObject:
    return {"type": "message", "role": role, "content": list(parts)}


def text(words: str = "x", kind: str = "input_text") -> JsonObject:
    return {"type": kind, "text": words}


def call(call_id: str = "a", **more: object) -> JsonObject:
    return {"type": "function_call", "call_id": call_id, "name": "get_weather", "arguments": "{}", **more}


def output(call_id: str = "a", **more: object) -> JsonObject:
    return {"type": "function_call_output", "call_id": call_id, "output": "x", **more}


def function(name: str = "f", schema: object = OBJECT, **more: object) -> JsonObject:
    return {"type": "function", "name": name, "parameters": schema, "strict": False, **more}

"""The four request types, as their SDKs define them."""

import inspect
import re
from functools import cache

import anthropic.types.beta.message_create_params as beta_messages
import anthropic.types.message_create_params as messages
import openai.types.chat.completion_create_params as completions
import openai.types.responses.response_create_params as responses
from google.genai import models as genai_models
from google.genai import types as genai

from tests.converters.every_field.shapes import Field, Leaf, Object, Shape, shape_of

STREAM = Field(Leaf("bool"), False)
_SETS = re.compile(r"getv\(from_object, \['(\w+)'\]\) is not None:\s+setv\(\s*(\w+),\s*\['(\w+)'\]")
_OVER_THE_WIRE: dict[str, object] = {  # what the SDK makes of the forms it takes
    "tools": list[genai.Tool],
    "systemInstruction": genai.Content,
    "responseSchema": genai.Schema,
    "speechConfig": genai.SpeechConfig,
}


def _optional(**shapes: Shape) -> dict[str, Field]:
    return {name: Field(shape, False) for name, shape in shapes.items()}


_ROUTERS = Object(
    "Reasoning",
    _optional(
        effort=Leaf("text", ("low", "medium", "high")),
        max_tokens=Leaf("int"),
        enabled=Leaf("bool"),
        exclude=Leaf("bool"),
    ),
)
_OUTPUT_FORMAT = Object(
    "OutputFormat", {"type": Field(Leaf("text", ("json_schema",)), True), "schema": Field(Leaf("json"), True)}
)
BESIDES: dict[str, dict[str, Field]] = {
    # What the parsers read although the SDK's types do not have it: vendors' and older names (7.1, 8, 9).
    "chat": _optional(top_k=Leaf("int"), reasoning=_ROUTERS, enable_thinking=Leaf("bool"), thinking_budget=Leaf("int")),
    "anthropic": _optional(
        temperature=Leaf("float"), top_p=Leaf("float"), top_k=Leaf("int"), output_format=_OUTPUT_FORMAT
    ),
    "responses": {},
}


def _body(client: str, one: object) -> Object:
    made = shape_of(one)
    assert isinstance(made, Object)
    made.fields["stream"] = STREAM
    for name, besides in BESIDES[client].items():
        made.fields.setdefault(name, besides)
    return made


@cache
def roots(client: str) -> tuple[Object, ...]:
    """The request types of a client protocol; of several, the first tells a path's meaning."""
    match client:
        case "chat":
            return (_body("chat", completions.CompletionCreateParamsNonStreaming),)
        case "responses":
            return (_body("responses", responses.ResponseCreateParamsNonStreaming),)
        case "anthropic":
            beta = _body("anthropic", beta_messages.MessageCreateParamsNonStreaming)
            return beta, _body("anthropic", messages.MessageCreateParamsNonStreaming)
        case "gemini":
            return (_gemini(),)
    raise KeyError(client)


def _gemini() -> Object:
    """The SDK's configuration, split into the body's fields as its own converters do; model and streaming are put in by
    whoever calls the parser."""
    config = Object("GenerationConfig")
    body = Object("GenerateContentRequest", {"contents": Field(shape_of(list[genai.Content]), True)})
    body.fields["model"] = Field(Leaf("text"), True)
    body.fields["stream"] = STREAM
    for convert in (genai_models._GenerateContentConfig_to_mldev, genai_models._GenerateContentConfig_to_vertex):
        for name, target, key in _SETS.findall(inspect.getsource(convert)):
            hint = _OVER_THE_WIRE.get(key, genai.GenerateContentConfig.model_fields[name].annotation)
            (body if target == "parent_object" else config).fields[key] = Field(shape_of(hint), False)
    body.fields["generationConfig"] = Field(config, False)
    return body

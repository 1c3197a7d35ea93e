"""What a request needs around a field to be a valid one: a call for a result, a tool for a choice, one of several sources."""

from collections.abc import Callable, Sequence

from converters.json_codec import Json, JsonObject

_PNG: JsonObject = {"mimeType": "image/png", "data": "enExNw=="}
_URI = {"mimeType": "image/png", "fileUri": "https://example.com/zq17"}
_CALL_ID = "zq_call"

# Object -> (fields one of which there must be, the one put in when there is none).
_ONE_OF: dict[str, tuple[Sequence[str], JsonObject]] = {
    "FileFile": (("file_data", "file_id"), {"file_data": "data:application/pdf;base64,enExNw=="}),
    "ChatCompletionAssistantMessageParam": (
        ("content", "tool_calls", "function_call", "refusal"),
        {"content": "zq said"},
    ),
    "ResponseInputImageParam": (("image_url", "file_id"), {"image_url": "data:image/png;base64,enExNw=="}),
    "ResponseInputImageContentParam": (("image_url", "file_id"), {"image_url": "data:image/png;base64,enExNw=="}),
    "ResponseInputFileParam": (
        ("file_data", "file_id", "file_url"),
        {"file_data": "data:application/pdf;base64,enExNw=="},
    ),
    "ResponseInputFileContentParam": (
        ("file_data", "file_id", "file_url"),
        {"file_data": "data:application/pdf;base64,enExNw=="},
    ),
    "Part": (
        (
            "text fileData inlineData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse"
        ).split(),
        {"text": "zq said"},
    ),
    "JSONSchema": (("schema",), {"schema": {"type": "object", "properties": {"zq": {"type": "string"}}}}),
    "FunctionCallOutput": (("call_id",), {"call_id": _CALL_ID}),
    "FunctionResponsePart": (("inlineData", "fileData"), {"inlineData": _PNG}),
    "Content": (("parts",), {"parts": [{"text": "zq said"}]}),
}  # fmt: skip
# Object -> fields it needs, which its type leaves open.
_ALL_OF: dict[str, JsonObject] = {
    "Blob": _PNG,
    "FunctionResponseBlob": _PNG,
    "FileData": {**_URI},
    "FunctionResponseFileData": {**_URI},
    "FunctionCall": {"name": "zq17"},
    "FunctionResponse": {"name": "zq17"},
    "FunctionDeclaration": {"name": "zq17"},
}
_SCHEMA_TYPES = {  # of a schema with this keyword; any other is an object
    **dict.fromkeys("enum format maxLength minLength pattern".split(), "STRING"),
    **dict.fromkeys("maximum minimum".split(), "NUMBER"),
    **dict.fromkeys("items maxItems minItems".split(), "ARRAY"),
}
_OF_MODEL = frozenset(
    "thought thoughtSignature functionCall executableCode codeExecutionResult toolCall toolResponse".split()
)


def complete_object(owner: str, made: JsonObject, tested: str | None, wire: str) -> None:
    """Put in what is missing. tested: the field that the request is about, which stays as it is."""
    if (choice := _ONE_OF.get(owner)) is not None and not any(key in made for key in choice[0]):
        made.update({key: value for key, value in choice[1].items() if key != tested or key == "text"})
    if "InputSchema" in owner and tested == "required":
        made["properties"] = {"zq17": {"type": "string"}, "zq18": {"type": "string"}}
    if wire == "anthropic" and owner.endswith("MessageParam"):
        made.setdefault("content", "zq said")
    if wire == "gemini":
        for key, value in _ALL_OF.get(owner, {}).items():
            if key != tested:
                made.setdefault(key, value)
        if owner == "Schema" and tested not in ("type", "anyOf", "ref"):
            made.setdefault("type", next((_SCHEMA_TYPES[key] for key in made if key in _SCHEMA_TYPES), "OBJECT"))
        if owner == "Content" and tested != "role":
            parts = made.get("parts")
            of_model = isinstance(parts, list) and any(isinstance(p, dict) and _OF_MODEL & p.keys() for p in parts)
            made["role"] = "model" if of_model else "user"


def complete(wire: str, body: JsonObject) -> JsonObject:
    """The request made whole, in place."""
    _COMPLETE[wire](body)
    return body


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _chat(body: JsonObject) -> None:
    whole: list[Json] = [{"role": "user", "content": "zq asks"}]
    for message in _objects(body["messages"]):
        if message["role"] == "tool":
            function: JsonObject = {"name": "zq_tool", "arguments": "{}"}
            call: JsonObject = {"id": message.get("tool_call_id", _CALL_ID), "type": "function", "function": function}
            whole.append({"role": "assistant", "content": None, "tool_calls": [call]})
        if message["role"] == "function":
            whole.append(
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": message.get("name"), "arguments": "{}"},
                }
            )
        if message["role"] in ("system", "developer") and "name" not in message:
            whole.insert(0, message)
            continue
        whole.append(message)
        for made in _objects(message.get("tool_calls")):
            whole.append({"role": "tool", "tool_call_id": made.get("id"), "content": "zq done"})
        if isinstance(legacy := message.get("function_call"), dict):
            whole.append({"role": "function", "name": legacy.get("name"), "content": "zq done"})
    body["messages"] = whole
    if "tool_choice" in body or "parallel_tool_calls" in body or "function_call" in body:
        choice = body.get("tool_choice")
        kind = "custom" if isinstance(choice, dict) and choice.get("type") == "custom" else "function"
        tools: list[Json] = [{"type": kind, kind: {"name": name}} for name in ("zq17", "zq18")]
        body.setdefault("tools", tools)
    if "stream_options" in body:
        body["stream"] = True
    if "top_logprobs" in body:
        body["logprobs"] = True


def _responses(body: JsonObject) -> None:
    if "tool_choice" in body or "parallel_tool_calls" in body:
        choice = body.get("tool_choice")
        kind = "custom" if isinstance(choice, dict) and choice.get("type") == "custom" else "function"
        body.setdefault("tools", [{"type": kind, "name": name} for name in ("zq17", "zq18")])
    if "stream_options" in body:
        body["stream"] = True
    items = body.get("input")
    if not isinstance(items, list):
        body.setdefault("input", "zq asks")
        return
    whole: list[Json] = [{"role": "user", "content": "zq asks"}]
    for item in _objects(items):
        kind = str(item.get("type"))
        if kind in ("function_call_output", "custom_tool_call_output"):
            call: JsonObject = {"type": kind.removesuffix("_output"), "call_id": item.get("call_id"), "name": "zq_tool"}
            whole.append({**call, "arguments" if kind.startswith("function") else "input": "{}"})
        whole.append(item)
        if kind in ("function_call", "custom_tool_call"):
            whole.append({"type": f"{kind}_output", "call_id": item.get("call_id"), "output": "zq done"})
    body["input"] = whole


def _anthropic(body: JsonObject) -> None:
    whole: list[Json] = [{"role": "user", "content": "zq asks"}]
    for message in _objects(body["messages"]):
        blocks = _objects(message.get("content"))
        for block in blocks:
            if block.get("type") == "tool_result":
                call: JsonObject = {"type": "tool_use", "id": block.get("tool_use_id"), "name": "zq_tool", "input": {}}
                whole.append({"role": "assistant", "content": [call]})
        whole.append(message)
        for block in blocks:
            if block.get("type") == "tool_use":
                result: JsonObject = {"type": "tool_result", "tool_use_id": block.get("id"), "content": "zq done"}
                whole.append({"role": "user", "content": [result]})
    body["messages"] = whole
    if "tool_choice" in body:
        body.setdefault("tools", [{"name": name, "input_schema": {"type": "object"}} for name in ("zq17", "zq18")])


def _gemini(body: JsonObject) -> None:
    whole: list[Json] = [{"role": "user", "parts": [{"text": "zq asks"}]}]
    for content in _objects(body["contents"]):
        parts = _objects(content.get("parts"))
        for part in parts:
            if isinstance(result := part.get("functionResponse"), dict) and content.get("role") != "model":
                call: JsonObject = {"name": result.get("name")} | ({"id": result["id"]} if "id" in result else {})
                whole.append({"role": "model", "parts": [{"functionCall": call}]})
        whole.append(content)
        for part in parts:
            if isinstance(made := part.get("functionCall"), dict):
                answer: JsonObject = {"name": made.get("name"), "response": {"output": "zq done"}}
                answer |= {"id": made["id"]} if "id" in made else {}
                whole.append({"role": "user", "parts": [{"functionResponse": answer}]})
    body["contents"] = whole
    config = body.get("generationConfig")
    if isinstance(config, dict):
        if "logprobs" in config:
            config["responseLogprobs"] = True
        if "responseSchema" in config or "responseJsonSchema" in config:
            config.setdefault("responseMimeType", "application/json")
    chosen = body.get("toolConfig")
    if isinstance(chosen, dict) and "functionCallingConfig" in chosen:
        calling = chosen["functionCallingConfig"]
        if isinstance(calling, dict) and "allowedFunctionNames" in calling:
            calling.setdefault("mode", "ANY")
        body.setdefault("tools", [{"functionDeclarations": [{"name": name} for name in ("zq17", "zq18")]}])


_COMPLETE: dict[str, Callable[[JsonObject], None]] = {
    "chat": _chat,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}

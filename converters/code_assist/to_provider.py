"""Plain Gemini -> Code Assist, and its answers back (conversion rules 18.2).

Request: `{model, project, user_prompt_id, request: {the plain body, session_id}}`, some names in snake_case, the model without
`models/`. Answer, and each event of a stream: `{response: {the plain answer}, traceId, ...}`.
Source: gemini-cli, packages/core/src/code_assist/{server,converter}.ts (read 2026-11).
"""

from converters.errors import ConversionError
from converters.gemini.names import camel
from converters.json_codec import Json, JsonObject, dumps, dumps_text, loads
from converters.splice import remove_member, set_member
from converters.sse import SSEDecoder, data_frame, lines_frame

_NAMES = {"gemini-3.5-flash": "gemini-3-flash"}  # models that have another name on this wire
_CACHED = ("cachedContent", "cached_content")
_WHOLE = "generateContentRequest"  # the plain API's counting call around a whole request
_FORMATS = ("responseSchema", "responseJsonSchema")


def enclose(body: bytes, *, model: str, project: str, prompt_id: str, session_id: str) -> bytes:
    """A generateContent body in the envelope. Inside it stays as the client wrote it, byte for byte, but for `session_id`.

    prompt_id, session_id: left out where they are empty. Raises ConversionError for `cachedContent`: these accounts own no
    caches, and without it half of the conversation would be missing.
    """
    inner = _without_cache(body)
    if b'"model"' in inner:
        inner = remove_member(inner, "model")  # it stands outside
    if session_id:
        inner = set_member(inner, "session_id", session_id)
    outer: JsonObject = {"model": _wire_name(model), "project": project}
    if prompt_id:
        outer["user_prompt_id"] = prompt_id
    return dumps(outer)[:-1] + b',"request":' + inner + b"}"


def _wire_name(model: str) -> str:
    name = model.removeprefix("models/")
    return _NAMES.get(name, name)


def _without_cache(body: bytes) -> bytes:
    """The body without an empty reference to a cache; the bytes are searched first, since next to no body has one."""
    for name in _CACHED:
        if f'"{name}"'.encode() not in body:
            continue
        parsed = loads(body)
        if isinstance(parsed, dict) and parsed.get(name):
            raise ConversionError(
                f"`{name}`: Code Assist has no caches of its users'; send the whole conversation",
                param=name,
                code="unsupported_cached_content",
            )
        body = remove_member(body, name)
    return body


def enclose_count(body: bytes, model: str) -> bytes:
    """A countTokens body, in either of the plain API's shapes -> `{"request": {"model": "models/...", "contents": [...]}}`.

    That is all this call takes (16): system prompt, tools and answer format are counted as text in front of the first turn.
    """
    parsed = loads(body)
    plain = camel(parsed) if isinstance(parsed, dict) else {}
    if isinstance(whole := plain.get(_WHOLE), dict):
        plain = camel(whole)
    contents = _without_thought_flags(plain.get("contents"))
    if texts := [*_texts(plain.get("systemInstruction")), *_written(plain)]:
        parts: list[Json] = [{"text": text} for text in texts]
        first = contents[0] if contents else {"role": "model"}
        if first.get("role", "user") == "user" and isinstance(said := first.get("parts"), list):
            contents[0] = {**first, "parts": [*parts, *said]}
        else:
            contents.insert(0, {"role": "user", "parts": parts})
    return dumps({"request": {"model": f"models/{_wire_name(model)}", "contents": [*contents]}})


def _texts(instruction: Json) -> list[str]:
    parts = instruction.get("parts") if isinstance(instruction, dict) else None
    found = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else [instruction]
    return [text for text in found if isinstance(text, str) and text]


def _written(plain: JsonObject) -> list[str]:
    """Tools and answer format, which the model gets to read, as their JSON."""
    config = plain.get("generationConfig")
    config = camel(config) if isinstance(config, dict) else {}
    return [dumps_text(value) for value in (plain.get("tools"), *(config.get(name) for name in _FORMATS)) if value]


def _without_thought_flags(contents: Json) -> list[JsonObject]:
    """A part flagged as thought makes this call fail: its text stays, the flag goes, and what holds nothing else."""
    kept: list[JsonObject] = []
    for content in contents if isinstance(contents, list) else []:
        if not isinstance(content, dict):
            continue
        parts = content.get("parts")
        if isinstance(parts, list):
            stripped = [_without_flag(part) if isinstance(part, dict) else part for part in parts]
            content = {**content, "parts": [part for part in stripped if part]}
            if not content["parts"]:
                continue
        kept.append(content)
    return kept


def _without_flag(part: JsonObject) -> JsonObject:
    rest = {name: value for name, value in part.items() if name != "thought"}
    if len(rest) == len(part) or rest.keys() - {"thoughtSignature", "thought_signature"}:
        return rest
    return {}


class Opener:
    """Code Assist's stream -> the plain Gemini API's.

    feed: any slice of the body; the frames it completes. close: a last event without its blank line counts as well.
    Error events and what is no JSON pass, for the reader behind to judge. Raises UpstreamError for a frame over 32 MB.
    """

    def __init__(self) -> None:
        self._sse = SSEDecoder()

    def feed(self, data: bytes) -> bytes:
        return b"".join(_opened_frame(payload) for _, payload in self._sse.feed(data))

    def close(self) -> bytes:
        return b"".join(_opened_frame(payload) for _, payload in self._sse.close())


def _opened_frame(data: bytes) -> bytes:
    try:
        payload = loads(data)
    except ValueError:
        payload = None
    return data_frame(_opened(payload)) if isinstance(payload, dict) else lines_frame(data)


def open_answer(body: bytes) -> bytes:
    """A whole answer without its envelope. Errors (in a list too), counts and what is no JSON object pass as they came."""
    try:
        payload = loads(body)
    except ValueError:
        return body
    if not isinstance(payload, dict) or "error" in payload or "totalTokens" in payload:
        return body
    if not payload:
        return b'{"totalTokens":0}'  # how protobuf writes a count of nothing
    return dumps(_opened(payload))


def _opened(payload: JsonObject) -> JsonObject:
    """`response`, with the trace for an id where it has none. One that is missing is an answer without candidates."""
    if "error" in payload:
        return payload
    inner = payload.get("response")
    plain: JsonObject = inner if isinstance(inner, dict) else {"candidates": []}
    trace = payload.get("traceId")
    if isinstance(trace, str) and trace and not plain.get("responseId"):
        plain["responseId"] = trace
    return plain

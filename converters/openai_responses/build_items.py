"""System texts and turns -> `instructions` and `input` (conversion tables 2.2, 3, 6 and 7.4).

Item ids are left out: nothing is stored, so no id of ours or of another provider exists on the server.
"""

from converters.data_url import write_data_url
from converters.errors import ConversionError
from converters.history import arguments_text
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.places import names_place
from converters.turns import (
    Audio,
    Base64,
    Chat,
    Document,
    FileId,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    Url,
)

_ATTRIBUTION = "x-anthropic-billing-header:"


def build_items(chat: Chat, loss: Loss) -> JsonObject:
    """The fields `instructions` (if there are any) and `input`. Without a single turn the system texts are the input: it must
    not be empty."""
    texts: list[str] = []
    for system in chat.system:
        note_cache(system.cache, loss)
        if text := _without_attribution(system.text, loss):
            texts.append(text)
    instructions = "\n\n".join(texts)
    items = _Items(loss)
    for turn in chat.turns:
        items.add(turn)
    if not items.sent:
        return {"input": [_message("developer", [_input_text(instructions)])]}
    return {"instructions": instructions, "input": items.sent} if instructions else {"input": items.sent}


class _Items:
    """_custom: ids of the calls of free-text tools; their results are items of another type."""

    def __init__(self, loss: Loss) -> None:
        self.sent: list[Json] = []
        self._loss = loss
        self._custom: set[str] = set()

    def add(self, turn: Turn) -> None:
        if turn.name is not None:
            self._loss.drop("messages.name", "messages of this protocol have no name")
        if turn.role == "assistant":
            self._assistant(turn)
        else:
            self._said(turn)

    def _said(self, turn: Turn) -> None:
        """A user turn, or a system turn in place."""
        role = "user" if turn.role == "user" else "developer"
        content: list[Json] = []
        for part in turn.parts:
            match part:
                case ToolResult():
                    self.sent.append(self._result(part))
                case Hosted(_, text, native):
                    if native is not None and native[0] == "responses":
                        self.sent.append(native[1])
                    elif text:
                        content.append(_input_text(text))
                case Text(text, cache) if role == "developer":
                    note_cache(cache, self._loss)
                    if text := _without_attribution(text, self._loss):
                        content.append(_input_text(text))
                case _:
                    content += content_parts(part, self._loss)
        if content:
            self.sent.append(_message(role, content))

    def _result(self, result: ToolResult) -> JsonObject:
        note_cache(result.cache, self._loss)
        content = [piece for part in result.parts for piece in content_parts(part, self._loss)]
        texts = [str(piece["text"]) for piece in content if piece["type"] == "input_text"]
        prefix = "Error: " if result.is_error and not "".join(texts).lower().startswith("error") else ""
        output: Json
        if len(texts) == len(content):
            output = prefix + "\n".join(texts)
        else:
            output = [_input_text(prefix.rstrip()), *content] if prefix else [*content]
        kind = "custom_tool_call_output" if result.call_id in self._custom else "function_call_output"
        return {"type": kind, "call_id": result.call_id, "output": output}

    def _assistant(self, turn: Turn) -> None:
        """Items in the order of the parts; neighbouring texts are one message."""
        said: list[Json] = []
        for part in self._with_followers(turn.parts):
            match part:
                case Text(text, cache):
                    note_cache(cache, self._loss)
                    said.append({"type": "output_text", "text": text})
                    continue
                case Refusal(text):
                    said.append({"type": "refusal", "refusal": text})
                    continue
                case Image(src):
                    self._loss.change("messages.image", "a picture that the assistant made is sent as words")
                    said.append(
                        {
                            "type": "output_text",
                            "text": f"[image: {src.mime}]" if isinstance(src, Base64) else "[image]",
                        }
                    )
                    continue
            self._flush(said)
            match part:
                case Thinking(text, token) if token is not None:
                    summary: list[Json] = [{"type": "summary_text", "text": text}] if text else []
                    self.sent.append({"type": "reasoning", "summary": summary, "encrypted_content": token.value})
                case ToolCall(cache=cache):
                    note_cache(cache, self._loss)
                    self.sent.append(self._call(part))
                case Hosted(native=(_, raw)):
                    self.sent.append(raw)
                case Document() | Audio():
                    raise unsupported(f"an assistant message cannot hold {type(part).__name__}")
        self._flush(said)

    def _with_followers(self, parts: list[Part]) -> list[Part]:
        """A reasoning item must be followed by what it led to: the API answers 400 to one at the end of a turn."""
        kept = len(parts)
        while kept and isinstance(parts[kept - 1], Thinking):
            kept -= 1
            self._loss.note("messages.thinking", "reasoning that led to nothing is not sent")
        return parts[:kept]

    def _flush(self, said: list[Json]) -> None:
        if said:
            self.sent.append(_message("assistant", [*said]))
            said.clear()

    def _call(self, call: ToolCall) -> JsonObject:
        if call.kind == "custom":
            self._custom.add(call.id)
            text = call.args_text or ""
            return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": text}
        arguments = arguments_text(call) or "{}"
        return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}


# --- content ---


@names_place
def content_parts(part: Part, loss: Loss) -> list[JsonObject]:
    """The parts that one hub part becomes. Raises ConversionError for what Responses has no place for."""
    match part:
        case Text(text, cache):
            note_cache(cache, loss)
            return [_input_text(text)]
        case Image(src, detail, cache):
            note_cache(cache, loss)
            return [{"type": "input_image", "detail": detail or "auto", **_image_source(src)}]
        case Document(cache=cache):
            note_cache(cache, loss)
            return _document(part)
        case Audio(src, format_):
            return [{"type": "input_audio", "input_audio": {"data": src.data, "format": format_}}]
    raise unsupported(f"a user message cannot hold {type(part).__name__}")


def note_cache(cache: object, loss: Loss) -> None:
    """Cache marks are Anthropic's; strict vendors reject them."""
    if cache is not None:
        loss.note("cache_control", "this protocol has no cache marks")


def unsupported(message: str) -> ConversionError:
    return ConversionError(message, param="messages", code="unsupported_content")


def _input_text(text: str) -> JsonObject:
    return {"type": "input_text", "text": text}


def _message(role: str, content: list[Json]) -> JsonObject:
    return {"type": "message", "role": role, "content": content}


def _image_source(src: Source) -> JsonObject:
    match src:
        case Base64():
            return {"image_url": write_data_url(src)}
        case Url(url):
            return {"image_url": url}
        case FileId():
            return {"file_id": _own_id(src)}


def _document(document: Document) -> list[JsonObject]:
    src = document.src
    about = [line for line in (document.title, document.context) if line]
    if isinstance(src, PlainText):
        lines = [document.title or document.name, document.context, src.text]
        return [_input_text("\n".join(line for line in lines if line))]
    part: JsonObject = {"type": "input_file"}
    match src:
        case Base64():
            part |= {"filename": document.name or "document.pdf", "file_data": write_data_url(src)}
        case Url(url):
            part["file_url"] = url
        case FileId():
            part["file_id"] = _own_id(src)
    return [_input_text("\n".join(about)), part] if about else [part]


def _own_id(src: FileId) -> str:
    if src.owner != "responses":
        raise unsupported(f"the file `{src.id}` cannot be sent: a file id is valid only where it was issued")
    return src.id


def _without_attribution(text: str, loss: Loss) -> str:
    """Claude Code's own attribution line; its changing value would defeat prefix caching."""
    if not text.startswith(_ATTRIBUTION):
        return text
    loss.note("system.attribution", "this line is for Anthropic alone")
    return text.partition("\n")[2].lstrip("\n")

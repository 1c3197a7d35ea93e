"""Output items as a client is sent them: each kind's events and its final form (conversion rules 7.4, 13 and 14.4).

An item is open from its first event to `done`. Its text is serialised once a delta; what stands around it is constant.
Source: OpenAI API reference, "streaming events" (read 2026-11).
"""

from collections.abc import Callable

from converters.envelope import seal
from converters.events import Citation
from converters.json_codec import Json, JsonObject, dumps
from converters.turns import Token

type Emit = Callable[[str, JsonObject], bytes]  # (event name, its fields) -> frame, with the next sequence number


class Item:
    """What all kinds share. body: the item so far, as `output_item.added` shows it."""

    def __init__(self, emit: Emit, number: int, body: JsonObject) -> None:
        self.emit, self.number, self.body = emit, number, body
        self.place: JsonObject = {"item_id": body["id"], "output_index": number}

    def added(self) -> bytes:
        return self.emit("response.output_item.added", {"output_index": self.number, "item": {**self.body}})

    def closed(self, status: str) -> bytes:
        """The events that end the item, and its final form in `body`."""
        return self.done(status)

    def done(self, status: str) -> bytes:
        if "status" in self.body:
            self.body["status"] = status
        return self.emit("response.output_item.done", {"output_index": self.number, "item": self.body})


class DeltaItem(Item):
    """An item, or a part of one, whose text comes in deltas."""

    def __init__(self, emit: Emit, number: int, body: JsonObject) -> None:
        super().__init__(emit, number, body)
        self._pieces: list[str] = []
        self._head = self._middle = self._tail = b""

    def begin_text(self, event: str, place: JsonObject, **more: Json) -> None:
        """From now on deltas are of this event. more: fields behind the delta."""
        self._pieces = []
        self._head = b"event: " + event.encode() + b'\ndata: {"type":"' + event.encode() + b'","sequence_number":'
        self._middle = b"," + dumps(place)[1:-1] + b',"delta":'
        self._tail = (b"," + dumps(more)[1:] if more else b"}") + b"\n\n"

    def delta(self, sequence: int, text: str) -> bytes:
        self._pieces.append(text)
        return b"%b%d%b%b%b" % (self._head, sequence, self._middle, dumps(text), self._tail)

    def text(self) -> str:
        return "".join(self._pieces)


class Message(DeltaItem):
    """One message: parts of text and of refusal, one open at a time. kind: of the open part, None if there is none."""

    def __init__(self, emit: Emit, number: int, id_: str) -> None:
        body: JsonObject = {"id": id_, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        super().__init__(emit, number, body)
        self.kind: str | None = None
        self._content: list[Json] = []
        self._annotations: list[Json] = []

    def begin_part(self, kind: str) -> bytes:
        """kind: output_text or refusal. Nothing to do while a part of that kind is open."""
        if self.kind == kind:
            return b""
        out = self.end_part()
        self.kind = kind
        self._annotations = []
        place: JsonObject = {**self.place, "content_index": len(self._content)}
        if kind == "output_text":
            self.begin_text("response.output_text.delta", place, logprobs=[])
        else:
            self.begin_text("response.refusal.delta", place)
        return out + self.emit("response.content_part.added", {**place, "part": self._part("")})

    def cite(self, citation: Citation) -> bytes:
        """An annotation of the open text."""
        annotation = citation_object(citation)
        place: JsonObject = {"content_index": len(self._content), "annotation_index": len(self._annotations)}
        self._annotations.append(annotation)
        fields: JsonObject = {**self.place, **place, "annotation": annotation}
        return self.emit("response.output_text.annotation.added", fields)

    def end_part(self) -> bytes:
        if self.kind is None:
            return b""
        text = self.text()
        part = self._part(text)
        place: JsonObject = {**self.place, "content_index": len(self._content)}
        if self.kind == "output_text":
            out = self.emit("response.output_text.done", {**place, "text": text, "logprobs": []})
        else:
            out = self.emit("response.refusal.done", {**place, "refusal": text})
        self._content.append(part)
        self.kind = None
        return out + self.emit("response.content_part.done", {**place, "part": part})

    def closed(self, status: str) -> bytes:
        out = self.end_part()
        self.body["content"] = self._content
        return out + self.done(status)

    def _part(self, text: str) -> JsonObject:
        if self.kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [*self._annotations], "logprobs": []}


class Reasoning(DeltaItem):
    """Reasoning: its text is one part of the summary. `token` is set before `closed`."""

    def __init__(self, emit: Emit, number: int, id_: str) -> None:
        super().__init__(emit, number, {"id": id_, "type": "reasoning", "summary": []})
        self.token: Token | None = None
        self._shown = False

    def begin_summary(self) -> bytes:
        if self._shown:
            return b""
        self._shown = True
        place: JsonObject = {**self.place, "summary_index": 0}
        self.begin_text("response.reasoning_summary_text.delta", place)
        return self.emit(
            "response.reasoning_summary_part.added", {**place, "part": {"type": "summary_text", "text": ""}}
        )

    def closed(self, status: str) -> bytes:
        out = b""
        if self._shown:
            text, place = self.text(), {**self.place, "summary_index": 0}
            part: JsonObject = {"type": "summary_text", "text": text}
            self.body["summary"] = [part]
            out = self.emit("response.reasoning_summary_text.done", {**place, "text": text})
            out += self.emit("response.reasoning_summary_part.done", {**place, "part": part})
        self.body["encrypted_content"] = _encrypted(self.token)
        return out + self.done(status)


class Call(DeltaItem):
    """A call of a function, or of a free-text tool. namespace: where the client declared it, None if nowhere."""

    def __init__(
        self, emit: Emit, number: int, id_: str, call_id: str, name: str, kind: str, namespace: str | None
    ) -> None:
        self._custom = kind == "custom"
        self._field = "input" if self._custom else "arguments"
        body: JsonObject = {"id": id_, "type": "custom_tool_call" if self._custom else "function_call"}
        body |= {"status": "in_progress", "call_id": call_id, "name": name, self._field: ""}
        if namespace is not None:
            body["namespace"] = namespace
        super().__init__(emit, number, body)
        event = "custom_tool_call_input" if self._custom else "function_call_arguments"
        self.ended = False
        self._event = f"response.{event}"
        self.begin_text(f"{self._event}.delta", self.place)

    @property
    def lacks_arguments(self) -> bool:
        """A function's arguments must be JSON: clients parse them."""
        return not (self._custom or any(piece.strip() for piece in self._pieces))

    def closed(self, status: str) -> bytes:
        text = self.text()
        self.body[self._field] = text
        fields: JsonObject = {**self.place, self._field: text}
        if not self._custom:
            fields["name"] = self.body["name"]
        return self.emit(f"{self._event}.done", fields) + self.done(status)


class Picture(Item):
    """A picture that the model made. It came whole, also when the answer was cut behind it."""

    def __init__(self, emit: Emit, number: int, id_: str, mime: str, data: str) -> None:
        body: JsonObject = {"id": id_, "type": "image_generation_call", "status": "in_progress", "result": None}
        super().__init__(emit, number, body)
        self._mime, self._data = mime, data

    def closed(self, status: str) -> bytes:
        self.body |= {"result": self._data, "output_format": self._mime.removeprefix("image/")}
        return self.done("completed")


def citation_object(citation: Citation) -> JsonObject:
    cited: JsonObject = {"type": "url_citation", "url": citation.url, "title": citation.title or ""}
    return cited | {"start_index": citation.start or 0, "end_index": citation.end or 0}


def _encrypted(token: Token | None) -> str | None:
    """7.4: the provider's own where it is of this protocol; else an envelope, which no provider is ever sent."""
    if token is None or token.origin == "n":
        return None
    return token.value if token.origin == "r" else seal(token)

"""Stream grammar checker for OpenAI Responses (14.4): is this client stream, byte for byte, what its protocol promises?

Shares no code with the product. Raises AssertionError that names the frame, and gives what a right reader assembles from the
`*.done` values, which real clients read. `broken`: the stream must end with `response.failed` and must not look complete.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.grammar import Call, Folded, _arguments_are_json, _blocks, _is_text, _json

type JsonObject = dict[str, Any]

_TERMINAL = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_REQUIRED = frozenset(
    "id object created_at completed_at status error incomplete_details instructions max_output_tokens model output"
    " parallel_tool_calls previous_response_id reasoning store temperature text tool_choice tools top_p truncation usage"
    " user metadata".split()
)
_REASONS = frozenset({"max_output_tokens", "content_filter"})
_ADDED: dict[str, JsonObject] = {
    "message": {"status": "in_progress", "role": "assistant", "content": []},
    "reasoning": {"summary": []},
    "function_call": {"status": "in_progress", "arguments": ""},
    "custom_tool_call": {"status": "in_progress", "input": ""},
    "image_generation_call": {"status": "in_progress", "result": None},
}
_PREFIX = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
    "image_generation_call": "ig_",
}
_PARTS: dict[str, JsonObject] = {
    "output_text": {"text": "", "annotations": [], "logprobs": []},
    "refusal": {"refusal": ""},
}


def check_responses_stream(raw: bytes, *, broken: bool = False) -> Folded:
    """A Responses stream: created, in_progress, whole items one after another, one terminal event, last."""
    checker = _Responses()
    for number, block in enumerate(_blocks(raw)):
        lines = block.split(b"\n")
        assert [line.partition(b": ")[0] for line in lines] == [b"event", b"data"], (
            f"frame {number}: one `event:` and one `data:` line make a frame: {block[:120]!r}"
        )
        payload = _json(lines[1][6:], f"frame {number}")
        assert payload.get("type") == lines[0][7:].decode(), f"frame {number}: event and type differ: {block[:120]!r}"
        checker.event(f"frame {number} ({payload['type']})", payload)
    return checker.end(broken)


class _Responses:
    def __init__(self) -> None:
        self.folded = Folded()
        self._next = 0
        self._state = "new"  # new, created, open, over
        self._head: tuple[object, ...] | None = None
        self._done: list[JsonObject] = []
        self._item: JsonObject | None = None
        self._part: JsonObject | None = None  # the open content or summary part
        self._closed_parts: list[JsonObject] = []
        self._pieces: list[str] = []
        self._value: str | None = None  # of the `*.done` event of the open text
        self._annotations: list[JsonObject] = []
        self._on: dict[str, Callable[[str, JsonObject], None]] = {
            "output_item.added": self._item_added,
            "output_item.done": self._item_done,
            "content_part.added": self._part_added,
            "content_part.done": self._part_done,
            "reasoning_summary_part.added": self._summary_added,
            "reasoning_summary_part.done": self._part_done,
            "output_text.annotation.added": self._annotation,
        }
        for event, kind, field in (
            ("output_text", "output_text", "text"),
            ("refusal", "refusal", "refusal"),
            ("reasoning_summary_text", "summary_text", "text"),
            ("function_call_arguments", "function_call", "arguments"),
            ("custom_tool_call_input", "custom_tool_call", "input"),
        ):
            self._on[f"{event}.delta"] = lambda where, payload, kind=kind: self._delta(where, payload, kind)  # type: ignore[misc]
            self._on[f"{event}.done"] = lambda where, payload, kind=kind, field=field: self._text_done(  # type: ignore[misc]
                where, payload, kind, field
            )

    def event(self, where: str, payload: JsonObject) -> None:
        assert payload.get("sequence_number") == self._next, (
            f"{where}: sequence_number {payload.get('sequence_number')}, expected {self._next}"
        )
        self._next += 1
        assert self._state != "over", f"{where}: something follows the terminal event"
        kind = payload["type"]
        if kind in _TERMINAL:
            return self._terminal(where, payload["response"], _TERMINAL[kind])
        if kind == "response.created":
            assert self._state == "new", f"{where}: response.created comes first and once"
            self._begun(where, payload["response"])
            self._state = "created"
            return
        if kind == "response.in_progress":
            assert self._state == "created", f"{where}: response.in_progress follows response.created"
            self._begun(where, payload["response"])
            self._state = "open"
            return
        assert self._state == "open", f"{where}: response.created and response.in_progress come first"
        take = self._on.get(kind.removeprefix("response."))
        assert take is not None, f"{where}: unknown event {kind!r}"
        take(where, payload)

    # --- the response ---

    def _begun(self, where: str, response: JsonObject) -> None:
        self._check_head(where, response, "in_progress")
        assert response["output"] == [], f"{where}: a response begins with an empty output"

    def _check_head(self, where: str, response: JsonObject, status: str) -> None:
        _check_response(where, response, status)
        head = (response["id"], response["created_at"], response["model"])
        assert self._head in (None, head), f"{where}: id, created_at and model must not change"
        self._head = head
        self.folded.id, self.folded.model = response["id"], response["model"]

    def _terminal(self, where: str, response: JsonObject, status: str) -> None:
        assert self._state == "open", f"{where}: response.created and response.in_progress come first"
        self._check_head(where, response, status)
        told = ([], self._done) if status == "failed" else (self._done,)  # a response that failed may leave them out
        assert response["output"] in told, f"{where}: output is not what the done items were"
        self._state = "over"
        if status == "failed":
            self.folded.error = response["error"]
            return
        assert self._item is None, f"{where}: an item is still open"
        _take_end(self.folded, response, where)

    # --- items ---

    def _item_added(self, where: str, payload: JsonObject) -> None:
        item = payload["item"]
        assert self._item is None, f"{where}: the item before is still open"
        assert payload["output_index"] == len(self._done), f"{where}: output_index {payload['output_index']}"
        kind = item["type"]
        assert kind in _ADDED, f"{where}: item type {kind!r}"
        for name, value in _ADDED[kind].items():
            assert item.get(name, "absent") == value, f"{where}: an item starts with {name} {value!r}"
        assert item["id"].startswith(_PREFIX[kind]), f"{where}: id {item['id']!r}"
        assert item["id"] not in [done["id"] for done in self._done], f"{where}: two items with one id"
        if kind in ("function_call", "custom_tool_call"):
            assert _is_text(item["call_id"]), f"{where}: a call has its call_id from the start"
            assert _is_text(item["name"]), f"{where}: a call has its name from the start"
        self._item, self._pieces, self._value, self._closed_parts = item, [], None, []

    def _item_done(self, where: str, payload: JsonObject) -> None:
        item, begun = payload["item"], self._in_item(where, payload, id_of=payload["item"]["id"])
        assert self._part is None, f"{where}: a part is still open"
        kind = begun["type"]
        for name in ("type", "id", "call_id", "name", "role", "namespace"):
            assert item.get(name) == begun.get(name), f"{where}: {name} changed"
        if kind == "message":
            assert item["content"] == self._closed_parts, f"{where}: content is not what the done parts were"
        elif kind == "reasoning":
            assert item["summary"] == self._closed_parts, f"{where}: summary is not what the done parts were"
        elif kind in ("function_call", "custom_tool_call"):
            field = "arguments" if kind == "function_call" else "input"
            assert self._value is not None, f"{where}: no {field} done event"
            assert item[field] == self._value, f"{where}: {field} is not the done value"
        if kind != "reasoning":
            assert item["status"] in ("completed", "incomplete"), f"{where}: status {item['status']!r}"
        self._done.append(item)
        _take_item(self.folded, item, where)
        self._item = None

    def _in_item(self, where: str, payload: JsonObject, id_of: str | None = None) -> JsonObject:
        item = self._item
        assert item is not None, f"{where}: no item is open"
        assert payload["output_index"] == len(self._done), f"{where}: output_index is not the open item's"
        assert (id_of or payload.get("item_id")) == item["id"], f"{where}: item_id is not the open item's"
        return item

    # --- parts ---

    def _part_added(self, where: str, payload: JsonObject) -> None:
        assert self._in_item(where, payload)["type"] == "message", f"{where}: content belongs to a message"
        part = payload["part"]
        assert part["type"] in _PARTS, f"{where}: part type {part['type']!r}"
        self._open_part(where, payload, {"type": part["type"], **_PARTS[part["type"]]}, "content_index")

    def _summary_added(self, where: str, payload: JsonObject) -> None:
        assert self._in_item(where, payload)["type"] == "reasoning", f"{where}: a summary belongs to reasoning"
        self._open_part(where, payload, {"type": "summary_text", "text": ""}, "summary_index")

    def _open_part(self, where: str, payload: JsonObject, expected: JsonObject, index: str) -> None:
        assert self._part is None, f"{where}: the part before is still open"
        assert payload[index] == len(self._closed_parts), f"{where}: {index} {payload[index]}"
        assert payload["part"] == expected, f"{where}: a part starts as {expected}, not {payload['part']}"
        self._part, self._pieces, self._value, self._annotations = payload["part"], [], None, []

    def _part_done(self, where: str, payload: JsonObject) -> None:
        self._in_item(where, payload)
        part = payload["part"]
        assert self._part is not None, f"{where}: no part is open"
        assert self._value is not None, f"{where}: its text is not done yet"
        assert part["type"] == self._part["type"], f"{where}: the type of the part changed"
        field = "refusal" if part["type"] == "refusal" else "text"
        assert part[field] == self._value, f"{where}: {field} is not the done value"
        if part["type"] == "output_text":
            assert part["annotations"] == self._annotations, f"{where}: annotations are not what was added"
        self._closed_parts.append(part)
        self._part = None

    def _annotation(self, where: str, payload: JsonObject) -> None:
        self._in_item(where, payload)
        assert (self._part or {}).get("type") == "output_text", f"{where}: an annotation and no open text"
        assert payload["annotation_index"] == len(self._annotations), f"{where}: annotation_index"
        self._annotations.append(payload["annotation"])

    # --- text ---

    def _delta(self, where: str, payload: JsonObject, kind: str) -> None:
        self._of(where, payload, kind)
        assert isinstance(payload["delta"], str), f"{where}: delta is {payload['delta']!r}"
        assert self._value is None, f"{where}: a delta after its done event"
        self._pieces.append(payload["delta"])

    def _text_done(self, where: str, payload: JsonObject, kind: str, field: str) -> None:
        self._of(where, payload, kind)
        assert self._value is None, f"{where}: done twice"
        assert payload[field] == "".join(self._pieces), f"{where}: {field} is not the joined deltas"
        if kind == "function_call":
            assert payload["name"] == (self._item or {})["name"], f"{where}: no name"
        self._value = payload[field]

    def _of(self, where: str, payload: JsonObject, kind: str) -> None:
        """The event is of the open text: of a part, or of a call as a whole."""
        item = self._in_item(where, payload)
        holder = item if kind in ("function_call", "custom_tool_call") else self._part
        assert holder is not None, f"{where}: no part is open"
        assert holder["type"] == kind, f"{where}: this event is of {kind}, and {holder['type']} is open"
        if kind in ("output_text", "refusal"):
            assert payload["content_index"] == len(self._closed_parts), f"{where}: content_index"
        if kind == "output_text":
            assert payload["logprobs"] == [], f"{where}: logprobs is a list"
        if kind == "summary_text":
            assert payload["summary_index"] == len(self._closed_parts), f"{where}: summary_index"

    def end(self, broken: bool) -> Folded:
        assert self._state == "over", "the stream does not end with a terminal event"
        if broken:
            assert self.folded.error, "a broken stream must end with response.failed"
            return self.folded
        assert self.folded.error is None, f"the stream ends with an error: {self.folded.error}"
        return self.folded


def fold_responses_answer(answer: Mapping[str, Any]) -> Folded:
    """A whole response, checked (13) and folded."""
    _check_response("answer", answer, answer["status"])
    assert answer["status"] in ("completed", "incomplete"), f"status {answer['status']!r}"
    folded = Folded(id=answer["id"], model=answer["model"])
    ids = [item["id"] for item in answer["output"]]
    assert len(set(ids)) == len(ids), f"two items with one id: {ids}"
    for number, item in enumerate(answer["output"]):
        where = f"output[{number}]"
        assert item["id"].startswith(_PREFIX[item["type"]]), f"{where}: id {item['id']!r}"
        if item["type"] != "reasoning":
            cut = answer["status"] == "incomplete" and number == len(answer["output"]) - 1
            expected = "incomplete" if cut and item["type"] != "image_generation_call" else "completed"
            assert item["status"] == expected, f"{where}: status {item['status']!r}, expected {expected!r}"
        _take_item(folded, item, where)
    _take_end(folded, answer, "answer")
    return folded


def _check_response(where: str, response: Mapping[str, Any], status: str) -> None:
    missing = _REQUIRED - set(response)
    assert not missing, f"{where}: the response lacks {sorted(missing)}"
    assert "output_text" not in response, f"{where}: output_text is no field of the wire"
    assert response["object"] == "response", f"{where}: object is {response['object']!r}"
    assert response["id"].startswith("resp_"), f"{where}: id {response['id']!r}"
    assert isinstance(response["created_at"], int), f"{where}: created_at"
    assert _is_text(response["model"]), f"{where}: no model"
    assert response["status"] == status, f"{where}: status {response['status']!r}, expected {status!r}"
    assert (response["error"] is not None) == (status == "failed"), f"{where}: error is {response['error']!r}"
    if status == "failed":
        assert {"code", "message"} <= set(response["error"]), f"{where}: an error has code and message"
    details = response["incomplete_details"]
    assert (details is not None) == (status == "incomplete"), f"{where}: incomplete_details is {details!r}"


def _take_end(folded: Folded, response: Mapping[str, Any], where: str) -> None:
    """stop: `completed`, or why the response is incomplete."""
    details = response["incomplete_details"]
    assert details is None or details["reason"] in _REASONS, f"{where}: reason {details}"
    folded.stop = details["reason"] if details else "completed"
    usage = response["usage"]
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        assert isinstance(usage[name], int), f"{where}: {name} is {usage[name]!r}"
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], f"{where}: total is not the sum"
    assert isinstance(usage["input_tokens_details"]["cached_tokens"], int), f"{where}: cached_tokens"
    assert isinstance(usage["output_tokens_details"]["reasoning_tokens"], int), f"{where}: reasoning_tokens"
    folded.usage = usage
    if folded.stop == "completed":
        _arguments_are_json(Folded(calls=[call for call, kind in _calls(response) if kind == "function_call"]))


def _calls(response: Mapping[str, Any]) -> list[tuple[Call, str]]:
    return [
        (Call(item["call_id"], item["name"], item.get("arguments", "")), item["type"])
        for item in response["output"]
        if item["type"] in ("function_call", "custom_tool_call")
    ]


def _take_item(folded: Folded, item: JsonObject, where: str) -> None:
    match item["type"]:
        case "message":
            assert item["content"], f"{where}: a message without content"
            for part in item["content"]:
                if part["type"] == "output_text":
                    folded.text += part["text"]
                    folded.parts.append(("text", part["text"]))
                else:
                    folded.refusal += part["refusal"]
                    folded.parts.append(("refusal", part["refusal"]))
        case "reasoning":
            text = "".join(part["text"] for part in item["summary"])
            assert "encrypted_content" in item, f"{where}: encrypted_content may be null, not absent"
            folded.thinking += text
            folded.parts.append(("thinking", text))
            if item["encrypted_content"] is not None:
                assert item["encrypted_content"], f"{where}: an empty encrypted_content"
                folded.signatures.append(item["encrypted_content"])
        case "function_call" | "custom_tool_call":
            assert item["call_id"] not in [call.id for call in folded.calls], f"{where}: two calls with one call_id"
            text = item["arguments"] if item["type"] == "function_call" else item["input"]
            folded.calls.append(Call(item["call_id"], item["name"], text))
            folded.parts.append(("call", item["name"]))
        case "image_generation_call":
            assert _is_text(item["result"]), f"{where}: no picture"
            folded.parts.append(("image", item["result"]))

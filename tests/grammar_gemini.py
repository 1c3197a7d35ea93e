"""Stream grammar checker of the Gemini client protocol (conversion table 14.5). Shares no code with the product.

Takes the raw body, raises AssertionError that names the chunk, and returns what a right reader assembles.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from tests.grammar import Call, Folded

type JsonObject = dict[str, Any]

_REASONS = frozenset({"STOP", "MAX_TOKENS", "SAFETY", "OTHER"})
_CONTENT = ("text", "functionCall", "inlineData")
_COUNTS = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")


def check_gemini_stream(raw: bytes, *, broken: bool = False) -> Folded:
    """A stream with `alt=sse`: `data:` frames and nothing else, no terminator; finish reason and usage in the last chunk only."""
    assert b"\r" not in raw, "line ends must be LF"
    assert not raw or raw.endswith(b"\n\n"), f"the stream ends inside a frame: {raw[-80:]!r}"
    checker = _Gemini()
    for number, frame in enumerate(raw.split(b"\n\n")[:-1]):
        assert frame.startswith(b"data: "), f"frame {number}: only `data:` lines belong here: {frame[:80]!r}"
        assert b"\n" not in frame, f"frame {number}: more than one line: {frame[:120]!r}"
        if b'"error"' in frame[:20]:
            assert frame.startswith(b'data: {"error":'), f"frame {number}: an error begins with `error`: {frame[:80]!r}"
        checker.chunk(f"frame {number}", _loaded(frame[6:], f"frame {number}"))
    return checker.end(broken)


def check_gemini_array(raw: bytes, *, broken: bool = False) -> Folded:
    """A stream without `alt=sse`: one JSON array of the same chunks."""
    chunks = json.loads(raw)
    assert isinstance(chunks, list), f"not an array: {raw[:80]!r}"
    checker = _Gemini()
    for number, chunk in enumerate(chunks):
        assert isinstance(chunk, dict), f"element {number}: not an object"
        checker.chunk(f"element {number}", chunk)
    return checker.end(broken)


def fold_gemini_answer(answer: Mapping[str, Any]) -> Folded:
    """A whole answer, checked (13) and folded."""
    checker = _Gemini()
    checker.chunk("answer", dict(answer))
    return checker.end(False)


def _loaded(data: bytes, where: str) -> JsonObject:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise AssertionError(f"{where}: not JSON: {data[:120]!r}") from error
    assert isinstance(value, dict), f"{where}: not an object"
    return value


class _Gemini:
    def __init__(self) -> None:
        self.folded = Folded()
        self._head: tuple[Any, Any] | None = None

    def chunk(self, where: str, chunk: JsonObject) -> None:
        folded = self.folded
        assert folded.error is None, f"{where}: something follows the error"
        assert folded.stop is None, f"{where}: something follows the chunk with finishReason"
        if "error" in chunk:
            error = chunk["error"]
            assert {"code", "message", "status"} <= set(error), f"{where}: an error has code, message and status"
            assert isinstance(error["code"], int), f"{where}: code is {error['code']!r}"
            folded.error = error
            return
        head = chunk.get("modelVersion"), chunk.get("responseId")
        assert all(head), f"{where}: every chunk has modelVersion and responseId"
        assert self._head in (None, head), f"{where}: modelVersion and responseId must not change: {head}"
        self._head = head
        folded.model, folded.id = head
        (candidate,) = chunk["candidates"]
        assert candidate["index"] == 0, f"{where}: index is {candidate['index']!r}"
        content = candidate["content"]
        assert content["role"] == "model", f"{where}: role is {content['role']!r}"
        assert content["parts"], f"{where}: no parts"
        for part in content["parts"]:
            self._part(where, part)
        if "finishReason" not in candidate:
            assert "usageMetadata" not in chunk, f"{where}: usage before the last chunk"
            return
        assert candidate["finishReason"] in _REASONS, f"{where}: finishReason {candidate['finishReason']!r}"
        folded.stop = candidate["finishReason"]
        folded.usage = _checked_usage(chunk["usageMetadata"], where)

    def _part(self, where: str, part: JsonObject) -> None:
        kinds = [kind for kind in _CONTENT if kind in part]
        assert len(kinds) == 1, f"{where}: a part is exactly one of {_CONTENT}: {part}"
        extra = set(part) - {*kinds, "thought", "thoughtSignature"}
        assert not extra, f"{where}: a part has {sorted(extra)}"
        signature = part.get("thoughtSignature")
        if signature is not None:
            assert isinstance(signature, str), f"{where}: thoughtSignature is {signature!r}"
            assert base64.b64decode(signature, altchars=b"+/", validate=True), f"{where}: an empty signature"
            self.folded.signatures.append(signature)
        if kinds == ["text"]:
            self._text(where, part)
        elif kinds == ["functionCall"]:
            self._call(where, part["functionCall"])
        else:
            blob = part["inlineData"]
            base64.b64decode(blob["data"], validate=True)
            self.folded.parts.append(("image", blob["mimeType"]))

    def _text(self, where: str, part: JsonObject) -> None:
        text = part["text"]
        assert isinstance(text, str), f"{where}: text is {text!r}"
        assert part.get("thought", True) is True, f"{where}: thought is {part['thought']!r}"
        kind = "thinking" if part.get("thought") else "text"
        setattr(self.folded, kind, getattr(self.folded, kind) + text)
        last = self.folded.parts[-1] if self.folded.parts else ("", "")
        if last[0] == kind:
            self.folded.parts[-1] = (kind, last[1] + text)
        elif text:
            self.folded.parts.append((kind, text))

    def _call(self, where: str, call: JsonObject) -> None:
        assert all((call.get("id"), call.get("name"))), f"{where}: a call has id and name"
        assert isinstance(call.get("args"), dict), f"{where}: args is {call.get('args')!r}"
        assert call["id"] not in [known.id for known in self.folded.calls], (
            f"{where}: two calls with the id {call['id']}"
        )
        arguments = json.dumps(call["args"], ensure_ascii=False)
        self.folded.calls.append(Call(call["id"], call["name"], arguments))
        self.folded.parts.append(("call", call["name"]))

    def end(self, broken: bool) -> Folded:
        if broken:
            assert self.folded.stop is None, "a broken stream must not send finishReason"
            assert self.folded.error, "a broken stream must end with an error"
            return self.folded
        assert self.folded.error is None, f"the stream ends with an error: {self.folded.error}"
        assert self.folded.stop, "the stream does not end with a finishReason"
        return self.folded


def _checked_usage(usage: JsonObject, where: str) -> JsonObject:
    for name in _COUNTS:
        assert isinstance(usage.get(name), int), f"{where}: {name} is {usage.get(name)!r}"
        assert usage[name] >= 0, f"{where}: {name} is {usage[name]}"
    parts = usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0)
    assert usage["totalTokenCount"] == parts, f"{where}: total is not the sum: {usage}"
    return usage

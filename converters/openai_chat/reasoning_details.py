"""`reasoning_details`: how reasoning tokens travel to and from Chat clients (conversion rules 7.4).

The shape is the one routers made common: `{"type":"reasoning.text","text","signature","format"}` and
`{"type":"reasoning.encrypted","data","format"}`; `format` names the provider that issued the token.
Other spellings are read as well: LiteLLM's `thinking_blocks`, any-llm's `extra_content.anthropic.signature`.
"""

from typing import Literal

from converters.envelope import open_envelope, seal
from converters.fields import obj, objects, string
from converters.json_codec import Json, JsonObject
from converters.turns import Thinking, Token

ANTHROPIC = "anthropic-claude-v1"
RESPONSES = "openai-responses-v1"
KIRO = "kiro-v1"  # its tokens travel in our envelope, which says what is redacted

_ENCRYPTED: dict[str, Literal["x", "r"]] = {ANTHROPIC: "x", RESPONSES: "r"}
_SIGNED = (ANTHROPIC, None)  # a signature without a format is Anthropic's: nobody else signs text


def write_detail(text: str, token: Token | None, index: int) -> JsonObject | None:
    """One entry; None for a token that Chat clients do not carry here."""
    if token is None:
        return None
    if token.origin == "a":
        detail: JsonObject = {"type": "reasoning.text", "text": text, "signature": token.value, "format": ANTHROPIC}
    elif token.origin == "k":
        detail = {"type": "reasoning.text", "text": text, "signature": seal(token), "format": KIRO}
    elif token.origin in ("x", "r"):
        encrypted = ANTHROPIC if token.origin == "x" else RESPONSES
        detail = {"type": "reasoning.encrypted", "data": token.value, "format": encrypted}
    else:
        return None
    if token.id is not None and token.origin != "k":
        detail["id"] = token.id
    detail["index"] = index
    return detail


def read_detail(detail: Json) -> tuple[str, Token | None]:
    """Text and token of one entry; ("", None) for an entry of another kind or shape."""
    if not isinstance(detail, dict):
        return "", None
    issuer = detail.get("format")
    match detail:
        case {"type": "reasoning.text"}:
            signature = detail.get("signature")
            if issuer == KIRO and isinstance(signature, str):
                return _text(detail.get("text")), open_envelope(signature)
            signed = isinstance(signature, str) and signature and issuer in _SIGNED
            return _text(detail.get("text")), Token("a", str(signature), id=_id(detail)) if signed else None
        case {"type": "reasoning.summary", "summary": str(summary)}:
            return summary, None
        case {"type": "reasoning.encrypted", "data": str(sealed)} if isinstance(issuer, str) and issuer in _ENCRYPTED:
            return "", Token(_ENCRYPTED[issuer], sealed, id=_id(detail))
    return "", None


def read_thinking(message: JsonObject, path: str) -> list[Thinking]:
    """All reasoning of an assistant message. The first spelling that carries a token wins; without any it is plain text.

    Raises ConversionError for a field of the wrong type.
    """
    text = string(message, "reasoning_content", path) or string(message, "reasoning", path) or ""
    details = [read_detail(entry) for _, entry in objects(message, "reasoning_details", path)]
    for blocks in (
        [_thinking_block(block) for _, block in objects(message, "thinking_blocks", path)],
        [Thinking(said, token) for said, token in details if said or token],
        _any_llm(message, path, text),
    ):
        if any(block.token for block in blocks):
            return _with_text(blocks, text)
    said = text or "".join(part for part, _ in details)
    return [Thinking(said)] if said else []


def read_call_token(call: JsonObject) -> Token | None:
    """Gemini's thought signature on a tool call: Google's own spelling, or Portkey's inside `function`."""
    match call:
        case {"extra_content": {"google": {"thought_signature": str(signature)}}} if signature:
            return Token("g", signature, at="call")
        case {"function": {"thought_signature": str(signature)}} if signature:
            return Token("g", signature, at="call")
    return None


def write_call_token(token: Token | None) -> JsonObject | None:
    """`extra_content` of a call; None for a token that is not Gemini's."""
    if token is None or token.origin != "g":
        return None
    return {"google": {"thought_signature": token.value}}


def _thinking_block(block: JsonObject) -> Thinking:
    match block:
        case {"type": "redacted_thinking", "data": str(sealed)}:
            return Thinking("", Token("x", sealed))
        case {"signature": str(signature)} if signature:
            return Thinking(_text(block.get("thinking")), Token("a", signature))
    return Thinking(_text(block.get("thinking")))


def _any_llm(message: JsonObject, path: str, text: str) -> list[Thinking]:
    extra = obj(message, "extra_content", path) or {}
    match extra.get("anthropic"):
        case {"signature": str(signature)} if signature and text:
            return [Thinking(text, Token("a", signature))]
    return []


def _with_text(blocks: list[Thinking], text: str) -> list[Thinking]:
    """The visible text belongs to the token that has none of its own (encrypted content); redacted thinking has no text."""
    if not text or any(block.text for block in blocks):
        return blocks
    for block in blocks:
        if block.token and block.token.origin == "r":
            block.text = text
            return blocks
    return [Thinking(text), *blocks]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _id(detail: JsonObject) -> str | None:
    id_ = detail.get("id")
    return id_ if isinstance(id_, str) else None

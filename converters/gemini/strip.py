"""Signatures of a generateContent body, edited in place (conversion rules 1.2 and 7.4). Fields in both spellings."""

from converters.gemini.models import gemini_model
from converters.gemini.tokens import PLACEHOLDER, read_signature
from converters.json_codec import Json, JsonObject

# A whole request inside a counting one, or in Code Assist's envelope.
_WRAPPED = ("generateContentRequest", "generate_content_request", "request")
_CALLS = {"functionCall": "thoughtSignature", "function_call": "thought_signature"}
_SIGNATURE = tuple(_CALLS.values())


def strip_signatures(body: JsonObject, model: str | None, *, keep_own: bool) -> bool:
    """Envelopes that hold a token of Gemini's own are unwrapped; all others go, and with them the thought they signed. Without
    keep_own Gemini's own tokens and all thought go as well. True if anything changed. Never raises.

    Then the first call of each step of the model gets the placeholder if it has no signature: Gemini 3 refuses it otherwise.
    Older models do not need it, and an unknown one (None) is not harmed by it. A body without envelopes is not repaired.
    """
    holder = next((inner for name in _WRAPPED if isinstance(inner := body.get(name), dict)), body)
    contents = holder.get("contents")
    if not isinstance(contents, list):
        return False
    changed = _edit_parts(contents, keep_own)
    if (changed or not keep_own) and (model is None or gemini_model(model).newer):
        return _sign_calls(contents) or changed
    return changed


def _edit_parts(contents: list[Json], keep_own: bool) -> bool:
    """A content left empty goes: Google refuses it."""
    changed = False
    kept: list[Json] = []
    for content in contents:
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(content, dict) and isinstance(parts, list):
            edited = [_edited(part, keep_own) if isinstance(part, dict) else part for part in parts]
            if any(new is not old for new, old in zip(edited, parts, strict=True)):
                changed = True
                content["parts"] = [part for part in edited if part is not None]
                if not content["parts"]:
                    continue
        kept.append(content)
    contents[:] = kept
    return changed


def _edited(part: JsonObject, keep_own: bool) -> JsonObject | None:
    """The part itself: keep; another: replace; None: leave out."""
    thought = part.get("thought") is True
    if thought and not keep_own:
        return None
    name, signature = next(((name, text) for name in _SIGNATURE if isinstance(text := part.get(name), str)), ("", ""))
    if signature in ("", PLACEHOLDER):
        return part
    token = read_signature(signature, "call")
    if keep_own and token.origin == "g":
        return part if token.value == signature else {**part, name: token.value}
    rest = {key: value for key, value in part.items() if key != name}
    nothing = rest.keys() <= {"text", "thought"} and not rest.get("text")  # it existed for its signature
    return None if thought or nothing else rest


def _sign_calls(contents: list[Json]) -> bool:
    """Neighbouring contents of the model are one step: libraries record each chunk of a stream as a content of its own."""
    changed = False
    called = False
    for content in contents:
        if not isinstance(content, dict) or content.get("role") != "model":
            called = False
            continue
        parts = content.get("parts")
        found = (_spelling(part) for part in parts) if isinstance(parts, list) and not called else ()
        for call, name in filter(None, found):
            called = True
            if not any(call.get(each) for each in _SIGNATURE):
                call[name] = PLACEHOLDER
                changed = True
            break
    return changed


def _spelling(part: Json) -> tuple[JsonObject, str] | None:
    """A call, and how its signature is spelled."""
    for call, signature in _CALLS.items():
        if isinstance(part, dict) and call in part:
            return part, signature
    return None

"""System texts and turns -> `systemInstruction` and `contents` (conversion tables 2.2, 6.3 and 7.4)."""

from collections.abc import Sequence

from converters.errors import ConversionError
from converters.gemini.build_parts import build_call, build_part, build_result, note_cache
from converters.gemini.models import Model, gemini_model
from converters.gemini.tokens import PLACEHOLDER
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Chat, Part, Text, Thinking, Token, ToolCall, ToolResult, Turn

_CONTINUE = "Continue."
_ATTRIBUTION = "x-anthropic-billing-header:"

type _Content = tuple[str, list[JsonObject]]  # role, parts


def build_turns(chat: Chat, loss: Loss, extra_system: Sequence[str] = ()) -> JsonObject:
    """The fields `systemInstruction` (if there is any) and `contents`. extra_system: words of our own, behind the client's.

    Raises ConversionError when nothing at all is left to send.
    """
    system: list[JsonObject] = []
    for text in chat.system:
        note_cache(text.cache, loss)
        if words := _without_attribution(text.text, loss):
            system.append({"text": words})
    system += [{"text": words} for words in extra_system]
    model = gemini_model(chat.model)
    contents: list[_Content] = []
    for turn in chat.turns:
        role, parts = _built(turn, model, loss)
        if parts and contents and contents[-1][0] == role:
            contents[-1][1].extend(parts)
        elif parts:
            contents.append((role, parts))
    if not contents:
        if not system:
            raise ConversionError("`messages` holds no content", param="messages")
        contents, system = [("user", system)], []
    if contents[0][0] != "user":
        contents.insert(0, ("user", [{"text": _CONTINUE}]))
    if contents[-1][0] != "user":
        contents.append(("user", [{"text": _CONTINUE}]))
    for role, parts in contents:
        if role == "user":
            parts.sort(key=lambda part: "functionResponse" not in part)  # stable: all else stays in place
        elif model.newer:
            _put_placeholder(parts)
    built: JsonObject = {"systemInstruction": {"parts": [*system]}} if system else {}
    built["contents"] = [{"role": role, "parts": [*parts]} for role, parts in contents]
    return built


def _without_attribution(text: str, loss: Loss) -> str:
    """Claude Code's own attribution line; its changing value would defeat prefix caching."""
    if not text.startswith(_ATTRIBUTION):
        return text
    loss.note("system.attribution", "this line is for Anthropic alone")
    return text.partition("\n")[2].lstrip("\n")


def _built(turn: Turn, model: Model, loss: Loss) -> _Content:
    if turn.name is not None:
        loss.drop("messages.name", "the Gemini API has no names of participants")
    if turn.role == "assistant":
        return "model", _of_model(turn.parts, model, loss)
    if turn.role == "user":
        return "user", _of_user(turn.parts, model, loss)
    texts = [part for part in turn.parts if isinstance(part, Text) and part.text]
    for text in texts:
        note_cache(text.cache, loss)
    return "user", [{"text": f"<system-reminder>\n{text.text}\n</system-reminder>"} for text in texts]


def _of_user(parts: list[Part], model: Model, loss: Loss) -> list[JsonObject]:
    """Results first, then what could not stand inside them, then the rest."""
    results: list[JsonObject] = []
    behind: list[JsonObject] = []
    rest: list[JsonObject] = []
    for part in parts:
        if isinstance(part, ToolResult):
            result, media = build_result(part, model.newer, loss)
            results.append(result)
            behind += media
        else:
            rest += build_part(part, loss)
    return [*results, *behind, *rest]


def _of_model(parts: list[Part], model: Model, loss: Loss) -> list[JsonObject]:
    """Tokens go back on the kind of part they came on; thought itself is not sent again."""
    calls = _with_tokens(parts)
    built: list[JsonObject] = []
    token: Token | None = None  # of the text that comes next
    for place, part in enumerate(parts):
        made = [build_call(calls[place], model.newer, loss)] if place in calls else build_part(part, loss)
        if token is not None and made:
            if isinstance(part, Text):
                made[0]["thoughtSignature"] = token.value
            else:
                built.append(_signed_nothing(token))
            token = None
        built += made
        if isinstance(part, Thinking) and part.token is not None:
            if token is not None:
                built.append(_signed_nothing(token))
            token = part.token if part.token.at == "text" else None
            if part.token.at == "thought":
                built.append({**_signed_nothing(part.token), "thought": True})
    return built if token is None else [*built, _signed_nothing(token)]


def _signed_nothing(token: Token) -> JsonObject:
    """A part that exists for its signature, as providers send them at the end of a stream."""
    return {"text": "", "thoughtSignature": token.value}


def _with_tokens(parts: list[Part]) -> dict[int, ToolCall]:
    """Calls by place. One that lost its token gets it from the thinking before it, where an Anthropic or Responses client
    carries it."""
    calls: dict[int, ToolCall] = {}
    token: Token | None = None
    for place, part in enumerate(parts):
        if isinstance(part, Thinking) and part.token is not None and part.token.at == "call":
            token = part.token
        elif isinstance(part, ToolCall):
            if part.token is None and token is not None:
                part = _signed(part, token)
            token = None
            calls[place] = part
    return calls


def _signed(call: ToolCall, token: Token) -> ToolCall:
    return ToolCall(call.id, call.name, call.args, call.args_text, call.kind, token, call.cache)


def _put_placeholder(parts: list[JsonObject]) -> None:
    """7.4: Gemini 3 refuses a running step whose first call has no signature. Older steps are treated alike: a history must
    look the same in the next request, or the provider's cache is lost."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None:
        first.setdefault("thoughtSignature", PLACEHOLDER)

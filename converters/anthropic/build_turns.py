"""Turns and system texts -> `messages` and `system` (conversion rules 2.2)."""

from converters.anthropic.build_blocks import build_block, text_block
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Role, Text, Turn

_CONTINUE = "Continue."

type _Message = tuple[Role, list[JsonObject]]


def build_turns(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """The fields `system` (if there is any) and `messages`. Raises ConversionError when nothing at all is left to send."""
    system = _texts([Text(text.text, text.cache) for text in chat.system])
    messages: list[_Message] = []
    for turn in chat.turns:
        if turn.role == "system" and profile.mid_system == "hoist":
            loss.change("messages.system", "a system message within the conversation is moved to its head")
            system += _texts(_words(turn))
            continue
        role, blocks = _built(turn, profile, loss)
        if blocks and messages and messages[-1][0] == role:
            messages[-1][1].extend(blocks)
        elif blocks:
            messages.append((role, blocks))
    if not messages:
        if not system:
            raise ConversionError("`messages` holds no content", param="messages")
        messages, system = [("user", system)], []
    elif messages[0][0] != "user":
        messages.insert(0, ("user", _texts([Text(_CONTINUE)])))
    _strip_prefill(messages[-1])
    built: JsonObject = {"system": [*system]} if system else {}
    built["messages"] = [{"role": role, "content": _results_first(blocks)} for role, blocks in messages]
    return built


def _built(turn: Turn, profile: Profile, loss: Loss) -> _Message:
    if turn.name is not None:
        loss.drop("messages.name", "the Messages API has no names of participants")
    if turn.role != "system":
        made = (build_block(part, turn.role, loss) for part in turn.parts)
        return turn.role, [block for block in made if block is not None]
    if profile.mid_system == "native":
        return "system", _texts(_words(turn))
    return "user", _texts(
        [
            Text(f"<system-reminder>\n{text.text}\n</system-reminder>", text.cache)
            for text in _words(turn)
            if text.text.strip()
        ]
    )


def _words(turn: Turn) -> list[Text]:
    return [part for part in turn.parts if isinstance(part, Text)]


def _texts(texts: list[Text]) -> list[JsonObject]:
    return [block for text in texts if (block := text_block(text)) is not None]


def _results_first(blocks: list[JsonObject]) -> list[Json]:
    ordered = sorted(blocks, key=lambda block: block["type"] != "tool_result")  # stable: all else stays in place
    return [*ordered]


def _strip_prefill(message: _Message) -> None:
    """The API refuses a final assistant text that ends in white space. Nowhere else is text touched."""
    role, blocks = message
    if role == "assistant" and isinstance(text := blocks[-1].get("text"), str):
        blocks[-1]["text"] = text.rstrip()

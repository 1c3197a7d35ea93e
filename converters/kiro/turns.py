"""Turns -> messages that alternate, user first and user last (conversion rules 2.2 and 18.1)."""

from dataclasses import dataclass, field

from converters.json_codec import Json, JsonObject
from converters.kiro.content import (
    MAX_IMAGES,
    build_call,
    build_image,
    build_reasoning,
    build_result,
    image_in_words,
    too_long,
    unsupported,
    words_of,
)
from converters.loss import Loss
from converters.turns import Chat, Image, Part, Text, ToolCall, ToolResult, Turn

CONTINUE = "Continue."
RESULTS_ONLY = "Tool results provided."
CALLS_ONLY = " "  # words would be put into the model's mouth, and it would soon say them by itself
MAX_CONTENT = 600_000  # characters of a user message
MAX_HISTORY = 10_000  # messages
ORIGIN = "AI_EDITOR"
_ATTRIBUTION = "x-anthropic-billing-header:"


@dataclass(slots=True)
class Message:
    """One message of either side, while neighbours are still merged into it."""

    is_user: bool
    texts: list[str] = field(default_factory=list)
    images: list[JsonObject] = field(default_factory=list)
    calls: list[JsonObject] = field(default_factory=list)
    results: list[JsonObject] = field(default_factory=list)
    reasoning: JsonObject | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.images or self.calls or self.results or self.reasoning)


def alternating(messages: list[Message]) -> list[Message]:
    """3.1.1, 3.1.10: neighbours of one side merged, empty messages left out; begins and ends with the user."""
    merged: list[Message] = []
    for message in messages:
        if message.is_empty:
            continue
        if merged and merged[-1].is_user == message.is_user:
            _merge(merged[-1], message)
        else:
            merged.append(message)
    if merged and not merged[0].is_user:
        merged.insert(0, Message(True, [CONTINUE]))
    if merged and not merged[-1].is_user:
        merged.append(Message(True, [CONTINUE]))
    return merged


def messages_of(chat: Chat, loss: Loss) -> list[Message]:
    """A message a turn, the way each comes."""
    return [_message(turn, loss) for turn in chat.turns]


def system_texts(chat: Chat, loss: Loss) -> list[str]:
    """The client's system texts, without Claude Code's attribution line: its changing value would defeat caches."""
    texts: list[str] = []
    for system in chat.system:
        text = system.text
        if system.cache is not None:
            loss.note("cache_control", "cache marks are for Anthropic alone")
        if text.startswith(_ATTRIBUTION):
            loss.note("system.attribution", "this line is for Anthropic alone")
            text = text.partition("\n")[2].lstrip("\n")
        if text.strip():
            texts.append(text)
    return texts


def keep_last_images(messages: list[Message], turns: int | None, loss: Loss) -> None:
    """By the account's wish alone: images stay in the last `turns` user messages that have some, older ones become words."""
    if turns is None:
        return
    holders = [message for message in messages if message.images]
    for message in holders[: len(holders) - turns]:
        loss.change("messages.image", f"only the images of the last {turns} messages are sent, as the account says")
        message.texts.append("\n".join("[image left out]" for _ in message.images))
        message.images = []


def write_user(message: Message, model: str, empty: bool) -> JsonObject:
    """`userInputMessage`. 3.1.2: with words, unless `empty` says that results may do without. 3.1.11: sizes."""
    content = "\n\n".join(message.texts)
    if not content and not (empty and message.results):
        content = RESULTS_ONLY if message.results else CONTINUE
    if len(content) > MAX_CONTENT:
        raise too_long(f"a user message has {len(content)} characters, Kiro takes {MAX_CONTENT}")
    if len(message.images) > MAX_IMAGES:
        raise unsupported(f"a user message has {len(message.images)} images, Kiro takes {MAX_IMAGES}")
    written: JsonObject = {"content": content, "modelId": model, "origin": ORIGIN}
    if message.images:
        written["images"] = [*message.images]
    if message.results:
        written["userInputMessageContext"] = {"toolResults": [*message.results]}
    return {"userInputMessage": written}


def write_assistant(message: Message, empty: bool) -> JsonObject:
    """`assistantResponseMessage`."""
    content = "\n\n".join(message.texts)
    if not content and not (empty and message.calls):
        content = CALLS_ONLY
    written: JsonObject = {"content": content}
    if message.calls:
        written["toolUses"] = [*message.calls]
    if message.reasoning is not None:
        written["reasoningContent"] = message.reasoning
    return {"assistantResponseMessage": written}


def write_history(messages: list[Message], model: str, empty: bool) -> list[Json]:
    if len(messages) > MAX_HISTORY:
        raise too_long(f"the history has {len(messages)} messages, Kiro takes {MAX_HISTORY}")
    return [
        write_user(message, model, empty) if message.is_user else write_assistant(message, empty)
        for message in messages
    ]


def _merge(message: Message, later: Message) -> None:
    message.texts += later.texts
    message.images += later.images
    message.calls += later.calls
    message.results += later.results
    message.reasoning = message.reasoning or later.reasoning


def _message(turn: Turn, loss: Loss) -> Message:
    if turn.name is not None:
        loss.drop("messages.name", "Kiro has no names of participants")
    if turn.role == "system":
        texts = [part.text for part in turn.parts if isinstance(part, Text) and part.text.strip()]
        return Message(True, [f"<system-reminder>\n{text}\n</system-reminder>" for text in texts])
    message = Message(turn.role == "user")
    for part in turn.parts:
        _put(part, message, loss)
    if not message.is_user:
        message.reasoning = build_reasoning(turn.parts, loss)
    return message


def _put(part: Part, message: Message, loss: Loss) -> None:
    match part:
        case Image() if message.is_user:
            message.images.append(build_image(part, loss))
        case Image():
            message.texts.append(image_in_words(part, loss))
        case ToolCall():
            message.calls.append(build_call(part, loss))
        case ToolResult():
            result, images = build_result(part, loss)
            message.results.append(result)
            message.images += images
        case _:
            if words := words_of(part, loss):
                message.texts.append(words)

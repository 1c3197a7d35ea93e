"""System texts and turns -> `messages` (conversion tables 2.2, 3, 6 and 7.4)."""

from converters.history import arguments_text
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.build_parts import content_parts, document_text, fold_content, note_cache, user_content
from converters.openai_chat.reasoning_details import write_call_token, write_detail
from converters.profile import Profile
from converters.turns import (
    Audio,
    Chat,
    Document,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)

_ATTRIBUTION = "x-anthropic-billing-header:"


def build_turns(chat: Chat, profile: Profile, loss: Loss, extra_system: str | None = None) -> list[Json]:
    """extra_system: words of our own (a format the vendor cannot enforce), behind the client's system texts."""
    messages = _Messages(profile, loss)
    for text in chat.system:
        note_cache(text.cache, loss)
        messages.system(text.text)
    if extra_system:
        messages.system(extra_system)
    for turn in chat.turns:
        messages.add(turn)
    messages.close()
    return messages.sent


class _Messages:
    """`_shown`: pictures and files of a run of tool results, which a tool message cannot hold; they follow the run in one
    user message. `_joined`: the one system message that the profile asks for."""

    def __init__(self, profile: Profile, loss: Loss) -> None:
        self.sent: list[Json] = []
        self._profile = profile
        self._loss = loss
        self._shown: list[Json] = []
        self._joined: JsonObject | None = None

    def add(self, turn: Turn) -> None:
        if turn.role == "user":
            self._user(turn)
            return
        self.close()
        if turn.role == "system":
            for part in turn.parts:
                if isinstance(part, Text):
                    note_cache(part.cache, self._loss)
                    self.system(part.text, turn.name)
        else:
            self._assistant(turn)

    def system(self, text: str, name: str | None = None) -> None:
        text = self._without_attribution(text)
        if not text:
            return
        if self._joined is not None:
            if len(self.sent) > 1:
                self._loss.change(
                    "messages.system", "later system texts are joined to the first: the provider takes one"
                )
            self._joined["content"] = f"{self._joined['content']}\n\n{text}"
            return
        message: JsonObject = {"role": self._profile.system_role, "content": text}
        if not self._profile.one_system:
            self.sent.append(_named(message, name))
            return
        if self.sent:
            self._loss.change(
                "messages.system", "a later system text is sent first: the provider takes it nowhere else"
            )
        self._joined = message
        self.sent.insert(0, message)

    def close(self) -> None:
        """A run of tool results is over: what its messages could not hold follows."""
        if self._shown:
            self.sent.append({"role": "user", "content": fold_content(self._shown, self._profile)})
            self._shown = []

    def _without_attribution(self, text: str) -> str:
        """Claude Code's own attribution line; its changing value would defeat prefix caching."""
        if not text.startswith(_ATTRIBUTION):
            return text
        self._loss.note("system.attribution", "this line is for Anthropic alone")
        return text.partition("\n")[2].lstrip("\n")

    def _user(self, turn: Turn) -> None:
        others: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                self.sent.append(self._tool(part))
            else:
                others.append(part)
        if not others:
            return
        self.close()
        content = user_content(others, self._profile, self._loss)
        if content is not None:
            self.sent.append(_named({"role": "user", "content": content}, turn.name))

    def _tool(self, result: ToolResult) -> JsonObject:
        note_cache(result.cache, self._loss)
        lines: list[str] = []
        shown = {Image: 0, Document: 0}
        for part in result.parts:
            if isinstance(part, Text):
                lines.append(part.text)
                note_cache(part.cache, self._loss)
            elif isinstance(part, Document) and isinstance(part.src, PlainText):
                lines.append(document_text(part, part.src.text))
            else:
                shown[type(part)] += 1
                word = "image" if isinstance(part, Image) else "document"
                lines.append(f"[{word} {shown[type(part)]} of call {result.call_id}]")
                self._shown += content_parts(part, self._profile, self._loss)
        text = "\n".join(lines)
        if result.is_error and not text.lower().startswith("error"):
            text = f"Error: {text}"
        return {"role": "tool", "tool_call_id": result.call_id, "content": text}

    def _assistant(self, turn: Turn) -> None:
        texts: list[str] = []
        refusal = ""
        thinking: list[Thinking] = []
        calls: list[Json] = []
        for part in turn.parts:
            match part:
                case Text(text, cache):
                    note_cache(cache, self._loss)
                    texts.append(text)
                case Refusal(text):
                    refusal += text
                case Thinking():
                    thinking.append(part)
                case ToolCall(cache=cache):
                    note_cache(cache, self._loss)
                    calls.append(_call(part))
                case Hosted(text=text):
                    texts.append(text)
                case Image() | Document() | Audio() | Video():
                    kind = type(part).__name__.lower()
                    self._loss.change(f"messages.{kind}", "an assistant message holds text only: its files are named")
                    texts.append(_placeholder(part))
        message: JsonObject = {
            "role": "assistant",
            "content": _assistant_content("".join(texts), bool(calls or refusal)),
        }
        self._echo(thinking, message, bool(calls))
        if refusal:
            message["refusal"] = refusal
        if calls:
            message["tool_calls"] = calls
        self.sent.append(_named(message, turn.name))

    def _echo(self, thinking: list[Thinking], message: JsonObject, has_calls: bool) -> None:
        """Reasoning goes back only to vendors that need it, at the same messages in every request (prompt caches)."""
        echo = self._profile.echo_reasoning
        text = "".join(block.text for block in thinking)
        if text and (echo == "always" or (echo == "tools" and has_calls)):
            message["reasoning_content"] = text
        details: list[Json] = []
        for block in thinking:
            if (detail := write_detail(block.text, block.token, len(details))) is not None:
                details.append(detail)
        if details:
            message["reasoning_details"] = details


def _call(call: ToolCall) -> JsonObject:
    if call.kind == "custom":
        custom: JsonObject = {"name": call.name, "input": call.args_text or ""}
        sent: JsonObject = {"id": call.id, "type": "custom", "custom": custom}
    else:
        function: JsonObject = {"name": call.name, "arguments": arguments_text(call)}
        sent = {"id": call.id, "type": "function", "function": function}
    if extra := write_call_token(call.token):
        sent["extra_content"] = extra
    return sent


def _assistant_content(text: str, has_more: bool) -> str | None:
    """Without text, null beside calls or a refusal; an empty answer is an empty string."""
    return text or (None if has_more else "")


def _placeholder(part: Image | Document | Audio | Video) -> str:
    kind = type(part).__name__.lower()
    return f"[{kind} {part.src.mime}]" if isinstance(part, Image | Audio) and hasattr(part.src, "mime") else f"[{kind}]"


def _named(message: JsonObject, name: str | None) -> JsonObject:
    if name is not None:
        message["name"] = name
    return message

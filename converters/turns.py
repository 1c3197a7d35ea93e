"""The hub, request side: what a client asked for, in words that belong to no protocol.

A superset of the four client protocols. Order of turns and parts is the client's order. Objects are owned by one exchange
and may be changed by it. `native` on a part is `(wire name, raw JSON)`: only a builder of that wire may use it.
"""

from dataclasses import dataclass, field
from typing import Literal

from converters.json_codec import Json, JsonObject

type Native = tuple[str, Json]
type Role = Literal["user", "assistant", "system"]
type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(slots=True)
class Base64:
    """Bytes sent inline. data: standard base64 text, without the `data:` prefix."""

    mime: str
    data: str


@dataclass(slots=True)
class Url:
    url: str


@dataclass(slots=True)
class FileId:
    """A file that the provider keeps. owner: name of the wire that issued the id."""

    id: str
    owner: str


@dataclass(slots=True)
class PlainText:
    """A text document sent inline."""

    text: str


type Source = Base64 | Url | FileId


@dataclass(slots=True)
class Cache:
    """A prompt cache mark (Anthropic `cache_control`, type ephemeral). ttl: "5m", "1h" or None."""

    ttl: str | None = None


@dataclass(slots=True)
class Token:
    """A provider's opaque reasoning token, which it wants back unchanged.

    origin: a Anthropic signature, x Anthropic redacted thinking, r Responses encrypted content, g Gemini thought
    signature, k Kiro, n a mark without payload (reasoning of a provider that issues no token). at: the kind of part
    that carried it.
    """

    origin: Literal["a", "x", "r", "g", "k", "n"]
    value: str = field(repr=False)
    at: Literal["call", "text", "thought"] = "thought"
    id: str | None = None


@dataclass(slots=True)
class Text:
    text: str
    cache: Cache | None = None
    native: Native | None = None


@dataclass(slots=True)
class Image:
    """place, here and below: where in the client's request it stands, for the error that refuses it."""

    src: Source
    detail: str | None = None
    cache: Cache | None = None
    place: str | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Document:
    """A PDF or another file. name: file name; title and context: Anthropic's fields."""

    src: Source | PlainText
    name: str | None = None
    title: str | None = None
    context: str | None = None
    cache: Cache | None = None
    native: Native | None = None
    place: str | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Audio:
    """format: wav or mp3."""

    src: Base64
    format: str
    place: str | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Video:
    src: Source
    place: str | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Thinking:
    """Reasoning of an earlier turn. Without a token no provider takes it back as reasoning."""

    text: str
    token: Token | None = None


@dataclass(slots=True)
class ToolCall:
    """A call the model made. Exactly one of args (an object) and args_text (as it came, a JSON text) is set;
    for `custom` tools args_text is the free text input."""

    id: str
    name: str
    args: JsonObject | None = None
    args_text: str | None = None
    kind: Literal["function", "custom"] = "function"
    token: Token | None = None
    cache: Cache | None = None


@dataclass(slots=True)
class ToolResult:
    """What the client's tool answered. name: from the matching call where the protocol has none."""

    call_id: str
    parts: list[Text | Image | Document]
    name: str | None = None
    is_error: bool = False
    cache: Cache | None = None


@dataclass(slots=True)
class Refusal:
    text: str


@dataclass(slots=True)
class Hosted:
    """A provider-run step in the history (web search call and the like). text: its readable result, if any."""

    kind: str
    text: str = ""
    native: Native | None = None


type Part = Text | Image | Document | Audio | Video | Thinking | ToolCall | ToolResult | Refusal | Hosted


@dataclass(slots=True)
class Turn:
    role: Role
    parts: list[Part]
    name: str | None = None


@dataclass(slots=True)
class SystemText:
    text: str
    cache: Cache | None = None


@dataclass(slots=True)
class Tool:
    """A tool definition. schema None: the client gave none. `hosted`: run by the provider; `builtin`: a schema-less
    client tool of one vendor (bash_20250124 ...); for both, kind_name is the vendor's type and native the raw definition.
    grammar: of a custom tool, `{"syntax": .., "definition": ..}`."""

    name: str
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "hosted", "builtin"] = "function"
    grammar: JsonObject | None = None
    kind_name: str | None = None
    cache: Cache | None = None
    native: Native | None = None


@dataclass(slots=True)
class ToolChoice:
    """mode auto, none, required; names: () any tool, one name = that tool, several = a subset.

    `hosted` is set to the vendor's type when the choice names a provider-run tool.
    """

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()
    hosted: str | None = None


@dataclass(slots=True)
class Reasoning:
    """effort: a level, None if none was named; budget: tokens, None if none was named; visible: the client wants to see it."""

    effort: Effort | None = None
    budget: int | None = None
    mode: Literal["off", "manual", "adaptive"] = "manual"
    visible: bool = True


@dataclass(slots=True)
class Format:
    """Structured output. schema only for json_schema. strict None: the client did not say. unwrap: the schema is an
    object around the client's own, and the client wants what is inside (Gemini: an answer that is a list or a bare word)."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str = "response"
    schema: JsonObject | None = None
    strict: bool | None = None
    description: str | None = None
    unwrap: bool = False


@dataclass(slots=True)
class Chat:
    """One request. None and [] mean: the client did not say. client: the name of its wire.

    native: top-level fields that only the client's own protocol has, as they came.
    """

    model: str
    client: str
    system: list[SystemText] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel: bool | None = None
    max_tokens: int | None = None
    max_tokens_name: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    presence: float | None = None
    frequency: float | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: Reasoning | None = None
    format: Format | None = None
    verbosity: str | None = None
    user: str | None = None
    cache_key: str | None = None
    stream: bool = False
    want_usage: bool = False
    native: JsonObject = field(default_factory=dict)


def remote_documents(
    chat: Chat, *, documents: bool = True, images: bool = False, own: tuple[str, ...] = ()
) -> list[tuple[Document | Image, str]]:
    """Documents and images given by URL, tool results' own included, with their URLs. own: how URLs begin that the provider
    takes as they are."""
    kinds = tuple(kind for kind, wanted in ((Document, documents), (Image, images)) if wanted)
    found: list[tuple[Document | Image, str]] = []
    for turn in chat.turns:
        for part in turn.parts:
            for piece in part.parts if isinstance(part, ToolResult) else (part,):
                if not isinstance(piece, Document | Image) or not isinstance(piece, kinds):
                    continue
                if isinstance(piece.src, Url) and not piece.src.url.startswith(own):
                    found.append((piece, piece.src.url))
    return found

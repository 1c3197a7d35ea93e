"""An answer's stream as people read it: what came in pieces stands together."""

from collections.abc import Iterable, Iterator

from converters.code_assist import Opener, open_answer
from converters.errors import UpstreamError
from converters.events import (
    Citation,
    Finish,
    ImageOut,
    RefusalDelta,
    Start,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.gemini.array import ArrayDecoder
from converters.profile import DEFAULT
from converters.sse import lines_frame
from converters.wire import ProviderWire

type Line = tuple[str, str]  # (title, text)


def plain_stream(wire: str, data: bytes, *, is_stream: bool, enclosed: bool = False) -> tuple[bytes, bool]:
    """What a client got, as its protocol's reader takes it, and whether that is a stream. A Gemini array becomes the events
    that it could have been. wire: by name. enclosed: it is in Code Assist's envelope."""
    if wire == "gemini" and data.lstrip().startswith(b"["):
        return b"".join(map(lines_frame, ArrayDecoder().feed(data))), True
    if not enclosed:
        return data, is_stream
    if not is_stream:
        return open_answer(data), False
    opener = Opener()
    return opener.feed(data) + opener.close(), True


def events_of(wire: ProviderWire, data: bytes) -> Iterator[StreamEvent | str]:
    """The events of a stream; what ended it too soon comes last, in words."""
    reader = wire.stream_reader(DEFAULT, None)
    try:
        yield from reader.feed(data)
        yield from reader.close()
    except UpstreamError as error:
        yield f"broken off: {error}"


def folded(events: Iterable[StreamEvent | str]) -> str:
    """Lines `title  text`: pieces of one text are one text, counted."""
    lines: list[str] = []
    title, pieces = "", list[str]()
    for event in events:
        line = _line(event)
        if line is None:
            continue
        if line[0] != title or not isinstance(event, TextDelta | ThinkingDelta | ToolArgs | RefusalDelta):
            lines += _joined(title, pieces)
            title, pieces = line[0], []
        pieces.append(line[1])
    return "\n".join([*lines, *_joined(title, pieces)])


def _joined(title: str, pieces: list[str]) -> list[str]:
    if not pieces:
        return []
    count = f" ({len(pieces)} pieces)" if len(pieces) > 1 else ""
    return [f"[{title}]{count} {''.join(pieces)}".rstrip()]


def _line(event: StreamEvent | str) -> Line | None:
    match event:
        case str():
            return "error", event
        case Start():
            return "start", " ".join(str(said) for said in (event.model, event.id) if said)
        case TextDelta():
            return f"text {event.block}", event.text
        case ThinkingDelta():
            return f"thinking {event.block}", event.text
        case ToolStart():
            return f"tool {event.block}", f"{event.name} ({event.id})"
        case ToolArgs():
            return f"arguments {event.block}", event.fragment
        case RefusalDelta():
            return "refusal", event.text
        case ImageOut():
            return "image", event.image.mime
        case Citation():
            return "citation", f"{event.url} {event.title or ''}".rstrip()
        case ThinkingEnd(token=token) | ToolEnd(token=token) if token is not None:
            return f"signature {event.block}", "signed by the provider"
        case UsageUpdate():
            return "usage", _usage(event.usage)
        case Finish():
            return "finish", f"{event.reason} ({event.native})" if event.native else str(event.reason)
    return None


def _usage(usage: Usage) -> str:
    named = (
        (usage.input_total, "in"),
        (usage.cache_read, "from cache"),
        (usage.cache_write, "to cache"),
        (usage.output_total, "out"),
        (usage.reasoning, "for reasoning"),
    )
    return ", ".join(f"{count} {word}" for count, word in named if count is not None) + " tokens"

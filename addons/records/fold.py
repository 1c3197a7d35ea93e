"""What was asked and answered, read from the bytes of an exchange that is over."""

from collections.abc import Iterable, Iterator, Sequence

from addons.attempts import Attempt
from addons.records.facts import Facts
from converters.collect import Collector, replay
from converters.counting import count_body
from converters.errors import ConversionError, UpstreamError
from converters.events import Answer, AnswerImage, StreamEvent
from converters.inflate import Inflate
from converters.json_codec import JsonObject, loads
from converters.loss import Loss
from converters.profile import DEFAULT, Profile
from converters.restore import Restore
from converters.turns import Audio, Base64, Chat, Document, Image, Part, Text, ToolResult, Turn, Video
from converters.wire import ProviderWire

_LIMIT = 32 * 1024 * 1024  # bytes that a compressed answer may grow to; of a longer one nothing is decoded


def read_chat(facts: Facts) -> Chat:
    """The client's request. Raises ValueError with the reason why it has no conversation."""
    if facts.chat is not None:
        return facts.chat
    try:
        body = parsed(facts)
        if facts.action == "count":
            body = count_body(facts.wire.name, body)
        return facts.wire.parse_request(body, Loss())
    except ConversionError as error:
        raise ValueError(f"the request could not be read: {error}") from error


def parsed(facts: Facts) -> JsonObject:
    """The request's body, not to be changed. Raises ValueError."""
    if facts.parsed:
        return facts.parsed
    body = loads(facts.body)
    if not isinstance(body, dict):
        raise ValueError("the request body is no JSON object")
    return body | facts.said


def read_answer(facts: Facts) -> Answer | None:
    """The answer as its provider gave it, with the client's own names of tools; else the one that was made here. What came of an
    answer that broke off counts. None where there is none."""
    if not facts.generates:
        return None
    made = facts.attempts[-1] if facts.attempts else None
    wire = facts.provider.wire if facts.provider else None
    if made is not None and wire is not None and made.status == 200:
        if facts.heard is None:
            return _folded(_of_provider(facts, made, wire), facts.restore)
        heard = facts.heard.done()
        return _some(heard) if not facts.restore or not facts.restore.needed else _folded(replay(heard), facts.restore)
    if made is None and facts.status == 200:
        is_stream = "event-stream" in content_type(facts.answer_headers)
        body = b"".join(data for _, data in facts.chunks) or facts.answer
        return _folded(_events(facts.wire, DEFAULT, body, is_stream), None)
    return None


def _of_provider(facts: Facts, made: Attempt, wire: ProviderWire) -> Iterator[StreamEvent]:
    assert facts.provider is not None
    kind, plain = content_type(made.answer_headers), b"".join(plain_chunks(made))
    is_stream = bool(made.chunks) or wire.stream_type in kind
    if not is_stream:
        plain = facts.provider.open_answer(plain)
    elif (opener := facts.provider.opener()) is not None:
        plain = opener.feed(plain) + opener.close()
    return _events(wire, facts.profile, plain, is_stream)


def _events(wire: ProviderWire, profile: Profile, body: bytes, is_stream: bool) -> Iterator[StreamEvent]:
    if is_stream:
        reader = wire.stream_reader(profile, None)
        yield from reader.feed(body)
        yield from reader.close()
        return
    found = loads(body)
    if isinstance(found, dict):
        yield from wire.read_answer(found, profile)


def _folded(events: Iterable[StreamEvent], restore: Restore | None) -> Answer | None:
    collector = Collector()
    # A new one: that of the exchange remembers where its own stream ended.
    undo = Restore(restore.names, restore.custom, restore.answer_tool) if restore and restore.needed else None
    try:
        for event in events:
            for seen in undo(event) if undo else (event,):
                collector.add(seen)
    except (UpstreamError, ValueError, KeyError):
        pass  # broke off; what came is what there is
    return _some(collector.done())


def _some(answer: Answer) -> Answer | None:
    return answer if answer.parts or answer.finish else None


def plain_chunks(made: Attempt) -> list[bytes]:
    """The answer's chunks (a whole one is one) without content coding. What cannot be decoded is left out."""
    chunks = [data for _, data in made.chunks] if made.chunks else [made.answer]
    coding = header(made.answer_headers, b"content-encoding")
    if coding.strip().lower() in ("", "identity"):
        return chunks
    try:
        decoder = Inflate(coding, _LIMIT)
        return [decoder.feed(data) for data in chunks]
    except UpstreamError:
        return [b"" for _ in chunks]


def header(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """name: in lower case. "" where there is none."""
    size = len(name)
    for key, value in fields:
        if len(key) == size and key.lower() == name:
            return value.decode("latin-1")
    return ""


def content_type(fields: Iterable[tuple[bytes, bytes]]) -> str:
    return header(fields, b"content-type").lower()


def turn_media(turn: Turn) -> Sequence[Base64]:
    """Its pictures and files that stand in the body itself."""
    found: list[Base64] = []
    for part in turn.parts:
        if type(part) is not Text:
            found += _media(part)
    return found or ()


def answer_media(answer: Answer | None) -> list[Base64]:
    return [part.image for part in (answer.parts if answer else ()) if isinstance(part, AnswerImage)]


def _media(part: Part) -> Iterator[Base64]:
    match part:
        case ToolResult():
            for piece in part.parts:
                yield from _media(piece)
        case Image(src=Base64() as src) | Document(src=Base64() as src) | Video(src=Base64() as src) | Audio(src=src):
            yield src

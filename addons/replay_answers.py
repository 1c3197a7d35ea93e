"""Recorded answers, kept in a file of their own, and written anew for clients that want them in another form."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import zstandard

from addons.records.bodies import read_chunks, write_chunks
from addons.records.reader import member
from addons.replay.captured import Captured
from converters.code_assist.of_client import Encloser, enclose_answer
from converters.code_assist.to_provider import Opener, open_answer
from converters.collect import collect, replay
from converters.errors import ConversionError, Kind, UpstreamError, failure_of
from converters.events import StreamEvent, Usage, UsageUpdate
from converters.gemini.array import ArrayDecoder, ArrayEncoder
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.pipe import Undo
from converters.profile import DEFAULT
from converters.wire import Ask, Wire
from converters.wires import WIRES

type Form = tuple[str, ...]  # protocol, "code_assist" or "", "whole", "sse" or "array"
type Place = tuple[int, int]  # in the file: offset, length
type Pieces = list[tuple[float, bytes]]


def form_of(protocol: str, *, code_assist: bool, stream: bool, sse: bool) -> Form:
    """sse: a Gemini client's `alt`; Code Assist has no other way to stream."""
    way = "whole" if not stream else "array" if protocol == "gemini" and not (sse or code_assist) else "sse"
    return protocol, "code_assist" if code_assist else "", way


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer. pieces: (seconds since the request came, bytes). noted: what the record says of it (usage, stop_reason, served)."""

    form: Form
    status: int
    headers: list[tuple[str, str]]
    pieces: Pieces = field(repr=False)
    noted: JsonObject = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    @property
    def usage(self) -> Usage:
        """As it was noted: some streams do not say it."""
        noted = member(self.noted, "usage")
        found = (noted.get(f"{name}_tokens") for name in ("input", "cache_read", "cache_write", "output", "reasoning"))
        return Usage(*(value if isinstance(value, int) else None for value in found))


class Answers:
    """The file: nobody else can open it, and it is gone with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self._packer, self._unpacker = zstandard.ZstdCompressor(level=3), zstandard.ZstdDecompressor()
        self._end = 0

    def put(self, form: Form, captured: Captured) -> Place:
        """captured: has an answer."""
        answer, record = captured.answer, captured.record
        assert answer is not None
        pieces = list(answer.chunks)
        if not answer.streamed:
            began, ended = (record.get(name) for name in ("began", "ended"))
            took = ended - began if isinstance(began, int | float) and isinstance(ended, int | float) else 0.0
            pieces = [(max(0.0, took), answer.body)]
        headers: list[Json] = [[name, value] for name, value in answer.headers]
        noted: JsonObject = {"usage": member(record, "usage"), "stop_reason": record.get("stop_reason")}
        noted["served"] = member(record, "route").get("served")
        shown: JsonObject = {"form": [*form], "status": answer.status, "headers": headers, "noted": noted}
        packed = self._packer.compress(dumps(shown | {"chunks": write_chunks(pieces)}))
        place = self._end, len(packed)
        self._file.seek(self._end)
        self._file.write(packed)
        self._end += len(packed)
        return place

    def get(self, place: Place) -> Recorded:
        self._file.seek(place[0])
        found = loads(self._unpacker.decompress(self._file.read(place[1])))
        assert isinstance(found, dict)
        form, status, headers = found["form"], found["status"], found["headers"]
        assert isinstance(form, list) and isinstance(status, int) and isinstance(headers, list)
        return Recorded(
            tuple(map(str, form)),
            status,
            [(str(pair[0]), str(pair[1])) for pair in headers if isinstance(pair, list)],
            read_chunks({}, found["chunks"], _no_object),
            member(found, "noted"),
        )

    def close(self) -> None:
        self._file.close()


def _no_object(name: str) -> bytes:
    raise ValueError(f"{name}: pieces hold no references")


# --- in another form ---


def failure_in(recorded: Recorded) -> UpstreamError:
    """A recorded error answer, as what it meant."""
    headers = {name.lower(): value for name, value in recorded.headers}
    return _wire(recorded).read_error(recorded.status, headers, recorded.body)


def rewritten(recorded: Recorded, form: Form, ask: Ask, watch: Callable[[StreamEvent], None]) -> Pieces:
    """A stream for a client that wants another form, each piece when its original came; an answer that came at once, at once.

    Ends with the client protocol's own error event where the recorded one was cut.
    """
    wire = WIRES[form[0]]
    writer = wire.stream_writer(ask)
    pieces: Pieces = []
    last = recorded.pieces[-1][0] if recorded.pieces else 0.0
    try:
        for seconds, event in _with_usage(recorded):
            watch(event)
            pieces.append((seconds, writer.write(event)))
        pieces.append((last, writer.end()))
    except UpstreamError as error:
        pieces.append((last, writer.error(failure_of(error))))
    if form[1] or form[2] == "array":
        around: Undo = Encloser() if form[1] else ArrayEncoder()
        pieces = [(seconds, around.feed(data)) for seconds, data in pieces if data]
        pieces.append((last, around.close()))
    return [(seconds, data) for seconds, data in pieces if data]


def rewritten_whole(recorded: Recorded, form: Form, ask: Ask, watch: Callable[[StreamEvent], None]) -> bytes:
    """One body. Raises UpstreamError where the recorded one was cut."""
    answer = collect(event for _, event in _with_usage(recorded))
    for event in replay(answer):
        watch(event)
    body = dumps(WIRES[form[0]].write_answer(answer, ask))
    return enclose_answer(body) if form[1] else body


def _wire(recorded: Recorded) -> Wire:
    found = WIRES.get(recorded.form[0])
    if found is None:
        raise ConversionError(
            f"the recorded answer is in protocol {recorded.form[0]!r}, which is not known", status=404
        )
    return found


def _with_usage(recorded: Recorded) -> Iterator[tuple[float, StreamEvent]]:
    """What was read, where a protocol says it first; the rest behind, unless the answer said it itself."""
    usage, told, seconds = recorded.usage, False, 0.0
    for number, (seconds, event) in enumerate(_events(recorded)):
        told = told or isinstance(event, UsageUpdate)
        yield seconds, event
        if not number:
            yield seconds, UsageUpdate(Usage(usage.input_total, usage.cache_read, usage.cache_write))
    if not told:
        yield seconds, UsageUpdate(usage)


def _events(recorded: Recorded) -> Iterator[tuple[float, StreamEvent]]:
    """Raises UpstreamError for an answer that is none, or was cut."""
    wire = _wire(recorded)
    _, envelope, way = recorded.form
    if way == "whole":
        last = recorded.pieces[-1][0] if recorded.pieces else 0.0
        body = open_answer(recorded.body) if envelope else recorded.body
        try:
            found = loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UpstreamError(Kind.BROKEN_STREAM, "the recorded answer is no JSON object")
        for event in wire.read_answer(found, DEFAULT):
            yield last, event
        return
    reader, opener = wire.stream_reader(DEFAULT), Opener() if envelope else None
    array = ArrayDecoder() if way == "array" else None
    seconds = 0.0
    for seconds, piece in recorded.pieces:
        data = opener.feed(piece) if opener else _frames(array, piece) if array else piece
        for event in reader.feed(data):
            yield seconds, event
    if opener:
        for event in reader.feed(opener.close()):
            yield seconds, event
    for event in reader.close():
        yield seconds, event


def _frames(array: ArrayDecoder, piece: bytes) -> bytes:
    return b"".join(b"data: " + _on_one_line(element) + b"\n\n" for element in array.feed(piece))


def _on_one_line(element: bytes) -> bytes:
    """On one line, as a frame wants it."""
    try:
        return dumps(loads(element))
    except ValueError:
        return b" ".join(element.split())

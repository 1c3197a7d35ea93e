"""Facts -> one record: a line of JSON, redacted, in the shape of `docs/record.schema.json`.

It is put together from pieces of JSON text: what is long, and the same in most exchanges of a conversation, is written once.
"""

import hmac
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from addons.attempts import Attempt, Fields
from addons.records.blocks import Blocks
from addons.records.bodies import Streams, is_media, omitted, write_body
from addons.records.conversation import answer_of, system_of, tools_of
from addons.records.facts import Chunks, Facts
from addons.records.fold import answer_media, content_type, plain_chunks, read_answer
from addons.records.media import SMALLEST, media_spans, omit_media
from addons.records.objects import Objects
from addons.records.prompt import write_prompt
from addons.records.reading import Reading
from addons.records.talk import Talk
from addons.redact import Redactor, recut
from addons.redact_frames import fit_frames
from addons.version import own_version
from converters.events import Answer, Usage
from converters.eventstream import CONTENT_TYPE as FRAMES
from converters.json_codec import Json, JsonObject, dumps
from converters.system_prompt import SystemPrompt
from converters.turns import Base64, Chat, Tool

SCHEMA = "aiclient.record/1"
_VERSION = own_version()
_LARGEST_UNREAD = 4 * 1024 * 1024  # bytes of a body that nobody could read; a larger one is no conversation
_SMALLEST_OBJECT = 256  # bytes of JSON; less stands in the record itself
_KEPT = 4  # contents of each kind
_KEPT_LISTS, _LARGEST_KEPT = 8, 1 << 20  # system prompts and tool sets; bytes of one

type Text = bytes  # JSON
type Pieces = list[bytes]  # of one JSON text: long ones are put together once, at the end


@dataclass(slots=True, repr=False)
class _Cleaned:
    """plain, written: before and after redaction. name: its reference, once it was stored."""

    plain: Text
    written: Text
    name: str = ""


class RecordMaker:
    """Builds records; keeps what makes the next one cheaper. objects None: everything stands in the record itself. salt: for hashes
    of what must not be guessed. media: pictures and files are kept. Not for several threads at once."""

    def __init__(self, redactor: Redactor, objects: Objects | None, salt: bytes, *, media: bool = False) -> None:
        self._redactor, self._objects, self._salt, self.keeps_media = redactor, objects, salt, media
        self._blocks = None if objects is None else Blocks(objects)
        self._streams, self.reading = Streams(), Reading()
        self._talk = Talk(lambda data: redactor.body(data), objects, media=media)
        self._written: defaultdict[str, deque[_Cleaned]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._systems: deque[tuple[list[str], _Cleaned]] = deque(maxlen=_KEPT_LISTS)
        self._tools: deque[tuple[list[Tool], _Cleaned]] = deque(maxlen=_KEPT_LISTS)

    def look(self) -> None:
        """To be called now and then: whether the object store is still there."""
        if self._objects is not None:
            self._objects.look()

    def line(self, facts: Facts) -> bytes:
        """The record, with the line's end."""
        if self._redactor.refresh(facts.secrets):
            self._talk.forget()
            self._written.clear()
            self._systems.clear()
            self._tools.clear()
        return _Making(self, facts).line()

    # --- parts that know nothing of the exchange ---

    def text(self, text: str) -> str:
        return self._redactor.text(text)

    def headers(self, fields: Fields) -> list[tuple[str, str]]:
        return self._redactor.headers(fields)

    def client_headers(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return self._redactor.client_headers(fields)

    def hashed(self, text: str) -> str:
        """The same for the same text here, and nothing to anybody else."""
        return hmac.digest(self._salt, text.encode(errors="replace"), "sha256").hex()[:16] if text else ""

    def clean(self, content: Json, kind: str) -> Text:
        """kind: what was the same in exchanges before."""
        return self._cleaned(content, kind).written

    def _cleaned(self, content: Json, kind: str) -> "_Cleaned":
        plain = dumps(content)
        for known in self._written[kind]:
            if known.plain == plain:
                return known
        known = _Cleaned(plain, self._redactor.body(plain, kind))
        if len(plain) <= _LARGEST_KEPT:
            self._written[kind].appendleft(known)
        return known

    def object(self, content: Json, kind: str) -> Text:
        """Or a reference to it; not where the object store cannot be written."""
        return self._stored(self._cleaned(content, kind))

    def _stored(self, known: "_Cleaned") -> Text:
        if self._objects is None or len(known.written) < _SMALLEST_OBJECT:
            return known.written
        try:
            if not known.name or not self._objects.keeps(known.name):
                known.name = self._objects.put(known.written)
        except OSError:
            return known.written
        return b'{"ref":"%b"}' % known.name.encode()

    def system(self, chat: Chat) -> Text:
        texts = [part.text for part in chat.system]
        known = next((known for before, known in self._systems if before == texts), None)
        if known is None:
            known = self._cleaned(system_of(chat), "system")
            if len(known.plain) <= _LARGEST_KEPT:
                self._systems.appendleft((texts, known))
        return self._stored(known)

    def tools(self, chat: Chat) -> Text:
        """Those of a conversation that goes on are the same list."""
        if not chat.tools:
            return b"[]"
        known = next((known for tools, known in self._tools if tools is chat.tools), None)
        if known is None:
            known = self._cleaned(tools_of(chat), "tools")
            if len(known.plain) <= _LARGEST_KEPT:
                self._tools.appendleft((chat.tools, known))
        return self._stored(known)

    def messages(self, chat: Chat, size: int) -> Pieces:
        """size: of the request, in bytes."""
        return _list([written] for written in self._talk.messages(chat.turns, size))

    def media(self, chat: Chat | None, answer: Answer | None) -> list[Base64]:
        """Pictures and files that stand in the bodies themselves."""
        return [*(self._talk.media(chat.turns) if chat else ()), *answer_media(answer)]

    def said(self, answer: Answer | None) -> tuple[Text, bool]:
        """An answer, and whether a secret stands in it."""
        plain = b"null" if answer is None else dumps(answer_of(answer, media=self.keeps_media))
        written = self._redactor.body(plain, "said")
        return written, written != plain

    def body(self, body: bytes, content: str, media: Sequence[Base64], kind: str, *, read: bool) -> Pieces:
        """content: its type. kind: which body of an exchange it is. media, read: see `omit_media`."""
        if not self.keeps_media:
            if is_media(content) or (len(body) > _LARGEST_UNREAD and not read):
                return [dumps(omitted(body, content))]
            body = omit_media(body, media, read=read)
        body = self._redactor.body(body, kind)
        with suppress(OSError, UnicodeDecodeError):  # the store cannot be written, or this is no text
            if self._blocks is not None and (cuts := self._blocks.cuts(body, kind)):
                return [dumps(write_body(body, cuts))]
        return [dumps(write_body(body))]

    def stream(self, chunks: Sequence[bytes], media: Sequence[Base64], content: str, *, split: bool) -> Sequence[bytes]:
        """As many chunks; `chunks` itself where nothing is left out. content: their type. split: see `Redactor.stream`."""
        if content.startswith(FRAMES):
            return self._redactor.stream(chunks, "frames", split=split, fit=fit_frames)
        if not self.keeps_media and any(len(piece.data) >= SMALLEST for piece in media):
            data = b"".join(chunks)
            pictures = media_spans(data, media)
            chunks = recut(data, pictures, list(map(len, chunks)))
        return self._redactor.stream(chunks, "stream", split=split)

    def chunks(self, times: Sequence[float], chunks: Sequence[bytes]) -> Text:
        """times: seconds, one for each."""
        return dumps(self._streams.written(times, chunks))


class _Making:
    """One record on its way."""

    def __init__(self, maker: RecordMaker, facts: Facts) -> None:
        self.maker, self.facts = maker, facts
        self.chat: Chat | None = None
        self.reason = ""
        try:
            if facts.body:
                self.chat = maker.reading.chat(facts)
        except ValueError as error:
            self.reason = str(error)
        self.answer: Answer | None = read_answer(facts)
        self.media: list[Base64] = []
        self.split = False  # whether a secret stands in the answer's text, so maybe in pieces in its stream
        self.answers: list[
            tuple[str, bytes, bool]
        ] = []  # of the attempts: pointer, bytes, whether all is written as it was

    def line(self) -> bytes:
        talk = self._conversation()  # first: it finds out whether secrets stand in pieces
        self.media = self.maker.media(self.chat, self.answer)
        request = self._request()
        attempts = [self._attempt(number, made) for number, made in enumerate(self.facts.attempts)]
        record = (
            *(self._head()[:-1], b',"route":', self._route()),
            *(b',"conversation":', *talk),
            *(b',"request":', *request),
            *(b',"system_prompt":', *self._prompt(self.facts.prompt)),
            *(b',"attempts":', *_list(attempts)),
            *(b',"answer":', *self._client_answer()),
            *(b',"loss":', self._loss(), b"}\n"),
        )
        return b"".join(record)

    def _head(self) -> Text:
        facts, maker = self.facts, self.maker
        head: JsonObject = {
            "schema": SCHEMA,
            "id": facts.id,
            "began": _time(facts.began),
            "first_byte": None if facts.first_byte is None else _time(facts.first_byte),
            "ended": _time(facts.ended),
            "version": _VERSION,
            "state": facts.state,
            "error": maker.text(facts.error) or None,
            "client": {
                "protocol": facts.wire.name,
                "agent": maker.text(facts.agent),
                "action": facts.action,
                "code_assist": facts.code_assist,
            },
            "thread": maker.hashed(facts.thread) or None,
            "usage": _usage(facts.usage),
            "stop_reason": facts.stop_reason,
            "chaos": facts.chaos or None,
        }
        if facts.replays:
            head["replays"] = facts.replays
        if self.reason:
            head["no_conversation"] = maker.text(self.reason)
        return dumps(head)

    def _route(self) -> Text:
        facts = self.facts
        route: JsonObject = {
            "asked": facts.asked,
            "named": facts.named,
            "provider": facts.provider.name if facts.provider else None,
            "account": facts.account or None,
            "target": facts.target or None,
            "served": facts.served,
            "why": facts.why,
        }
        return self.maker.clean(route, "route")

    def _request(self) -> Pieces:
        facts, maker = self.facts, self.maker
        headers = maker.client_headers(facts.headers)
        kind = next((value for name, value in headers if name == "content-type"), "").lower()
        request = {
            "method": facts.method,
            "path": maker.text(facts.path),
            "query": self._query(),
            "headers": headers,
            "said": facts.said,
        }
        body = maker.body(facts.body, kind, self.media, "request", read=self.chat is not None)
        return [dumps(request)[:-1], b',"body":', *body, b"}"]

    def _query(self) -> dict[str, str]:
        """A parameter is redacted by its name as well as by what it looks like."""
        found: dict[str, str] = {}
        for name, value in self.facts.query.items():
            written = self.maker.text(f"?{name}={value}")
            found[self.maker.text(name)] = written[len(name) + 2 :] if written.startswith(f"?{name}=") else written
        return found

    def _loss(self) -> Text:
        loss = self.facts.loss
        return self.maker.clean(
            {"dropped": dict(loss.dropped), "changed": dict(loss.changed), "noted": dict(loss.noted)}, "loss"
        )

    def _attempt(self, number: int, made: Attempt) -> Pieces:
        maker = self.maker
        attempt = {
            "number": number + 1,
            "provider": made.provider,
            "account": made.account,
            "model": made.model,
            "wire": made.wire,
            "began": _time(made.began),
            "ended": _time(made.ended or made.began),
            "outcome": made.outcome,
            "reason": maker.text(made.reason),
        }
        request = {"method": made.method, "url": maker.text(made.url), "headers": maker.headers(made.headers)}
        pieces = [
            *(dumps(attempt)[:-1], b',"request":', dumps(request)[:-1]),
            *(b',"body":', *self._upstream_body(number, made)),
            *(
                b'},"answer":',
                *([b"null"] if made.status is None else self._upstream_answer(number, made, made.status)),
            ),
        ]
        if made.prompt != self.facts.prompt:
            pieces += (b',"system_prompt":', *self._prompt(made.prompt))
        pieces.append(b"}")
        return pieces

    def _prompt(self, prompt: SystemPrompt | None) -> Pieces:
        if (written := write_prompt(prompt)) is None:
            return [b"null"]
        text, pairs = self.maker.object(written["text"], "prompt"), self.maker.clean(written["replacements"], "pairs")
        return [b'{"mode":', dumps(written["mode"]), b',"text":', text, b',"replacements":', pairs, b"}"]

    def _upstream_body(self, number: int, made: Attempt) -> Pieces:
        if made.body == self.facts.body:
            return [b'{"same":"/request/body"}']
        for earlier in range(number):
            if self.facts.attempts[earlier].body == made.body:
                return [b'{"same":"/attempts/%d/request/body"}' % earlier]
        return self.maker.body(made.body, content_type(made.headers), self.media, made.wire, read=self.chat is not None)

    def _upstream_answer(self, number: int, made: Attempt, status: int) -> Pieces:
        maker = self.maker
        head = dumps({"status": status, "headers": maker.headers(made.answer_headers)})
        plain = plain_chunks(made)
        data = b"".join(plain)
        pointer, kind = f"/attempts/{number}/answer", content_type(made.answer_headers)
        if not made.chunks and not kind.startswith(FRAMES):
            self.answers.append((pointer, data, False))
            read = self.answer is not None or len(data) < 2048
            return [head[:-1], b',"body":', *maker.body(data, kind, self.media, "answer", read=read), b"}"]
        written = maker.stream(plain, self.media, kind, split=self.split)
        if not made.chunks:
            return [head[:-1], b',"body":', dumps(write_body(b"".join(written))), b"}"]
        self.answers.append((pointer, data, written is plain))
        return [head[:-1], b',"chunks":', maker.chunks(_times(made.began, made.chunks), written), b"}"]

    def _client_answer(self) -> Pieces:
        facts, maker = self.facts, self.maker
        if facts.status is None:
            return [b"null"]
        head = dumps({"status": facts.status, "headers": maker.headers(facts.answer_headers)})
        chunks = [chunk for _, chunk in facts.chunks]
        data = b"".join(chunks) if chunks else facts.answer
        same, is_whole = "", False
        if data:
            found = ((pointer, whole) for pointer, before, whole in reversed(self.answers) if before == data)
            same, is_whole = next(found, (same, is_whole))
        if chunks:
            kind = content_type(facts.answer_headers)
            written = chunks if is_whole else maker.stream(chunks, self.media, kind, split=self.split)
            times = _times(facts.began, facts.chunks)
            if same:
                cuts = list(zip(times, map(len, written), strict=True))
                return [head[:-1], b',"chunks":', dumps({"same": same, "cuts": cuts}), b"}"]
            return [head[:-1], b',"chunks":', maker.chunks(times, written), b"}"]
        if same:
            return [head[:-1], b',"body":', dumps({"same": same}), b"}"]
        read = self.answer is not None or len(data) < 2048
        kind = content_type(facts.answer_headers)
        return [head[:-1], b',"body":', *maker.body(data, kind, self.media, "answer", read=read), b"}"]

    def _conversation(self) -> Pieces:
        maker, chat = self.maker, self.chat
        if chat is None:
            return [b"null"]
        system, tools = maker.system(chat), maker.tools(chat)
        answer, self.split = maker.said(self.answer)
        head = b'{"system":%b,"tools":%b,"messages":' % (system, tools)
        return [head, *maker.messages(chat, len(self.facts.body)), b',"answer":', answer, b"}"]


def _list(items: Iterable[Pieces]) -> Pieces:
    pieces: Pieces = []
    for item in items:
        pieces.append(b"," if pieces else b"[")
        pieces += item
    return [*pieces, b"]"] if pieces else [b"[]"]


def _times(began: float, chunks: Chunks) -> list[float]:
    """Seconds since then, to the microsecond."""
    if chunks:
        began = min(began, chunks[0][0])  # a clock may have been set
    return [int((at - began) * 1e6 + 0.5) / 1e6 for at, _ in chunks]  # `round` takes four times as long


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_total,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output_total,
        "reasoning_tokens": usage.reasoning,
    }


def _time(seconds: float) -> float:
    return int(seconds * 1e6 + 0.5) / 1e6

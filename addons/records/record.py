"""Facts -> one record: a line of JSON, redacted, in the shape of `docs/record.schema.json`."""

import hmac
from collections.abc import Sequence

from addons.attempts import Attempt, Fields
from addons.records.bodies import is_media, omitted, write_body, write_chunks
from addons.records.conversation import conversation
from addons.records.facts import Chunks, Facts
from addons.records.fold import content_type, inline_media, plain_chunks, read_answer, read_chat
from addons.records.media import SMALLEST, media_spans, omit_media
from addons.records.members import Members
from addons.records.objects import Objects
from addons.redact import Redactor, recut
from addons.version import own_version
from converters.events import Answer, Usage
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.turns import Base64, Chat

SCHEMA = "aiclient.record/1"
_VERSION = own_version()
_LARGEST_UNREAD = 4 * 1024 * 1024  # bytes of a body that nobody could read; a larger one is no conversation
_SMALLEST_OBJECT = 256  # bytes of JSON; less stands in the record itself


class RecordMaker:
    """Builds records; keeps what makes the next one cheaper. objects None: everything stands in the record itself. salt: for hashes
    of what must not be guessed. media: pictures and files are kept. OSError if the object store cannot be written. Not for several
    threads at once."""

    def __init__(self, redactor: Redactor, objects: Objects | None, salt: bytes, *, media: bool = False) -> None:
        self._redactor, self._objects, self._salt, self._media = redactor, objects, salt, media
        self._members = Members()

    def line(self, facts: Facts) -> bytes:
        """The record, with the line's end."""
        self._redactor.refresh(facts.secrets)
        return _Making(self, facts).line()

    # --- parts that know nothing of the exchange ---

    @property
    def keeps_media(self) -> bool:
        return self._media

    def redacted(self, data: bytes, kind: str) -> bytes:
        return self._redactor.body(data, kind)

    def text(self, text: str) -> str:
        return self._redactor.text(text)

    def headers(self, fields: Fields) -> list[Json]:
        return [[name, value] for name, value in self._redactor.headers(fields)]

    def hashed(self, text: str) -> str:
        """The same for the same text here, and nothing to anybody else."""
        return hmac.digest(self._salt, text.encode(errors="replace"), "sha256").hex()[:16] if text else ""

    def object(self, content: Json, kind: str) -> Json:
        """Plain JSON, or a reference to it."""
        written = self._redactor.body(dumps(content), kind)
        if self._objects is None or len(written) < _SMALLEST_OBJECT:
            return loads(written)
        return {"ref": self._objects.put(written)}

    def clean(self, content: Json) -> Json:
        """Small plain JSON, redacted."""
        return loads(self._redactor.body(dumps(content)))

    def body(self, body: bytes, content: str, media: Sequence[Base64], kind: str, *, read: bool) -> JsonObject:
        """content: its type. kind: which body of an exchange it is. media, read: see `omit_media`."""
        if not self._media:
            if is_media(content) or (len(body) > _LARGEST_UNREAD and not read):
                return omitted(body, content)
            body = omit_media(body, media, read=read)
        body = self._redactor.body(body, kind)
        if self._objects is None:
            return write_body(body)
        try:
            places = self._members.places(body, kind)
        except UnicodeDecodeError:
            places = []
        return write_body(body, places, self._objects.put)

    def stream(self, chunks: Sequence[bytes], media: Sequence[Base64], kind: str, *, split: bool) -> list[bytes]:
        """As many chunks. split: see `Redactor.stream`."""
        if not self._media and any(len(piece.data) >= SMALLEST for piece in media):
            data = b"".join(chunks)
            pictures = media_spans(data, media)
            chunks = recut(data, pictures, list(map(len, chunks)))
        return self._redactor.stream(chunks, kind, split=split)


class _Making:
    """One record on its way."""

    def __init__(self, maker: RecordMaker, facts: Facts) -> None:
        self.maker, self.facts = maker, facts
        self.chat: Chat | None = None
        self.reason = ""
        try:
            if facts.body:
                self.chat = read_chat(facts)
        except ValueError as error:
            self.reason = str(error)
        self.answer: Answer | None = read_answer(facts)
        self.media = inline_media(self.chat, self.answer)
        self.split = False  # whether a secret stands in the answer's text, so maybe in pieces in its stream
        self.streams: list[tuple[str, bytes]] = []  # (pointer, bytes) of the attempts' answers

    def line(self) -> bytes:
        talk = self._conversation()  # first: it finds out whether secrets stand in pieces
        head = dumps(self._record())
        return head[:-1] + b',"conversation":' + talk + b"}\n"

    def _record(self) -> JsonObject:
        facts, maker = self.facts, self.maker
        body = maker.body(facts.body, content_type(facts.headers), self.media, "request", read=self.chat is not None)
        record: JsonObject = {
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
            "route": maker.clean(
                {
                    "asked": facts.asked,
                    "named": facts.named,
                    "provider": facts.provider.name if facts.provider else None,
                    "account": facts.account or None,
                    "target": facts.target or None,
                    "served": facts.served,
                    "why": facts.why,
                }
            ),
            "thread": maker.hashed(facts.thread) or None,
            "request": {
                "method": facts.method,
                "path": maker.text(facts.path),
                "query": self._query(),
                "headers": maker.headers(facts.headers),
                "said": facts.said,
                "body": body,
            },
            "attempts": [self._attempt(number, made) for number, made in enumerate(facts.attempts)],
            "answer": self._client_answer(),
            "usage": _usage(facts.usage),
            "stop_reason": facts.stop_reason,
            "loss": maker.clean(
                {
                    "dropped": dict(facts.loss.dropped),
                    "changed": dict(facts.loss.changed),
                    "noted": dict(facts.loss.noted),
                }
            ),
        }
        if facts.replays:
            record["replays"] = facts.replays
        if self.reason:
            record["no_conversation"] = maker.text(self.reason)
        return record

    def _query(self) -> JsonObject:
        """A parameter is redacted by its name as well as by what it looks like."""
        found: JsonObject = {}
        for name, value in self.facts.query.items():
            written = self.maker.text(f"?{name}={value}")
            found[self.maker.text(name)] = written[len(name) + 2 :] if written.startswith(f"?{name}=") else written
        return found

    def _attempt(self, number: int, made: Attempt) -> JsonObject:
        maker = self.maker
        return {
            "number": number + 1,
            "provider": made.provider,
            "account": made.account,
            "model": made.model,
            "wire": made.wire,
            "began": _time(made.began),
            "ended": _time(made.ended or made.began),
            "request": {
                "method": made.method,
                "url": maker.text(made.url),
                "headers": maker.headers(made.headers),
                "body": self._upstream_body(number, made),
            },
            "answer": None if made.status is None else self._upstream_answer(number, made, made.status),
            "outcome": made.outcome,
            "reason": maker.text(made.reason),
        }

    def _upstream_body(self, number: int, made: Attempt) -> JsonObject:
        if made.body == self.facts.body:
            return {"same": "/request/body"}
        for earlier in range(number):
            if self.facts.attempts[earlier].body == made.body:
                return {"same": f"/attempts/{earlier}/request/body"}
        return self.maker.body(made.body, content_type(made.headers), self.media, made.wire, read=self.chat is not None)

    def _upstream_answer(self, number: int, made: Attempt, status: int) -> JsonObject:
        maker, pointer = self.maker, f"/attempts/{number}/answer"
        answer: JsonObject = {"status": status, "headers": maker.headers(made.answer_headers)}
        plain = plain_chunks(made)
        data = b"".join(plain)
        self.streams.append((pointer, data))
        if not made.chunks:
            kind = content_type(made.answer_headers)
            read = self.answer is not None or len(data) < 2048
            return answer | {"body": maker.body(data, kind, self.media, "answer", read=read)}
        times = [_since(made.began, at) for at, _ in made.chunks]
        written = maker.stream(plain, self.media, "stream", split=self.split)
        return answer | {"chunks": write_chunks(list(zip(times, written, strict=True)))}

    def _client_answer(self) -> JsonObject | None:
        facts, maker = self.facts, self.maker
        if facts.status is None:
            return None
        answer: JsonObject = {"status": facts.status, "headers": maker.headers(facts.answer_headers)}
        data = b"".join(chunk for _, chunk in facts.chunks) if facts.chunks else facts.answer
        same = next((pointer for pointer, before in reversed(self.streams) if before == data), None) if data else None
        if not facts.chunks:
            read = self.answer is not None or len(data) < 2048
            kind = content_type(facts.answer_headers)
            return answer | {
                "body": {"same": same} if same else maker.body(data, kind, self.media, "answer", read=read)
            }
        written = maker.stream([chunk for _, chunk in facts.chunks], self.media, "stream", split=self.split)
        return answer | {"chunks": _chunks(facts.began, facts.chunks, written, same)}

    def _conversation(self) -> bytes:
        maker = self.maker
        if self.chat is None:
            return b"null"
        talk = conversation(self.chat, self.answer, media=maker.keeps_media)
        system, tools = maker.object(talk["system"], "system"), maker.object(talk["tools"], "tools")
        messages, plain = maker.redacted(dumps(talk["messages"]), "messages"), dumps(talk["answer"])
        answer = maker.redacted(plain, "said")
        self.split = answer != plain
        return b'{"system":%b,"tools":%b,"messages":%b,"answer":%b}' % (dumps(system), dumps(tools), messages, answer)


def _chunks(began: float, chunks: Chunks, written: Sequence[bytes], same: str | None) -> Json:
    times = [_since(began, at) for at, _ in chunks]
    if same:
        return {"same": same, "cuts": [[at, len(data)] for at, data in zip(times, written, strict=True)]}
    return write_chunks(list(zip(times, written, strict=True)))


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_total,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output_total,
        "reasoning_tokens": usage.reasoning,
    }


def _time(seconds: float) -> float:
    return round(seconds, 6)


def _since(began: float, at: float) -> float:
    return round(max(0.0, at - began), 6)

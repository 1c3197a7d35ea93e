"""Served replay: clients are answered from records. Nothing goes upstream, and no account is needed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from mitmproxy.http import Headers, HTTPFlow, Response

from addons.exchange import EVENT_STREAM, JSON, Exchange
from addons.plans import unknown_model
from addons.provider_answer import down_headers, estimate
from addons.providers.base import Action, Provider
from addons.records.conversation import conversation
from addons.redact import Redactor
from addons.relay import Played
from addons.replay.captured import Captured, Unplayed
from addons.replay.sources import NoSource, exchanges
from addons.replay_answers import Answers, Form, Place, Recorded, failure_in, form_of, rewritten, rewritten_whole
from addons.replay_match import Asked, Index, asked, asked_by_name, conversation_of
from addons.settings import Settings
from addons.settings_sources import SettingsError
from addons.upstream_body import parsed
from converters.counting import count_body
from converters.errors import ConversionError, Failure, UpstreamError, failure_of
from converters.events import Finish
from converters.json_codec import JsonObject, dumps, loads
from converters.loss import Loss
from converters.model_list import Model, write_list, write_model
from converters.wire import Wire
from converters.wires import WIRES
from creds.service import BUILT_IN

log = logging.getLogger("aiclient")

NAME = "replay"
HEADER = "x-aiclient-replay"  # on an answer: the id of the record that it is from
_ANSWERED = (Action.GENERATE, Action.COUNT, Action.COMPACT, Action.STORED)


class Recordings(Provider):
    """Who answers then, for logs and records. Not in the catalogue: nobody can name it."""

    name = NAME
    title = "Answers from records"
    status = BUILT_IN


class ReplayServed:
    """Addon, before the upstream leg. pause: how to wait; now: unix seconds.

    With `replay` set, every call that would go to a provider is answered here, by an error if by nothing else.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._pause, self._now = settings, pause, now
        self._path = ""
        self._provider = Recordings()
        self._redactor = Redactor()
        self.index: Index[Place] = Index()
        self.answers: Answers | None = None

    def use(self, settings: Settings) -> None:
        """Reads the records, if they are other ones than before. Raises SettingsError for a path that holds none."""
        if settings.replay == self._path:
            return
        self._redactor = Redactor(rules=settings.redact_patterns, shapes=settings.redact)
        if not settings.replay:
            self.done()
            return
        answers, index = Answers(), Index[Place]()
        try:
            unread = self._read(settings.replay, answers, index)
        except BaseException:
            answers.close()
            raise
        self.done()
        self._path, self.index, self.answers = settings.replay, index, answers
        rest = f"; {unread} could not be read" if unread else ""
        log.warning("replay: %s answers from %s; nothing goes upstream%s", index.count, settings.replay, rest)

    def _read(self, path: str, answers: Answers, index: Index[Place]) -> int:
        """How many exchanges could not be read. Raises SettingsError."""
        unread = 0
        try:
            for found in _exchanges(Path(path).expanduser()):
                if isinstance(found, Unplayed):
                    unread += 1
                elif (entry := self._entry(found)) is not None:
                    index.add(entry, found.id, answers.put(entry.form, found))
        except NoSource as error:
            raise SettingsError(f"replay: {error}") from None
        except OSError as error:
            raise SettingsError(f"replay: cannot read {error.filename}: {error.strerror}") from error
        if not index.count:
            raise SettingsError(f"replay: {path} holds no answered request")
        return unread

    def done(self) -> None:
        if self.answers is not None:
            self.answers.close()
        self.answers, self._path = None, ""

    async def request(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if self.answers is None or exchange is None or flow.response or exchange.match.action is Action.HEALTH:
            return
        try:
            exchange.turn_to(self._provider, None, exchange.model)
            flow.response = await self._answer(exchange, self.answers)
        except (ConversionError, UpstreamError) as error:
            exchange.refuse(flow, failure_of(error))
        except Exception:
            log.exception("%s: cannot be answered from records", exchange.id)
            exchange.refuse(flow, Failure(500, f"aiclient failed on this request; its log names {exchange.id}"))

    async def _answer(self, exchange: Exchange, answers: Answers) -> Response:
        action = exchange.match.action
        if action in (Action.MODELS, Action.MODEL):
            return self._models(exchange)
        wanted = self._asked(exchange)
        entry = self.index.take(wanted)
        if entry is None:
            if action is Action.COUNT:
                return estimate(exchange)
            raise ConversionError(
                f"no recorded request is like this one: {self.index.nearest(wanted)}",
                status=404,
                code="replay_no_match",
            )
        exchange.why = f"replayed from {entry.id}"
        recorded = answers.get(entry.answer)
        played = recorded.form == wanted.form
        response = await (self._as_recorded if played else self._rewritten)(exchange, recorded, wanted.form)
        response.headers[HEADER] = entry.id
        return response

    # --- what is asked ---

    def _asked(self, exchange: Exchange) -> Asked:
        """Raises ConversionError for what no protocol would take."""
        action = exchange.match.action
        form = form_of(
            exchange.wire.name,
            code_assist=exchange.code_assist is not None,
            stream=exchange.stream,
            sse=not exchange.array,
        )
        if action is Action.STORED:
            return asked_by_name(action, exchange.match.name or "", form)
        return asked(action, self._conversation(exchange.wire, action, exchange.body), exchange.model, form)

    def _conversation(self, wire: Wire, action: str, body: JsonObject) -> JsonObject:
        """As the recorder would write it. Raises ConversionError."""
        body = count_body(wire.name, body) if action == Action.COUNT else body
        plain = dumps(conversation(wire.parse_request(body, Loss()), None))
        found = loads(self._redactor.body(plain, "conversation"))
        assert isinstance(found, dict)
        return found

    def _entry(self, found: Captured) -> Asked | None:
        """What a recorded request asked; None for one that cannot be served: it was no call for a model, it has no answer, its
        client left before the end, or it was answered from records itself."""
        wire = WIRES.get(found.protocol)
        if found.action not in _ANSWERED or wire is None or found.answer is None:
            return None
        if found.state == "cancelled" or found.provider == NAME:
            return None
        body = _object(found.body) | found.said
        form = form_of(
            found.protocol,
            code_assist=found.code_assist,
            stream=body.get("stream") is True and found.action == Action.GENERATE,
            sse=found.query.get("alt") == "sse",
        )
        if found.action == Action.STORED:
            return asked_by_name(found.action, found.path.partition("responses/")[2], form)
        try:
            talk = conversation_of(found.record) or self._conversation(wire, found.action, body)
        except ConversionError:
            return None
        return asked(found.action, talk, found.asked, form)

    # --- what is answered ---

    async def _as_recorded(self, exchange: Exchange, recorded: Recorded, form: Form) -> Response:
        """The very bytes."""
        noted = recorded.noted
        reason, served = noted.get("stop_reason"), noted.get("served")
        exchange.usage = recorded.usage
        exchange.finish = Finish(reason) if isinstance(reason, str) else None  # type: ignore[arg-type]
        exchange.served_model = served if isinstance(served, str) else None
        if recorded.status >= 400:
            exchange.failure = failure_of(failure_in(recorded))
        fields = [(name.encode(), value.encode("utf-8", "replace")) for name, value in recorded.headers]
        head = Response.make(recorded.status, b"", down_headers(Headers(fields)))
        exchange.stamp(head.headers)
        return await self._timed(exchange, head, recorded.pieces, streams=form[2] != "whole" and recorded.status == 200)

    async def _rewritten(self, exchange: Exchange, recorded: Recorded, form: Form) -> Response:
        if recorded.status != 200:
            raise failure_in(recorded)
        if exchange.match.action is Action.COUNT:
            return estimate(exchange)
        if exchange.match.action is not Action.GENERATE:
            raise ConversionError("the recorded answer is of another protocol", status=404, code="replay_no_match")
        parsed(exchange, self._now)
        assert exchange.ask is not None
        if form[2] == "whole":
            last = recorded.pieces[-1][0] if recorded.pieces else 0.0
            body = rewritten_whole(recorded, form, exchange.ask, exchange.watch)
            return await self._timed(exchange, exchange.answer(200, b""), [(last, body)], streams=False)
        pieces = rewritten(recorded, form, exchange.ask, exchange.watch)
        kind = JSON if form[2] == "array" else EVENT_STREAM
        return await self._timed(exchange, exchange.answer(200, b"", kind), pieces, streams=True)

    async def _timed(
        self, exchange: Exchange, head: Response, pieces: list[tuple[float, bytes]], *, streams: bool
    ) -> Response:
        """The body at its times, or at once."""
        slowly = self._settings().replay_timing == "recorded"
        if (streams and slowly) or exchange.code_assist is not None:  # whole answers would get its envelope once more
            exchange.pipe = Played([(seconds if slowly else 0.0, data) for seconds, data in pieces])
            return head
        if slowly and pieces:
            await self._pause(pieces[-1][0])
        head.content = b"".join(data for _, data in pieces)
        return head

    def _models(self, exchange: Exchange) -> Response:
        """Those that recorded requests asked for."""
        found = {name: Model(name) for name in self.index.models}
        if exchange.match.action is Action.MODELS:
            return exchange.answer(200, dumps(write_list(exchange.wire.name, list(found.values()))))
        wanted = exchange.match.name or ""
        if wanted not in found:
            raise unknown_model(wanted, found, "the replay")
        return exchange.answer(200, dumps(write_model(exchange.wire.name, found[wanted])))


def _object(body: bytes) -> JsonObject:
    """{} for what is none: no protocol takes it."""
    try:
        found = loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _exchanges(path: Path) -> Iterator[Captured | Unplayed]:
    from addons.flow_dump import read_dump  # which needs the proxy's own code

    return exchanges([path], read_dump)

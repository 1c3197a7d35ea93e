"""The recorder: every exchange on record. On the event loop it only collects references; a thread makes and writes the records."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes
from weakref import WeakKeyDictionary

from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.last_prompt import LastPrompt
from addons.prompt_log import in_file, on_console, prompt_log_path
from addons.providers.base import Action
from addons.record_folder import records_folder, salt_of
from addons.records.facts import Facts, State
from addons.records.files import Appender
from addons.records.objects import Objects
from addons.records.record import RecordMaker
from addons.records.writer import Sink, Writer
from addons.redact import Redactor
from addons.setting_types import parse_size
from addons.settings import Settings
from addons.settings_sources import home
from addons.taped_pipe import Tape, Taped, listen, was_streamed
from addons.upstream_request import thread_of

log = logging.getLogger("aiclient")

_LONGEST_FLUSH = 10.0  # seconds
_LARGEST_PARSED = 1 << 20  # bytes; a larger body is read once more, rather than kept twice while it waits
_SETTINGS = (
    *("record", "record_dir", "record_rotate_size", "record_keep_days", "record_compress", "record_media"),
    *("redact", "redact_patterns", "log_prompts", "prompt_log_base_name"),
)


@dataclass(slots=True)
class _Begun:
    """What an exchange no longer says of itself when it is over."""

    method: str
    path: str
    down: Tape = field(default_factory=list)


class Recorder:
    """Addon, behind those that make the answer and before `AccessLog`, which lets go of the bodies.

    secrets: every secret of ours that is in use now, asked for on the writer's thread. clock: unix seconds; monotonic: those of
    exchanges. started: the start that a file is named for, now if not given.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        secrets: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        started: float | None = None,
    ) -> None:
        self._settings, self._secrets, self._clock, self._monotonic = settings, secrets, clock, monotonic
        self._started = datetime.fromtimestamp(
            clock() if started is None else started
        )  # the file's name is in local time
        self._begun: WeakKeyDictionary[Exchange, _Begun] = WeakKeyDictionary()
        self._seen: Settings | None = None
        self._key: tuple[object, ...] = ()
        self.writer: Writer | None = None

    # --- hooks ---

    def requestheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or exchange.quiet or self._current() is None:
            return
        path = flow.request.data.path.partition(b"?")[0].decode("ascii", "backslashreplace")
        self._begun[exchange] = _Begun(flow.request.method, path)
        exchange.keeps_bodies = True

    def responseheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is not None and (begun := self._begun.get(exchange)) is not None:
            begun.down = listen(exchange, flow, self._clock)

    def response(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None:
            return
        broken = exchange.pipe.failed if exchange.pipe and was_streamed(exchange) else None
        failure, status = exchange.failure, flow.response.status_code
        struck = failure is not None and failure.status < 400  # on its way to the client, by chaos
        state: State = "cut" if broken or struck else "failed" if status >= 400 else "complete"
        said = str(broken) if broken else failure.message if failure else ""
        if isinstance(exchange.pipe, Taped) and exchange.pipe.full:
            state, said = (
                "cut",
                said or "the stream is longer than a record; the rest went to the client and is not here",
            )
        self._end(exchange, flow, state, said)

    def error(self, flow: HTTPFlow) -> None:
        if (exchange := Exchange.of(flow)) is not None:
            said = flow.error.msg if flow.error else "ended"
            self._end(exchange, flow, "cancelled" if exchange.client_left else "failed", said)

    def done(self) -> None:
        """The end of the process: what waits is written."""
        writer, self.writer = self.writer, None
        self._seen, self._key = None, ()
        if writer is not None:
            writer.close(min(_LONGEST_FLUSH, self._settings().grace_seconds))

    # --- what happened ---

    def _end(self, exchange: Exchange, flow: HTTPFlow, state: State, error: str) -> None:
        begun = self._begun.pop(exchange, None)
        writer = self.writer
        if begun is None or writer is None:
            return
        try:
            writer.put(self._facts(exchange, flow, begun, state, error))
        except Exception:  # the flow goes back to the host whatever happens here
            log.exception("%s: cannot be recorded", exchange.id)

    def _facts(self, exchange: Exchange, flow: HTTPFlow, begun: _Begun, state: State, error: str) -> Facts:
        now, response = self._clock(), flow.response
        shift = now - self._monotonic()  # the exchange's own times are not those of the calendar
        first = exchange.first_byte
        streamed = was_streamed(exchange)
        return Facts(
            id=exchange.id,
            wire=exchange.wire,
            action=exchange.match.action.value,
            state=state,
            began=exchange.began + shift,
            ended=now,
            first_byte=None if first is None else first + shift,
            agent=exchange.request_headers.get("user-agent", ""),
            code_assist=exchange.code_assist is not None,
            thread=thread_of(exchange),
            method=begun.method,
            path=begun.path,
            query=exchange.query,
            headers=exchange.request_headers.items(),
            body=exchange.raw,
            parsed=exchange.body if len(exchange.raw) < _LARGEST_PARSED else None,
            chat=exchange.chat if exchange.chat_is_asked else None,
            said={name: exchange.body[name] for name in ("model", "stream") if name in exchange.body}
            if exchange.wire.name == "gemini"
            else {},
            generates=exchange.match.action is Action.GENERATE,
            asked=exchange.model,
            named=exchange.match.provider or exchange.request_headers.get("model-provider") or None,
            provider=exchange.provider,
            account=exchange.account.label if exchange.account else "",
            target=exchange.target_model,
            served=exchange.served_model,
            why=exchange.why,
            profile=exchange.profile,
            restore=exchange.restore,
            attempts=exchange.made,
            status=response.status_code if response is not None else None,
            answer_headers=response.headers.fields if response is not None else (),
            answer=b"" if response is None or streamed else response.raw_content or b"",
            chunks=begun.down if streamed else [],
            heard=None if isinstance(exchange.pipe, Taped) and exchange.pipe.full else exchange.heard,
            usage=exchange.usage,
            stop_reason=exchange.finish.reason if exchange.finish else None,
            loss=exchange.loss,
            error=error,
            chaos=str(flow.metadata["aiclient"].get("chaos", "")).partition(";")[0],
            prompt=exchange.prompt,
            secrets=tuple(secret.decode("latin-1") for secret in exchange.sent_secrets),
        )

    # --- who writes it ---

    def _current(self) -> Writer | None:
        """The writer for the settings as they are now; None if nothing is to be written."""
        settings = self._settings()
        if settings is not self._seen:
            self._seen = settings
            key = tuple(getattr(settings, name) for name in _SETTINGS)
            if key != self._key:
                if self.writer is not None:
                    self.writer.end()
                self._key, self.writer = key, self._writer(settings)
        return self.writer

    def _writer(self, settings: Settings) -> Writer | None:
        folder = records_folder(settings)
        sinks: list[Sink] = []
        if settings.record:
            sinks.append(
                Appender(
                    folder,
                    parse_size(settings.record_rotate_size),
                    compress=settings.record_compress,
                    keep_days=settings.record_keep_days,
                )
            )
        if settings.log_prompts == "console":
            sinks.append(on_console())
        elif settings.log_prompts == "file":
            sinks.append(in_file(prompt_log_path(settings.prompt_log_base_name, self._started)))
        if not sinks:
            return None
        sinks.append(LastPrompt(home() / "prompts", Objects(folder / "objects") if settings.record else None))

        def make() -> RecordMaker:
            redactor = Redactor(self._secrets, settings.redact_patterns, shapes=settings.redact)
            if not settings.record:
                return RecordMaker(redactor, None, b"", media=False)
            try:
                salt = salt_of(folder)
            except OSError:  # told where records are written; transcripts need none
                salt = token_bytes(32)
            return RecordMaker(redactor, Objects(folder / "objects"), salt, media=settings.record_media)

        writer = Writer(make, sinks, lambda text: log.warning("%s", text), lambda text: log.warning("%s", text))
        writer.start()
        return writer

"""A recorded exchange through the code that the proxy itself runs: offline, with the clock and the ids of the recording."""

import traceback
from collections.abc import Coroutine, Iterable, Iterator
from itertools import count
from pathlib import Path

from mitmproxy.connection import Client, Server
from mitmproxy.http import Headers, HTTPFlow, Request, Response

from addons.code_assist_ingress import code_assist_call
from addons.exchange import Exchange
from addons.provider_answer import estimate, in_envelope, is_stream, read_refusal, watched, whole_answer, written_answer
from addons.provider_stream import head_of_stream, pipe_for
from addons.providers import catalogue
from addons.providers.base import Action, Provider
from addons.records.facts import Facts
from addons.records.record import RecordMaker
from addons.redact import Redactor
from addons.relay import Pipe
from addons.replay.accounts import stand_in
from addons.replay.captured import Answered, Captured, Fields, Sent, Today, Tried, Unplayable, Unplayed
from addons.replay.compare import Difference
from addons.replay.judge import Verdict, judge
from addons.routing import Match, match, split_provider
from addons.settings import Settings
from addons.upstream_body import as_sent, converted, parsed
from addons.upstream_request import address, leave_out_reasoning
from converters.errors import ConversionError, Kind, UpstreamError, failure_of
from converters.events import AnswerCall, AnswerPart, AnswerThinking
from converters.json_codec import JsonObject, loads
from converters.loss import Loss
from converters.memory import LatestSteps, ReasoningMemory
from converters.strip import holds_envelopes
from converters.turns import Thinking, ToolCall, remote_documents
from converters.wire import ProviderWire, Wire
from converters.wires import WIRES
from creds.account import CredentialError

BROKE_OFF = "the provider broke off: "  # how the relay's own words begin when a stream is cut (relay/stream.py)
_CONVERTED = (Action.GENERATE, Action.COUNT, Action.COMPACT, Action.STORED)
_NOW = 1_700_000_000.0


class Replay:
    """Exchanges in the order that they were in: what one answer leaves in memory, the next request may need."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._memory = ReasoningMemory(LatestSteps(lambda: 0.0))
        self._maker = RecordMaker(Redactor(shapes=False), None, b"replay", media=False)

    def today(self, captured: Captured) -> Today:
        """Raises Unplayable."""
        return _Run(captured, self._settings, self._memory, self._maker).today()


class _Run:
    """One exchange."""

    def __init__(self, captured: Captured, settings: Settings, memory: ReasoningMemory, maker: RecordMaker) -> None:
        self._captured, self._memory, self._maker = captured, memory, maker
        if captured.action not in Action or (action := Action(captured.action)) not in _CONVERTED:
            raise Unplayable(f"a call for {captured.action!r} is not converted")
        self._exchange = exchange = _begun(captured, action, settings)
        self._ids = (f"{number:024x}" for number in count(1))
        self._flow = _flow()
        exchange.attach(self._flow)
        exchange.keeps_bodies = True
        self._answer: Response | None = None
        self._chunks: list[tuple[float, bytes]] | None = None

    def today(self) -> Today:
        sent: list[Sent | str] = []
        outcomes: list[str] = []
        if not self._captured.attempts:
            self._answer = self._made_here()
        before: Tried | None = None
        for tried in self._captured.attempts:
            sent.append(self._sent(tried, before))
            outcomes.append(self._read(tried) if isinstance(sent[-1], Sent) else "")
            before = tried
        exchange = self._exchange
        if exchange.observer is not None and exchange.finish is not None and exchange.failure is None:
            exchange.observer.done()
        return Today(sent, outcomes, self._answered(), self._record())

    # --- client request -> upstream request ---

    def _sent(self, tried: Tried, before: Tried | None) -> Sent | str:
        """What is sent today, or why nothing can be. Raises Unplayable."""
        exchange = self._exchange
        provider = catalogue().get(tried.provider)
        if provider is None or provider.wire is None:
            raise Unplayable(f"provider {tried.provider!r} is not installed")
        action, name = exchange.match.action, exchange.match.name or ""
        account = stand_in(
            provider,
            tried,
            action,
            stream=exchange.stream,
            thinking=exchange.settings.kiro_thinking,
            stored=name if action is Action.STORED else "",
        )
        exchange.failure, exchange.prompt_for = None, lambda _: tried.prompt
        exchange.turn_to(provider, account, tried.model)
        self._flow.request = Request.make(self._captured.method, "http://127.0.0.1/")
        try:
            body = self._body(provider.wire, tried)
            if body is None and action is not Action.STORED:
                return f"{provider.name} has no counting call"
            address(exchange, self._flow, body)
        except (ConversionError, UpstreamError, CredentialError) as error:
            return str(error)
        except AssertionError as error:
            raise Unplayable(f"{provider.name} needs a real account to write a request") from error
        if exchange.ask is not None:
            exchange.ask.new_id = lambda: next(self._ids)
        if before is not None and before.answer is not None and before.provider == tried.provider:
            leave_out_reasoning(exchange, self._flow, _response(before.answer))
        request = self._flow.request
        return Sent(request.method, request.url, _fields(request.headers), request.raw_content or b"")

    def _body(self, wire: ProviderWire, tried: Tried) -> bytes | None:
        exchange = self._exchange
        if exchange.match.action is Action.STORED:
            return None
        if exchange.bypass:
            return as_sent(exchange, wire, lambda: _NOW)
        self._refuse_fetching(wire)
        if not holds_envelopes(exchange.wire.name, exchange.raw):
            _remember_as_sent(self._memory, wire, tried)
        return _done(converted(exchange, wire, self._memory, lambda: _NOW))

    def _refuse_fetching(self, wire: ProviderWire) -> None:
        limits, exchange = wire.limits, self._exchange
        try:
            chat = parsed(exchange, lambda: _NOW)
        except ConversionError:
            return  # it is told of in a moment
        finally:
            exchange.loss = Loss()
        if remote_documents(
            chat, documents=not limits.document_urls, images=not limits.image_urls, own=limits.own_urls
        ):
            raise Unplayable("a file was fetched by its URL, and what it held is in no leg")

    def _made_here(self) -> Response:
        """An answer without a provider: of one inside this process, a count that was estimated, or a refusal."""
        captured, exchange = self._captured, self._exchange
        provider = catalogue().get(captured.provider)
        recorded = captured.answer
        try:
            if provider is not None and provider.wire is None and exchange.match.action is Action.GENERATE:
                return self._of_itself(provider)
            if exchange.match.action is Action.COUNT and recorded is not None and recorded.status == 200:
                return estimate(exchange)
            exchange.wire.parse_request(exchange.body, exchange.loss)
        except ConversionError as error:
            return exchange.failure_for(failure_of(error))
        status = recorded.status if recorded is not None else "none"
        raise Unplayable(f"no provider was asked (status {status}), and not because of what the request says")

    def _of_itself(self, provider: Provider) -> Response:
        exchange = self._exchange
        exchange.turn_to(provider, None, self._captured.target)
        chat = parsed(exchange, lambda: _NOW)
        assert exchange.ask is not None
        exchange.ask.new_id = lambda: next(self._ids)
        return written_answer(exchange, watched(provider.answer(chat), exchange))

    # --- upstream bytes -> client answer ---

    def _read(self, tried: Tried) -> str:
        """How the attempt ends today; "" where it had no answer to be read."""
        exchange, made = self._exchange, self._exchange.made[-1]
        self._chunks = None
        if tried.answer is None:
            self._answer = exchange.failure_response(_told(tried))
            return ""
        response = _response(tried.answer)
        made.status, made.answer_headers = response.status_code, response.headers.fields
        if tried.answer.streamed:
            made.chunks = list(tried.answer.chunks)
        else:
            made.answer = tried.answer.body
        exchange.forget_answer()
        if response.status_code == 200 and exchange.stream and is_stream(exchange, response):
            return self._read_stream(tried, tried.answer, response)
        return self._read_whole(response)

    def _read_whole(self, response: Response) -> str:
        exchange = self._exchange
        outcome = "success"
        if response.status_code != 200:
            outcome = read_refusal(exchange, response).kind.value
        try:
            self._answer = whole_answer(exchange, response)
        except UpstreamError as error:
            outcome = error.kind.value
            self._answer = exchange.failure_response(error)
        return outcome

    def _read_stream(self, tried: Tried, answer: Answered, response: Response) -> str:
        exchange = self._exchange
        pipe = pipe_for(exchange, response)
        head_of_stream(exchange, response)
        written = [(seconds, pipe.feed(data)) for seconds, data in answer.chunks]
        written.append((0.0, _end(pipe, tried)))
        if pipe.failed is not None and not pipe.started:
            exchange.forget_answer()  # the attempt failed, and nothing of it was told
            self._answer = exchange.failure_response(pipe.failed)
        else:
            self._answer = response
            self._chunks = [(seconds, data) for seconds, data in written if data]
        return pipe.failed.kind.value if pipe.failed is not None else "success"

    # --- what came of it ---

    def _answered(self) -> Answered | None:
        answer, exchange = self._answer, self._exchange
        if answer is None:
            return None
        if self._chunks is not None:
            return Answered(answer.status_code, _fields(answer.headers), self._chunks, True)
        body = answer.raw_content or b""
        if exchange.code_assist and exchange.match.action is Action.GENERATE:
            body = in_envelope(answer)
        return Answered(answer.status_code, _fields(answer.headers), [(0.0, body)], False)

    def _record(self) -> JsonObject:
        captured, exchange, answer = self._captured, self._exchange, self._answered()
        made = exchange.made[-1:]  # the one whose answer the client has
        facts = Facts(
            id=captured.id,
            wire=exchange.wire,
            action=captured.action,
            state="complete",
            began=0.0,
            ended=0.0,
            headers=captured.headers,
            body=exchange.raw,
            said=captured.said,
            generates=exchange.match.action is Action.GENERATE,
            asked=exchange.model,
            provider=exchange.provider,
            profile=exchange.profile,
            restore=exchange.restore,
            attempts=made,
            status=answer.status if answer else None,
            answer_headers=_raw(answer.headers) if answer else (),
            answer=b"" if answer is None or answer.streamed else answer.body,
            chunks=list(answer.chunks) if answer is not None and answer.streamed else [],
            usage=exchange.usage,
            stop_reason=exchange.finish.reason if exchange.finish else None,
            loss=exchange.loss,
            prompt=exchange.prompt,
        )
        record = loads(self._maker.line(facts))
        assert isinstance(record, dict)
        return record


def _begun(captured: Captured, action: Action, settings: Settings) -> Exchange:
    """As the client's leg leaves it. Raises Unplayable."""
    wire = WIRES.get(captured.protocol)
    if wire is None:
        raise Unplayable(f"protocol {captured.protocol!r} is not known")
    found = _match(captured, action)
    exchange = Exchange(found, wire, dict(captured.headers), settings)
    exchange.id = captured.id
    exchange.query = {name: str(value) for name, value in captured.query.items()}
    exchange.raw = captured.body
    exchange.prompt, exchange.prompt_for = captured.prompt, lambda _: captured.prompt
    if captured.code_assist:
        exchange.code_assist = code_assist_call(captured.method, split_provider(captured.path, list(catalogue()))[1])
    exchange.array = found.stream and exchange.query.get("alt") != "sse" and exchange.code_assist is None
    if action is not Action.STORED:
        try:
            body = loads(captured.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Unplayable("the client's request is no JSON object")
        exchange.body = body | captured.said
    exchange.model = captured.asked
    exchange.stream = exchange.body.get("stream") is True and action is Action.GENERATE
    return exchange


def _match(captured: Captured, action: Action) -> Match:
    """Where the path leads today; what was noted where it leads nowhere, or elsewhere."""
    stream = captured.said.get("stream") is True
    noted = Match(action, captured.protocol, None, str(captured.said.get("model") or "") or None, stream)
    try:
        found = match(captured.method, captured.path, list(catalogue()))
    except ConversionError:
        return noted
    return found if found.action is action else noted


def _remember_as_sent(memory: ReasoningMemory, wire: ProviderWire, tried: Tried) -> None:
    """The reasoning that stood in memory then, as far as the provider was sent it: its exchange may not be at hand."""
    if not isinstance(wire, Wire):
        return
    try:
        body = loads(tried.sent.body)
        chat = wire.parse_request(body | {"model": tried.model}, Loss()) if isinstance(body, dict) else None
    except (ValueError, ConversionError):
        return
    for turn in chat.turns if chat else ():
        parts: list[AnswerPart] = []
        for part in turn.parts:
            match part:
                case Thinking(text, token):
                    parts.append(AnswerThinking(text, token))
                case ToolCall(id=id_, name=name, token=token):
                    parts.append(AnswerCall(id_, name, "", token=token))
        memory.remember(parts)


def _end(pipe: Pipe, tried: Tried) -> bytes:
    """The stream's end, as it was: in good order or not, or none, where the client had left before."""
    if pipe.over or tried.outcome in ("", "cancelled"):
        return b""
    broke_off = tried.reason.startswith(BROKE_OFF) or tried.outcome == Kind.TIMEOUT
    return pipe.fail(Kind(tried.outcome), tried.reason) if broke_off else pipe.close()


def _told(tried: Tried) -> UpstreamError:
    kind = Kind(tried.outcome) if tried.outcome in Kind else Kind.UNREACHABLE
    return UpstreamError(kind, tried.reason)


def _done[T](coroutine: Coroutine[None, None, T]) -> T:
    """What it returns; it waits for nothing, since nothing is fetched."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise RuntimeError("a replay waits for nothing")


def _response(answer: Answered) -> Response:
    """Bodies are recorded without their content coding."""
    plain = [(name, value) for name, value in answer.headers if name not in ("content-encoding", "content-length")]
    response = Response.make(answer.status, b"", Headers(_raw(plain)))
    response.data.content = b"" if answer.streamed and answer.status == 200 else answer.body
    return response


def _flow() -> HTTPFlow:
    nowhere = ("127.0.0.1", 0)
    return HTTPFlow(Client(peername=nowhere, sockname=nowhere, timestamp_start=0.0), Server(address=None))


def _fields(headers: Headers) -> Fields:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers.fields]


def _raw(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in fields]


def verdicts(found: Iterable[Captured | Unplayed], settings: Settings | None = None) -> Iterator[Verdict | Unplayed]:
    """One for each exchange. A fault that today's code has with one is a difference."""
    replay = Replay(settings)
    for captured in found:
        if isinstance(captured, Unplayed):
            yield captured
            continue
        try:
            yield judge(captured, replay.today(captured))
        except Unplayable as error:
            yield Unplayed(captured.id, captured.where, str(error))
        except Exception as error:  # of a converter, and that is what a replay is to find
            place = traceback.extract_tb(error.__traceback__)[-1]
            words = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
            yield Verdict(captured, [Difference("today's code", "", None, words)])

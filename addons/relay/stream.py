"""A stream: one request and its answer, by one attempt or several."""

import time
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, override

from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, GetHttpConnection, HttpStream, SendHttp
from mitmproxy.proxy.layers.http import _events as http_events
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)

from addons.relay.attempt import Call, FailedAttempt, alarm_period, error_of_answer
from addons.relay.events import TOO_LATE, AttemptFailedHook, Commands, PipeOver, Tick, Whole
from addons.relay.masked import plain_of
from addons.relay.messages import fault_of, own_copy, with_secrets, without_hop_by_hop
from addons.relay.played import Played
from converters.errors import Kind, UpstreamError
from converters.pipe import Pipe

if TYPE_CHECKING:
    from addons.relay.layer import RelayLayer

_FROM_PROVIDER = (
    ResponseHeaders,
    ResponseData,
    http_events.ResponseTrailers,
    http_events.ResponseEndOfMessage,
    ResponseProtocolError,
)


class RelayStream(HttpStream):
    """One request and its answer, by as many attempts as it takes, if `find` knows the flow; else as mitmproxy does it.

    Once an attempt is over, by an error or a deadline, its connection is abandoned before anything else happens: what still
    comes from there must not be taken for the next attempt's answer, for events carry a stream's number and no more.
    """

    def __init__(self, context: Context, stream_id: int, relay: "RelayLayer") -> None:
        super().__init__(context, stream_id)
        self._relay = relay
        self.call: Call | None = None
        self.connecting: GetHttpConnection | None = None
        self._waits_for = ""  # "head" or "body" of the provider's answer, "" while neither
        self._connected = False
        self._reused = False
        self._pipe: Pipe | None = None
        self._to_play: deque[tuple[float, bytes]] | None = None  # of an answer that was made here
        self._head_sent = False
        self._store = False  # mitmproxy's option `store_streamed_bodies`
        self._began = self._attempt_began = self._last_read = self._last_sent = 0.0

    @override
    def _handle_event(self, event: events.Event) -> Commands[None]:
        if isinstance(event, Tick):
            yield from self._tick(event.now)
        elif isinstance(event, PipeOver):
            assert self._pipe is not None
            yield from self._pipe_over(self._pipe, event.out)
        elif isinstance(event, events.Wakeup):
            if self._to_play is not None and self._pipe is not None:
                yield from self._play(self._pipe)
        else:
            yield from super()._handle_event(event)

    # --- sending -----------------------------------------------------------------------------------------------------

    @override
    def state_consume_request_body(self, event: events.Event) -> Commands[None]:
        if not isinstance(event, http_events.RequestEndOfMessage):
            if (
                not self.flow.response
            ):  # else it was answered by its head: nobody will read its body, so it takes no memory
                yield from super().state_consume_request_body(event)
            return
        flow = self.flow
        flow.request.timestamp_end = time.time()
        flow.request.data.content = bytes(self.request_body_buf)
        self.request_body_buf.clear()
        self.client_state = self.state_done
        yield HttpRequestHook(flow)
        if (yield from self.check_killed(True)):
            return
        call = self._relay.settings.find(flow)
        if flow.response:  # set by an addon
            flow.response.timestamp_start = time.time()
            played = call.pipe if call is not None else None
            yield HttpResponseHeadersHook(flow)
            if (yield from self.check_killed(True)):
                return
            if call is not None and call.pipe is not None and isinstance(played, Played):
                yield from self._begin_play(call, call.pipe, played)
            else:
                yield from self.send_response()
            return
        self.call = call
        if self.call is None:
            if (yield from self.make_server_connection()):
                yield from self._send_request(flow.request)
            return
        self._began = monotonic()
        yield from self._attempt(self.call)

    def _begin_play(self, call: Call, pipe: Pipe, played: Played) -> Commands[None]:
        """An answer that was made here goes out bit by bit. pipe: that one, or what addons have put around it."""
        self.call, self._pipe, self._head_sent = call, pipe, False
        self._store = bool(self.context.options.store_streamed_bodies)
        self._began = monotonic()
        self._to_play = deque(played.pieces)
        self.server_state = self.state_done  # nothing comes from there
        yield from self._play(pipe)

    def _play(self, pipe: Pipe) -> Commands[None]:
        """What is due, and a timer for what is next."""
        pieces = self._to_play
        while pieces is not None and pieces:
            if (wait := self._began + pieces[0][0] - monotonic()) > 0:
                yield commands.RequestWakeup(wait)
                return
            out = pipe.feed(pieces.popleft()[1])
            if pipe.over:
                self._to_play = None
                yield from self._pipe_over(pipe, out)
                return
            if out:
                yield from self._send_piped(out)
        self._to_play = None
        yield from self._pipe_over(pipe, pipe.close())

    def _stop_play(self, message: str) -> Commands[None]:
        """The client has left."""
        self._to_play = None
        self.client_state = self.server_state = self.state_errored
        self.flow.error = Error(message)
        yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield DropStream(self.stream_id)

    def _attempt(self, call: Call) -> Commands[None]:
        """Send flow.request; the answer comes as events."""
        self._attempt_began = monotonic()
        self._waits_for = "head"
        call.pipe = self._pipe = None
        self.flow.response = self.flow.error = None
        self.response_body_buf.clear()
        self.server_state = self.state_wait_for_response_headers
        yield from self._relay.arm(self.period())
        request, server = self.flow.request, self.flow.server_conn
        opened = self._relay.opened
        self.connecting = GetHttpConnection(
            (request.host, request.port), request.scheme == "https", server.via, server.transport_protocol
        )
        connection, error = yield self.connecting
        self.connecting = None
        if error:
            kind = Kind.TIMEOUT if error == TOO_LATE else Kind.UNREACHABLE
            yield from self._failed(call, UpstreamError(kind, f"the provider cannot be reached: {error}"))
            return
        self.context.server = self.flow.server_conn = connection
        self._connected = True
        self._reused = opened == self._relay.opened
        yield from self._send_request(with_secrets(request, call.secret_headers))

    def _send_request(self, request: http.Request) -> Commands[None]:
        content, trailers = self.flow.request.raw_content, self.flow.request.trailers
        parts: list[HttpEvent] = [RequestHeaders(self.stream_id, request, not (content or trailers))]
        if content:
            parts.append(http_events.RequestData(self.stream_id, content))
        if trailers:
            parts.append(http_events.RequestTrailers(self.stream_id, trailers))
        parts.append(http_events.RequestEndOfMessage(self.stream_id))
        if self._relay.is_relay_client(self.context.server):
            parts = [Whole(self.stream_id, parts)]
        for part in parts:
            yield SendHttp(part, self.context.server)

    def _abandon(self) -> Commands[None]:
        """Hang up on the provider, and forget what it said while an addon was thinking."""
        self._paused_event_queue = deque(e for e in self._paused_event_queue if not isinstance(e, _FROM_PROVIDER))
        if self._connected:
            self._connected = False
            yield SendHttp(RequestProtocolError(self.stream_id, "abandoned", ErrorCode.CANCEL), self.context.server)

    def _failed(self, call: Call, error: UpstreamError, answer: http.Response | None = None) -> Commands[None]:
        """This attempt is over and the client has seen nothing: make another one, or answer."""
        self._waits_for = ""
        if answer is None:
            yield from self._abandon()
        if (yield from self.check_killed(True)):
            return
        failed = FailedAttempt(self.flow, error, answer, self._reused)
        yield AttemptFailedHook(failed)
        if (yield from self.check_killed(True)):
            return
        if failed.again and not self._out_of_time(call, monotonic()):
            yield from self._attempt(call)
            return
        if failed.answer is None:
            self.flow.response = call.failure_response(failed.error)
        yield from self._answer()

    # --- receiving ---------------------------------------------------------------------------------------------------

    @override
    def state_wait_for_response_headers(self, event: ResponseHeaders) -> Commands[None]:
        call, flow = self.call, self.flow
        # A copy: the connection still reads its own to decide whether it can be used again, when hooks have changed ours.
        event.response = response = own_copy(event.response)
        if call is None:
            yield from super().state_wait_for_response_headers(event)
            return
        self._waits_for, self._last_read = "body", monotonic()
        flow.response = response
        if not event.end_stream and (yield from self.check_body_size(False)):
            return
        if fault := fault_of(response):
            yield from self._failed(
                call, UpstreamError(Kind.BROKEN_STREAM, f"the provider's answer is malformed: {fault}")
            )
            return
        yield HttpResponseHeadersHook(flow)
        if (yield from self.check_killed(True)):
            yield from self._abandon()
            return
        self._pipe = call.pipe
        if self._pipe is not None:
            self._head_sent, self._store = False, bool(self.context.options.store_streamed_bodies)
            self._last_sent = monotonic()
            self.server_state = self._state_pipe
        elif flow.response.stream and not event.end_stream:
            yield from self.start_response_stream()
        else:
            self.server_state = self.state_consume_response_body

    def _state_pipe(self, event: HttpEvent) -> Commands[None]:
        pipe = self._pipe
        assert pipe is not None
        if isinstance(event, ResponseData):
            self._last_read = monotonic()
            out = pipe.feed(event.data)
            if pipe.over:
                yield from self._pipe_over(pipe, out)
            elif out:
                yield from self._send_piped(out)
        elif isinstance(event, http_events.ResponseEndOfMessage):
            self._connected = False  # the connection may serve again, whatever the reader says
            yield from self._pipe_over(pipe, pipe.close())

    def _send_piped(self, out: bytes) -> Commands[None]:
        if self._store:
            self.response_body_buf += out
        self._last_sent = monotonic()
        data = ResponseData(self.stream_id, out)
        if self._head_sent:
            yield SendHttp(data, self.context.client)
        else:
            self._head_sent = True
            yield from self._send_response([ResponseHeaders(self.stream_id, self._piped_head()), data])
            if self._waits_for:
                self._relay.tap(self.context.server, self.stream_id, self._tapped)

    def _tapped(self, data: bytes) -> list[commands.Command] | None:
        """As `_state_pipe`, once the head is sent: from here to the end a stream is nothing but reads and writes."""
        pipe, client = self._pipe, self._relay.client
        if pipe is None or self._paused is not None or client is None or client.over:
            return None
        self._last_read = now = monotonic()
        out = pipe.feed(data)
        if pipe.over:
            return [ReceiveHttp(PipeOver(self.stream_id, out))]
        if not out:
            return []
        if self._store:
            self.response_body_buf += out
        self._last_sent = now
        return [commands.SendData(client.conn, client.framed(out))]

    def _piped_head(self) -> http.Response:
        """The length is unknown: HTTP/1.1 gets chunks, HTTP/1.0 reads until we close, HTTP/2 has frames."""
        response = self._client_head()
        if self.flow.request.http_version == "HTTP/1.1":
            response.headers.fields += ((b"transfer-encoding", b"chunked"),)
        return response

    def _client_head(self) -> http.Response:
        """Without framing, which is the caller's."""
        response = self.flow.response
        assert response is not None
        without_hop_by_hop(response.headers)
        response.http_version = "HTTP/1.1"
        return response

    def _pipe_over(self, pipe: Pipe, out: bytes) -> Commands[None]:
        """The stream has ended, one way or the other; `out` are its last bytes."""
        self._waits_for = ""
        if pipe.failed is not None and not (self._head_sent or out):
            assert self.call is not None
            yield from self._failed(self.call, pipe.failed)
            return
        yield from self._abandon()
        if out:
            yield from self._send_piped(out)
        elif not self._head_sent:
            yield SendHttp(ResponseHeaders(self.stream_id, self._piped_head()), self.context.client)
        if self._store and self.flow.response:
            self.flow.response.data.content = bytes(self.response_body_buf)
        yield from super().send_response(already_streamed=True)

    @override
    def send_response(self, already_streamed: bool = False) -> Commands[None]:
        response, call = self.flow.response, self.call
        assert response is not None
        if call is None or already_streamed:
            self._waits_for = ""
            yield from self._unmasked(super().send_response(already_streamed))
            return
        self._waits_for, self._connected = "", False
        if response.status_code >= 400:
            yield from self._failed(call, error_of_answer(response), response)
        elif (fault := call.fault_in(response)) is not None:
            yield from self._failed(call, fault)
        else:
            yield from self._answer()

    def _unmasked(self, answering: Commands[None]) -> Commands[None]:
        """mitmproxy's way to answer, which sends what the flow holds after `response`."""
        for command in answering:
            yield command
            if isinstance(command, HttpResponseHook) and (plain := plain_of(self.flow)) is not None:
                response = self.flow.response
                assert response is not None
                masked, response.data.content = response.data.content, plain
                try:
                    yield from answering
                finally:
                    response.data.content = masked

    def _answer(self) -> Commands[None]:
        """The final answer, whole: the provider's, or an error of ours."""
        assert self.flow.response is not None
        self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        if (yield from self.check_killed(False)):
            return
        response = self._client_head()
        plain = plain_of(self.flow)
        content = (response.raw_content or b"") if plain is None else plain
        response.headers.fields += ((b"content-length", b"%d" % len(content)),)
        parts: list[HttpEvent] = [ResponseHeaders(self.stream_id, response, not content)]
        if content:
            parts.append(ResponseData(self.stream_id, content))
        yield from self._send_response(parts)
        yield from self.flow_done()

    def _send_response(self, parts: list[HttpEvent]) -> Commands[None]:
        if self._relay.client is not None:
            parts = [Whole(self.stream_id, parts)]
        for part in parts:
            yield SendHttp(part, self.context.client)

    # --- when things go wrong ----------------------------------------------------------------------------------------

    @override
    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> Commands[None]:
        call = self.call
        self._note_leaving(event)
        if self._to_play is not None and isinstance(event, RequestProtocolError):
            yield from self._stop_play(event.message)
            return
        if call is None or isinstance(event, RequestProtocolError) or not self._waits_for:
            self._waits_for = ""
            yield from super().handle_protocol_error(event)
            return
        kind = Kind.UNREACHABLE if event.code is ErrorCode.CONNECT_FAILED else Kind.BROKEN_STREAM
        yield from self._broke(call, kind, f"the provider broke off: {event.message}")

    @override
    def check_killed(self, emit_error_hook: bool) -> Commands[bool]:
        for event in self._paused_event_queue:  # the client may have left while an addon was thinking
            self._note_leaving(event)
        return (yield from super().check_killed(emit_error_hook))

    def _note_leaving(self, event: events.Event) -> None:
        """Not for a request that is malformed or comes too slowly: that is refused, on a connection that stays."""
        if not isinstance(event, RequestProtocolError):
            return
        has_asked = self.flow.request.timestamp_end is not None
        has_closed = not self.context.client.state & ConnectionState.CAN_READ
        call = self.call or self._relay.settings.find(self.flow)
        if call is not None and (has_asked or has_closed or event.code is ErrorCode.CANCEL):
            call.client_left = True

    def _broke(self, call: Call, kind: Kind, message: str) -> Commands[None]:
        if self.server_state == self._state_pipe and self._pipe is not None:
            yield from self._pipe_over(self._pipe, self._pipe.fail(kind, message))
        elif self.server_state == self.state_stream_response_body:  # streamed by another addon: nothing can be said
            self._waits_for = ""
            error = ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR)
            yield from self._abandon()
            yield from super().handle_protocol_error(error)
        else:
            yield from self._failed(call, UpstreamError(kind, message))

    def period(self) -> float:
        """How often to look at the clock; 0: not at all."""
        if self.call is None or not self.flow.live or self.server_state in (self.state_done, self.state_errored):
            return 0.0
        call = self.call
        deadlines = call.first_byte_seconds, call.idle_seconds, call.heartbeat_seconds, call.total_seconds
        return alarm_period(*deadlines)

    def is_late(self, now: float) -> str:
        """Which deadline has passed, "" if none."""
        call = self.call
        if call is None or not self._waits_for:
            return ""
        if self._out_of_time(call, now):
            return f"the provider did not finish within {call.total_seconds:g} s"
        if self._waits_for == "head" and 0 < call.first_byte_seconds <= now - self._attempt_began:
            return f"the provider did not answer within {call.first_byte_seconds:g} s"
        if self._waits_for == "body" and 0 < call.idle_seconds <= now - self._last_read:
            return f"the provider was silent for {call.idle_seconds:g} s"
        return ""

    def _out_of_time(self, call: Call, now: float) -> bool:
        return 0 < call.total_seconds <= now - self._began

    def _tick(self, now: float) -> Commands[None]:
        call, pipe = self.call, self._pipe
        if call is None:
            return
        if late := self.is_late(now):
            yield from self._broke(call, Kind.TIMEOUT, late)
        elif self._waits_for == "body" and pipe is not None and 0 < call.heartbeat_seconds <= now - self._last_sent:
            out = pipe.heartbeat()
            if out:
                yield from self._send_piped(out)

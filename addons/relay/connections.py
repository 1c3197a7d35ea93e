"""HTTP/1 connections of ours, to the client and to a provider, and an HTTP/2 client's."""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, override

import h11
from h2.errors import ErrorCodes
from h2.events import Event as H2Event
from h2.events import StreamReset
from h11._readers import ContentLengthReader, Http10Reader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.net.http.status_codes import RESPONSES
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server

from addons.relay.attempt import alarm_period
from addons.relay.events import BodyReader, Commands, Tick, Whole, chunked_reader

if TYPE_CHECKING:
    from addons.relay.layer import RelayLayer

# Control characters, a line end by itself among them, and folded lines: what two readers of one head may read differently.
_AMBIGUOUS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\n[ \t]")
# mitmproxy also takes tabs, several blanks and any version, and treats what calls itself HTTP/2.0 as if it were.
_REQUEST_LINE = re.compile(rb"[^\x00-\x20\x7f]+ [^\x00-\x20\x7f]+ HTTP/1\.[01]")
MAX_TAKEN_BACK = 100  # requests that an HTTP/2 connection may reset, beyond as many as it let be answered
LINGER_SECONDS = 5.0  # how long a refused client may go on sending, so that it reads our answer and not a reset


def _asked_path(head: bytes) -> str:
    """What a head asks for, if its first line is here and looks like one; else "/"."""
    words = head.lstrip(b"\r\n").partition(b"\n")[0].split(b" ")
    return words[1].decode("ascii", "backslashreplace") if len(words) == 3 else "/"


def _joined(conn: Connection, sent: Iterator[commands.Command]) -> Commands[None]:
    """The same commands, with neighbouring writes made one."""
    pending: list[bytes] = []
    for command in sent:
        if isinstance(command, commands.SendData):
            pending.append(command.data)
            continue
        if pending:
            yield commands.SendData(conn, b"".join(pending))
            pending.clear()
        yield command
    if pending:
        yield commands.SendData(conn, b"".join(pending))


class _Http1(Http1Connection):
    """What both sides share. over: this side is given up; what still arrives belongs to nobody.

    header_limit: bytes of a head; mitmproxy itself has no limit. tap: takes content on a short way past the layers; gives what is to be done, or None if it must go the long way.
    """

    over = False
    header_limit: int
    tap: Callable[[bytes], list[commands.Command] | None] | None = None

    def malformed(self, message: str) -> Commands[None]:
        raise NotImplementedError

    def next_head(self) -> list[bytes] | None:
        """Lines of the next head, None if it is not all there. Empty lines before it are skipped (RFC 9112, 2.2)."""
        while (lines := self.buf.maybe_extract_lines()) is not None:
            if lines:
                return [bytes(line) for line in lines]
        return None

    def is_too_large(self, head: list[bytes] | None) -> bool:
        """Whether a head is over the limit; None: what is here of one."""
        return (len(self.buf) if head is None else sum(map(len, head)) + 2 * len(head)) > self.header_limit

    def start_body(self, size: int | None, event: events.Event) -> Commands[None]:
        """size: as from `http1.expected_http_body_size`."""
        if size is None:
            self.body_reader = chunked_reader()  # type: ignore[assignment]
        else:
            self.body_reader = Http10Reader() if size == -1 else ContentLengthReader(size)
        self.state = self.read_body
        yield from self.read_body(event)

    @override
    def read_body(self, event: events.Event) -> Commands[None]:
        """As in mitmproxy, but trailers are dropped (they crash it), and nothing is read once this side is given up."""
        assert self.stream_id is not None
        more = isinstance(event, events.DataReceived)
        reader: BodyReader = self.body_reader
        while not self.over:
            try:
                received = reader(self.buf) if more else reader.read_eof()
            except h11.ProtocolError as error:
                # h11 quotes what it read, and that is a part of somebody's text.
                yield from self.malformed(f"HTTP/1 protocol error: {str(error).partition(':')[0]}")
                return
            if received is None:
                return
            if isinstance(received, h11.EndOfMessage):
                assert self.request is not None
                if self.request.method != "CONNECT":
                    yield ReceiveHttp(self.ReceiveEndOfMessage(self.stream_id))
                is_request = isinstance(self, Http1Server)
                yield from self.mark_done(request=is_request, response=not is_request)
                return
            data = received if isinstance(received, bytes) else bytes(received.data)
            if data:
                done = self.tap(data) if self.tap is not None else None
                if done is None:
                    yield ReceiveHttp(self.ReceiveData(self.stream_id, data))
                else:
                    yield from done


class RelayServer(_Http1, Http1Server):
    """The client's connection. Refusals are JSON; half a request is not waited for without end."""

    def __init__(self, context: Context, relay: "RelayLayer") -> None:
        super().__init__(context)
        self._relay = relay
        self.header_limit = relay.settings.header_limit
        self._first_line = b""  # of a head that may be refused
        self._due = 0.0  # when to give up: on a head, on a body, or on a client that was refused; 0: nothing is due
        self._chunked = False

    @override
    def send(self, event: HttpEvent) -> Commands[None]:
        if isinstance(event, ResponseData):
            if event.data and not self.over:
                yield commands.SendData(self.conn, self.framed(event.data))
        elif isinstance(event, Tick):
            yield from self._tick(event.now)
        elif self.over:
            return
        elif isinstance(event, Whole):
            yield from _joined(self.conn, chain.from_iterable(map(self.send, event.parts)))
        elif isinstance(event, ResponseProtocolError):
            yield from self._refuse(event.code.http_status_code(), event.message)
        else:
            if isinstance(event, ResponseHeaders):
                self._chunked = "chunked" in event.response.headers.get("transfer-encoding", "").lower()
            yield from super().send(event)
            if isinstance(event, ResponseHeaders) and event.response.status_code == 100:
                self.response = None  # an interim answer: an error can still be answered

    def framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    @override
    def read_headers(self, event: events.ConnectionEvent) -> Commands[None]:
        if not isinstance(event, events.DataReceived):
            yield commands.CloseConnection(self.conn)  # mitmproxy logs the bytes it got so far, keys included
            return
        self._first_line = b""
        head = self.next_head()
        if head is not None:
            self._first_line = head[0]
        if self.is_too_large(head):
            yield from self._refuse(431, f"The request head is over the limit of {self.header_limit} bytes.")
            return
        if head is None:
            if self.buf and not self._due:
                yield from self._wait_at_most(self._relay.settings.header_seconds)
            return
        self._due = 0.0
        try:
            if _AMBIGUOUS.search(b"\n".join(head)):
                raise ValueError("control characters or a folded line in its head")
            if not _REQUEST_LINE.fullmatch(head[0]):
                raise ValueError("its first line is not METHOD TARGET HTTP/1.1")
            self.request = http1.read_request_head(head)
            size = http1.expected_http_body_size(self.request)
            if size is None and self.request.headers["transfer-encoding"].lower() != "chunked":
                raise ValueError("transfer-encoding other than chunked")
        except ValueError as error:
            yield from self._refuse(400, f"Malformed request: {str(error).partition(':')[0]}.")
            return
        yield ReceiveHttp(RequestHeaders(self.stream_id, self.request, size == 0))
        if self.over:
            return
        yield from self.start_body(size, event)
        if self.state == self.read_body and not self.over:
            yield from self._wait_at_most(self._relay.settings.body_seconds)

    @override
    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands[None]:
        if request:
            self._due = 0.0
        yield from super().mark_done(request=request, response=response)

    @override
    def malformed(self, message: str) -> Commands[None]:
        yield from self._refuse(400, message)
        yield ReceiveHttp(RequestProtocolError(self.stream_id, message, ErrorCode.GENERIC_CLIENT_ERROR))

    def period(self) -> float:
        """How often to look at the clock; 0: not at all."""
        settings = self._relay.settings
        return alarm_period(settings.header_seconds, settings.body_seconds) if self._due else 0.0

    def _wait_at_most(self, seconds: float) -> Commands[None]:
        if seconds:
            self._due = monotonic() + seconds
            yield from self._relay.arm(self.period())

    def _tick(self, now: float) -> Commands[None]:
        if not self._due or now < self._due:
            return
        self._due = 0.0
        if self.over:
            yield commands.CloseConnection(self.conn)
            return
        in_body = self.state == self.read_body
        message = f"The request's {'body' if in_body else 'head'} did not arrive in time."
        yield from self._refuse(408, message)
        if in_body:
            yield ReceiveHttp(RequestProtocolError(self.stream_id, message, ErrorCode.GENERIC_CLIENT_ERROR))

    def _refuse(self, status: int | None, message: str) -> Commands[None]:
        """Answer (unless an answer has begun, or status is None) and end the connection."""
        if self.over or not self.conn.state & ConnectionState.CAN_WRITE:
            return
        self.over = True
        answered = status is not None and not self.response
        if status is not None and answered:
            path = self.request.path if self.request else _asked_path(self._first_line or bytes(self.buf))
            body = self._relay.settings.render_error(path, status, message)
            head = "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            raw = (head % (status, RESPONSES.get(status, ""), len(body))).encode()
            yield commands.SendData(self.conn, raw + body)
        if answered and not self.request_done and not self.conn.tls:
            # Closing while the client is still sending would reset the connection before it has read our answer.
            yield commands.CloseTcpConnection(self.conn, half_close=True)
            self.state = self._discard
            self._due = monotonic() + LINGER_SECONDS
            yield from self._relay.arm(self.period())
        else:
            yield commands.CloseConnection(self.conn)
            self.state = self.done

    def _discard(self, event: events.Event) -> Commands[None]:
        self.buf = ReceiveBuffer()
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.conn)


class RelayHttp2Server(Http2Server):
    """An HTTP/2 client's connection: refusals are JSON; requests are not taken back without end (CVE-2023-44487)."""

    def __init__(self, context: Context, relay: "RelayLayer") -> None:
        super().__init__(context)
        self._relay = relay
        self._taken_back = self._answered = 0
        # Over it, the connection ends: the tables that both sides pack heads with are no longer the same.
        self.h2_conn.decoder.max_header_list_size = relay.settings.header_limit
        self.h2_conn.local_settings.max_header_list_size = relay.settings.header_limit
        self.h2_conn.local_settings.acknowledge()

    @override
    def handle_h2_event(self, event: H2Event) -> Commands[bool]:
        if isinstance(event, StreamReset):
            self._taken_back += 1
            if self._taken_back > MAX_TAKEN_BACK + self._answered:
                yield from self.protocol_error("Too many requests were taken back", ErrorCodes.ENHANCE_YOUR_CALM)
                return True
        return (yield from super().handle_h2_event(event))

    @override
    def protocol_error(self, message: str, error_code: int = ErrorCodes.PROTOCOL_ERROR) -> Commands[None]:
        """h2 quotes the field that it refuses, and mitmproxy logs it: it may be a key with a line end behind it."""
        yield from super().protocol_error(message.partition(":")[0], error_code)

    @override
    def _handle_event(self, event: events.Event) -> Commands[None]:
        if isinstance(event, ResponseProtocolError) and (status := event.code.http_status_code()) is not None:
            stream = self.h2_conn.streams.get(event.stream_id)
            if stream and self.is_open_for_us(event.stream_id) and not stream.state_machine.headers_sent:
                flow_stream = self._relay.streams.get(event.stream_id)
                path = flow_stream.flow.request.path if flow_stream else "/"
                body = self._relay.settings.render_error(path, status, event.message)
                headers = [(b":status", b"%d" % status), (b"content-type", b"application/json")]
                self.h2_conn.send_headers(event.stream_id, headers)
                self.h2_conn.send_data(event.stream_id, body, end_stream=True)
                yield commands.SendData(self.conn, self.h2_conn.data_to_send())
                return
        self._answered += isinstance(event, ResponseEndOfMessage)
        yield from super()._handle_event(event)


class RelayClient(_Http1, Http1Client):
    """A connection to a provider. Interim answers are skipped; once an attempt is abandoned nothing of it is heard again."""

    @classmethod
    def adopt(cls, client: Http1Client, header_limit: int) -> None:
        """Make mitmproxy's connection, which has only just been opened, one of ours."""
        client.__class__ = cls
        assert isinstance(client, cls)
        client.header_limit = header_limit
        client.state = client.read_headers

    @override
    def handle_event(self, event: events.Event) -> Commands[None]:
        """What comes in most goes the shortest way; nothing here ever waits for a reply."""
        if type(event) is events.DataReceived and self.state == self.read_body and self.debug is None:
            self.buf += event.data
            return self.read_body(event)
        return super().handle_event(event)

    def is_answering(self, number: int) -> bool:
        """Whether more of this stream's answer is to come."""
        return not self.over and self.stream_id == number and not self.response_done

    @override
    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands[None]:
        if response:
            self.tap = None
        yield from super().mark_done(request=request, response=response)

    @override
    def send(self, event: HttpEvent) -> Commands[None]:
        if isinstance(event, Whole):
            yield from _joined(self.conn, chain.from_iterable(map(self.send, event.parts)))
            return
        if isinstance(event, RequestProtocolError):
            self._give_up()
        yield from super().send(event)

    @override
    def read_headers(self, event: events.ConnectionEvent) -> Commands[None]:
        if not isinstance(event, events.DataReceived):
            yield from self._closed_early()
            return
        if self.request is None:
            yield commands.Log("A provider sent data without being asked: connection closed.")
            yield commands.CloseConnection(self.conn)
            self._give_up()
            return
        status = 100
        while 100 <= status < 200 and status != 101:
            head = self.next_head()
            if self.is_too_large(head):
                yield from self.malformed("response head is too large")
                return
            if head is None:
                return
            try:
                self.response = http1.read_response_head(head)
                size = http1.expected_http_body_size(self.request, self.response)
            except ValueError:
                yield from self.malformed("response head is malformed")
                return
            status = self.response.status_code
        assert self.stream_id is not None and self.response is not None
        yield ReceiveHttp(ResponseHeaders(self.stream_id, self.response, size == 0))
        if not self.over:
            yield from self.start_body(size, event)

    @override
    def malformed(self, message: str) -> Commands[None]:
        yield commands.CloseConnection(self.conn)
        yield from self._tell(message, ErrorCode.GENERIC_SERVER_ERROR)

    def _closed_early(self) -> Commands[None]:
        if self.conn.state & ConnectionState.CAN_WRITE:
            yield commands.CloseConnection(self.conn)
        if self.buf:
            yield from self._tell("connection closed within the response head", ErrorCode.GENERIC_SERVER_ERROR)
        else:
            yield from self._tell("connection closed before a response", ErrorCode.CONNECT_FAILED)

    def _tell(self, message: str, code: ErrorCode) -> Commands[None]:
        stream_id = self.stream_id
        self._give_up()
        if stream_id is not None:
            yield ReceiveHttp(ResponseProtocolError(stream_id, message, code))

    def _give_up(self) -> None:
        self.over, self.tap = True, None
        self.state = self.done

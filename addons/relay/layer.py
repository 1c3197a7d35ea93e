"""The layer: everything on one client connection. It owns the clock and the connections to providers."""

from collections.abc import Callable
from time import monotonic
from typing import override

from mitmproxy.connection import Connection, ConnectionState, Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpClient,
    HttpLayer,
    HTTPMode,
    RegisterHttpConnection,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import RequestHeaders
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons.relay.connections import RelayClient, RelayHttp2Server, RelayServer
from addons.relay.events import TOO_LATE, Alarm, Commands, Settings, Tick
from addons.relay.stream import RelayStream


class RelayLayer(HttpLayer):
    """Everything on one client connection."""

    def __init__(self, context: Context, mode: HTTPMode, settings: Settings) -> None:
        super().__init__(context, mode)
        self.settings = settings
        self.client: RelayServer | None = None  # the client's connection, if it is HTTP/1
        self.opened = 0  # connections to providers, so far
        self._alarm: Alarm | None = None

    @override
    def handle_event(self, event: events.Event) -> Commands[None]:
        """One generator less for each event: this layer itself never waits for a reply."""
        return self._handle_event(event) if self.debug is None else super().handle_event(event)

    @override
    def event_to_child(self, child: layer.Layer, event: events.Event) -> Commands[None]:
        """As mitmproxy's, with what is frequent first."""
        for command in child.handle_event(event):
            if isinstance(command, commands.SendData):
                yield command
            elif isinstance(command, ReceiveHttp):
                number = command.event.stream_id
                if isinstance(command.event, RequestHeaders):
                    yield from self.make_stream(number)
                if (stream := self.streams.get(number)) is not None:  # else it is over already
                    yield from self.event_to_child(stream, command.event)
            elif isinstance(command, SendHttp):
                yield from self.event_to_child(self.connections[command.connection], command.event)
            else:
                if command.blocking or isinstance(command, commands.RequestWakeup):
                    self.command_sources[command] = child
                yield from self._rare(command, child)

    def _rare(self, command: commands.Command, child: layer.Layer) -> Commands[None]:
        if isinstance(command, DropStream):
            self.streams.pop(command.stream_id, None)
        elif isinstance(command, GetHttpConnection):
            yield from self.get_connection(command)
        elif isinstance(command, RegisterHttpConnection):
            yield from self.register_connection(command)
        else:
            if isinstance(command, commands.OpenConnection):
                self.connections[command.connection] = child
            yield command

    @override
    def _handle_event(self, event: events.Event) -> Commands[None]:
        if isinstance(event, events.ConnectionEvent):
            child = self.connections.get(event.connection)
            if child is not None:
                yield from self.event_to_child(child, event)
            elif event.connection == self.context.server:
                yield from super()._handle_event(event)
            # else: a connection that was given up while it was being opened
        elif isinstance(event, events.Wakeup) and isinstance(event.command, Alarm):
            self.command_sources.pop(event.command, None)
            if event.command is self._alarm:
                yield from self._ring()
        else:
            if isinstance(event, events.Start):
                self._serve()
            yield from super()._handle_event(event)

    def _serve(self) -> None:
        alpn = self.context.client.alpn
        if alpn == b"h2":
            self.connections.setdefault(self.context.client, RelayHttp2Server(self.context.fork(), self))
        elif not (alpn and alpn.startswith(b"h3")):
            self.connections[self.context.client] = self.client = RelayServer(self.context.fork(), self)

    @override
    def make_stream(self, stream_id: int) -> Commands[None]:
        self.streams[stream_id] = stream = RelayStream(self.context.fork(), stream_id, self)
        yield from self.event_to_child(stream, events.Start())

    # --- time --------------------------------------------------------------------------------------------------------

    def arm(self, period: float) -> Commands[None]:
        """Look at the clock after `period` seconds, unless that will happen anyway. One timer for the whole connection."""
        if period and (self._alarm is None or period < self._alarm.delay):
            self._alarm = Alarm(period)
            yield self._alarm

    def _ring(self) -> Commands[None]:
        self._alarm = None
        now = monotonic()
        if self.client is not None:
            yield from self.event_to_child(self.client, Tick(0, now))
        for stream in list(self.streams.values()):
            assert isinstance(stream, RelayStream)
            if stream.connecting is not None:
                if stream.is_late(now):
                    yield from self._stop_connecting(stream, stream.connecting)
            elif stream._paused is None:  # else: an addon is thinking, and time is its own
                yield from self.event_to_child(stream, Tick(stream.stream_id, now))
        periods = [stream.period() for stream in self.streams.values() if isinstance(stream, RelayStream)]
        if self.client is not None:
            periods.append(self.client.period())
        yield from self.arm(min(filter(None, periods), default=0.0))

    def _stop_connecting(self, stream: RelayStream, command: GetHttpConnection) -> Commands[None]:
        for connection, waiting in self.waiting_for_establishment.items():
            if command in waiting:
                waiting.remove(command)
                if not waiting:
                    del self.waiting_for_establishment[connection], self.connections[connection]
                    yield commands.CloseConnection(connection)
                del self.command_sources[command]
                yield from self.event_to_child(stream, GetHttpConnectionCompleted(command, (None, TOO_LATE)))
                return

    # --- connections to providers --------------------------------------------------------------------------------------

    def is_relay_client(self, connection: Server) -> bool:
        return isinstance(self.connections[connection].context.layers[-1], RelayClient)

    def tap(self, connection: Server, number: int, take: Callable[[bytes], list[commands.Command] | None]) -> None:
        """Let what comes from a provider for stream `number` take the short way, if both ends are HTTP/1.

        Not once all of it is here (it was, and waited for an addon): what comes next belongs to another stream.
        """
        upstream = self.connections[connection].context.layers[-1]
        if self.client is not None and isinstance(upstream, RelayClient) and upstream.is_answering(number):
            upstream.tap = take

    @override
    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> Commands[None]:
        """mitmproxy remembers a failed connection and fails the next one to that address with it: forget those."""
        in_use = [self.context.client, *(stream.context.server for stream in self.streams.values())]
        for connection in list(self.connections):
            dead = connection.error or connection.state is ConnectionState.CLOSED
            if dead and connection not in self.waiting_for_establishment and connection not in in_use:
                del self.connections[connection]
        if event.connection_spec_matches(self.context.server):
            self.context.server.error = None
        yield from super().get_connection(event, reuse=reuse)

    @override
    def register_connection(self, command: RegisterHttpConnection) -> Commands[None]:
        if command.connection not in self.waiting_for_establishment:
            yield commands.CloseConnection(command.connection)  # opened after all, but nobody waits any more
            return
        if not command.err:
            self.opened += 1
            client = self.connections[command.connection].context.layers[-1]
            if type(client) is Http1Client:
                RelayClient.adopt(client, self.settings.header_limit)
                self._leave_out_http_client(command.connection, client)
        yield from super().register_connection(command)

    def _leave_out_http_client(self, connection: Connection, client: Http1Client) -> None:
        """mitmproxy's HttpClient has opened the connection, and would from now on only pass events on."""
        above = self.connections[connection]
        if isinstance(above, HttpClient):
            self.connections[connection] = client
            return
        while isinstance(below := getattr(above, "child_layer", None), layer.Layer):
            if isinstance(below, HttpClient):
                setattr(above, "child_layer", client)  # noqa: B010 (not every layer declares it)
                return
            above = below

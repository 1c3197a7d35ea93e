"""A provider's stream -> the client's: the pipe for one, and the head of an answer that goes through it."""

from mitmproxy.http import Response

from addons.exchange import EVENT_STREAM, JSON, Exchange
from addons.heard import Heard
from addons.provider_answer import down_headers, undoing
from addons.relay import Pipe
from converters.code_assist import EnclosedPipe
from converters.gemini.array import ArrayPipe
from converters.pipe import StreamPipe, TeePipe


def pipe_for(exchange: Exchange, response: Response) -> Pipe:
    """response: its head. Raises UpstreamError for an unknown content coding."""
    pipe = _pipe(exchange, response)
    return EnclosedPipe(pipe) if exchange.code_assist else ArrayPipe(pipe) if exchange.array else pipe


def _pipe(exchange: Exchange, response: Response) -> StreamPipe | TeePipe:
    wire, ask, provider = exchange.target, exchange.ask, exchange.provider
    assert wire is not None and ask is not None and provider is not None
    limit = exchange.settings.stream_limit_bytes
    undo = undoing(response.headers.get("content-encoding", ""), provider.opener(), limit)
    reader, writer = wire.stream_reader(exchange.profile, exchange.chat), exchange.wire.stream_writer(ask)
    exchange.heard = Heard() if exchange.keeps_bodies else None
    heard = exchange.heard.add if exchange.heard else None
    if exchange.bypass:
        return TeePipe(reader, writer, exchange.watch, exchange.wire.keep_alive, undo, exchange.scrub, heard)
    restore = exchange.restore if exchange.restore and exchange.restore.needed else None
    return StreamPipe(reader, writer, exchange.watch, restore, undo, exchange.scrub, heard)


def head_of_stream(exchange: Exchange, response: Response) -> None:
    """Turns the provider's head into the client's, of a stream."""
    response.headers = down_headers(response.headers, exchange.scrub)
    if exchange.array:
        response.headers["content-type"] = JSON
    elif not exchange.bypass:
        response.headers["content-type"] = EVENT_STREAM
    response.headers["cache-control"] = "no-cache"
    response.stream = True
    exchange.stamp(response.headers)

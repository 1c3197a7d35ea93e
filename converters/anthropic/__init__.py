"""Anthropic Messages as code, for clients that speak it and for providers that do."""

from converters.anthropic.build import build_request
from converters.anthropic.errors import read_error, write_error
from converters.anthropic.parse import parse_request
from converters.anthropic.reader import Reader, read_answer
from converters.anthropic.writer import Writer, write_answer
from converters.sse import event_frame
from converters.wire import Limits, Wire

WIRE = Wire(
    name="anthropic",
    title="Anthropic Messages",
    limits=Limits(name_max=128, id_chars="A-Za-z0-9_-"),
    parse_request=parse_request,
    stream_writer=Writer,
    write_answer=write_answer,
    write_error=write_error,
    build_request=build_request,
    stream_reader=lambda profile, chat=None: Reader(),
    read_answer=read_answer,
    read_error=read_error,
    keep_alive=event_frame("ping", {"type": "ping"}),
)

"""OpenAI Chat Completions, as client protocol and as provider wire."""

from converters.openai_chat.build import build_request
from converters.openai_chat.errors import read_error, write_error
from converters.openai_chat.parse import parse_request
from converters.openai_chat.reader import StreamReader, read_answer
from converters.openai_chat.writer import StreamWriter, write_answer
from converters.wire import Limits, Wire

WIRE = Wire(
    name="chat",
    title="OpenAI Chat Completions",
    limits=Limits(custom_tools=True, document_urls=False),
    parse_request=parse_request,
    stream_writer=StreamWriter,
    write_answer=write_answer,
    write_error=write_error,
    build_request=build_request,
    stream_reader=lambda profile, chat=None: StreamReader(profile),
    read_answer=read_answer,
    read_error=read_error,
)

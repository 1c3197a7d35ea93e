"""OpenAI Responses, as client protocol and as provider wire."""

from converters.openai_responses.build import build_request
from converters.openai_responses.errors import read_error, write_error
from converters.openai_responses.parse import parse_request
from converters.openai_responses.reader import StreamReader, read_answer
from converters.openai_responses.writer import StreamWriter, write_answer
from converters.wire import Limits, Wire

WIRE = Wire(
    name="responses",
    title="OpenAI Responses",
    limits=Limits(custom_tools=True, document_urls=True),
    parse_request=parse_request,
    stream_writer=StreamWriter,
    write_answer=write_answer,
    write_error=write_error,
    build_request=build_request,
    stream_reader=lambda profile, chat=None: StreamReader(),
    read_answer=read_answer,
    read_error=read_error,
)

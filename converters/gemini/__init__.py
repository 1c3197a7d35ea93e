"""Gemini generateContent, as client protocol and as provider wire.

Model and streaming stand in the path of this protocol: `parse_request` takes them as members `model` and `stream` of the
body, `build_request` leaves them out. Streams are Server-Sent Events; for clients that did not ask for `alt=sse` there is
`array.ArrayPipe`.
"""

from converters.gemini.build import build_request
from converters.gemini.build_parts import OWN_URLS
from converters.gemini.errors import read_error, write_error
from converters.gemini.parse import parse_request
from converters.gemini.reader import StreamReader, read_answer
from converters.gemini.writer import Writer, write_answer
from converters.wire import Limits, Wire

WIRE = Wire(
    name="gemini",
    title="Gemini generateContent",
    limits=Limits(
        name_chars="A-Za-z0-9_.:-",
        name_first="A-Za-z_",
        name_max=63,
        document_urls=False,
        image_urls=False,
        own_urls=OWN_URLS,
    ),
    parse_request=parse_request,
    stream_writer=Writer,
    write_answer=write_answer,
    write_error=write_error,
    build_request=build_request,
    stream_reader=lambda profile, chat=None: StreamReader(profile),
    read_answer=read_answer,
    read_error=read_error,
    keep_alive=b"",
)

"""Kiro, AWS's CodeWhisperer streaming service, as provider wire: no client speaks it.

A body is `{"conversationState": ...}`; the provider adds what belongs to the account. Answers are always frames of an AWS event
stream, also where the client wants a whole answer.
"""

from converters.eventstream import CONTENT_TYPE
from converters.kiro.build import build_request
from converters.kiro.errors import read_error
from converters.kiro.reader import StreamReader, read_answer
from converters.wire import Limits, ProviderWire

WIRE = ProviderWire(
    name="kiro",
    title="Kiro (AWS CodeWhisperer)",
    limits=Limits(name_first="A-Za-z", id_chars="A-Za-z0-9_-", document_urls=False, image_urls=False),
    build_request=build_request,
    stream_reader=StreamReader,
    read_answer=read_answer,
    read_error=read_error,
    stream_type=CONTENT_TYPE,
)

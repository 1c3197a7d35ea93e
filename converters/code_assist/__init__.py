"""Code Assist: the Gemini API inside an envelope, for signed-in users. Put on and taken off here, in both roles.

`to_provider`: a plain Gemini body goes to Code Assist, its answer comes back. `of_client`: a client that believes to talk to
Code Assist (Gemini CLI) is treated as the Gemini client that it is.
"""

from converters.code_assist.of_client import (
    Disclosed,
    EnclosedPipe,
    Encloser,
    disclose_count,
    disclose_request,
    enclose_answer,
)
from converters.code_assist.to_provider import Opener, enclose, enclose_count, open_answer

__all__ = [
    "Disclosed",
    "EnclosedPipe",
    "Encloser",
    "Opener",
    "disclose_count",
    "disclose_request",
    "enclose",
    "enclose_answer",
    "enclose_count",
    "open_answer",
]

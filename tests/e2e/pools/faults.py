"""What can go wrong with an account, by name: before the client has a byte of the answer, and after."""

import json
import time
from collections.abc import Mapping
from email.utils import formatdate

from tests.e2e.pools.fakes import Answer, Fault
from tests.fakes.gemini_scripts import google_error
from tests.fakes.scripts import Delivery, Reply, Script

PAGE = b"<html><body><h1>Bad gateway</h1></body></html>"
HTML, JSON = {"content-type": "text/html"}, {"content-type": "application/json"}
_WAIT = {"@type": "RetryInfo", "retryDelay": "41.5s"}


def _openai_words(text: str) -> bytes:
    return json.dumps({"error": {"message": text, "type": "rate_limit_error", "param": None, "code": None}}).encode()


def _broken(ending: str, frames: int = 0) -> Script:
    return Script(delivery=Delivery(stop_after=frames, ending=ending))  # type: ignore[arg-type]


def before_first_byte() -> Mapping[str, Fault]:
    """Nothing of the answer can have reached the client, whole or streamed. A date is one of now."""
    return {
        "e401": Answer(401),
        "e402": Answer(402),
        "e403": Answer(403),
        "e404": Answer(404),
        "e408": Answer(408, {}, b""),
        "limitseconds": Answer(429, {"retry-after": "37"}),
        "limitdate": Answer(429, {"retry-after": formatdate(time.time() + 600, usegmt=True)}),
        "limitinfo": Answer(429, JSON, json.dumps(google_error(429, "Slow.", "RESOURCE_EXHAUSTED", _WAIT)).encode()),
        "limittext": Answer(429, JSON, _openai_words("Rate limit reached. Please try again in 12.5s.")),
        "limitbare": Answer(429, {}, b""),
        "e500": Answer(500),
        "e502": Answer(502, HTML, PAGE),
        "e503": Answer(503),
        "e504": Answer(504, HTML, PAGE),
        "e529": Answer(529),
        "closed": Script(no_head="cut"),
        "reset": Script(no_head="reset"),
        "nothttp": Script(no_head="garbage"),
        "garbage": Answer(200, JSON, b"\x00\x01 this is not JSON"),
        "nobody": Answer(200, JSON, b""),
        "half": Answer(200, JSON, b'{"id": "x", "choices": [{"index": 0, "mess'),
        "list": Answer(200, JSON, b"[1, 2, 3]"),
        "page": Answer(200, HTML, PAGE),
        "cut": _broken("cut"),
        "unfinished": _broken("unfinished"),
        "errorfirst": _broken("error"),
        "resetbody": _broken("reset"),
    }


# The name of the deadline that ends them -> the fault.
SILENCES: Mapping[str, Script] = {"first_byte": Script(no_head="silent"), "idle": _broken("silent")}

# Four frames of an answer are out, text among them. Slowly: what comes at once with the fault has not reached the client, and may
# be asked of another account.
_LONG = Reply(text=("Hello", ", ", "world", "!", " And", " more", "."))
AFTER_FIRST_BYTE: Mapping[str, Script] = {
    ending: Script(_LONG, delivery=Delivery(stop_after=4, ending=ending, pace=0.1))
    for ending in ("unfinished", "cut", "reset", "error", "garbage", "silent")
}

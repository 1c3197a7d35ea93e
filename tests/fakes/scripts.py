"""What a fake provider plays, in no protocol's words: the reply, and the way it is delivered or broken.

The model name chooses: its last `-` separated word if that is a name in SCRIPTS, else `text`. A test may register more.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

TEXT = ("Hello", ", ", "world", "!")
UNICODE = (
    "Grüße ",
    "naïve – ",
    "日本",
    "語 ",
    "😀",
    "👩‍👩‍👧 ",
    "Ω\u2028\u2029\x85",
    ' "quoted" \\back\n\n',
    "data: [DONE]\n\n",
    "end",
)
THOUGHT = ("Let me ", "think: 6 × 7", " = 42.")


@dataclass(frozen=True)
class Call:
    """A tool call. arguments: the JSON text as the model writes it, in the fragments it streams."""

    id: str
    name: str
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.arguments)


WEATHER = Call(
    "toolu_01Weather", "get_weather", ('{"city"', ': "Zür', 'ich 🌦", "days": 3, "big": 12345678901234567890, "f": 1.0}')
)
TIME = Call("toolu_02Time", "get_time", ("{}",))


@dataclass(frozen=True)
class Reply:
    """One answer: thinking, then text, then calls. interleaved: the fragments of the calls come in turns (chat only).

    redacted: a redacted thinking block after the thinking (anthropic only). prompt, cached, cache_written, completion: tokens.
    usage: where a Chat stream tells them: in a chunk of its own if asked for, on the finish chunk, or running in every chunk.
    """

    text: tuple[str, ...] = ()
    thinking: tuple[str, ...] = ()
    redacted: bool = False
    calls: tuple[Call, ...] = ()
    interleaved: bool = False
    refusal: tuple[str, ...] = ()
    stop: Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause"] = "stop"
    prompt: int = 25
    cached: int = 0
    cache_written: int = 0
    completion: int = 12
    usage: Literal["asked", "finish", "every"] = "asked"

    @property
    def whole_text(self) -> str:
        return "".join(self.text)

    @property
    def whole_thinking(self) -> str:
        return "".join(self.thinking)


@dataclass(frozen=True)
class Delivery:
    """How a stream's frames travel.

    slices: one HTTP chunk per frame, per byte, per 7 bytes, or all at once. pace: seconds before each frame.
    stop_after: this many frames, then `ending`. ending: `whole` sends the rest of the protocol; `unfinished` ends the HTTP body
    properly but without the protocol's terminal frames; `cut` closes, `reset` resets, `silent` says nothing more,
    `error` sends the protocol's error event, `garbage` sends three frames that are no JSON and closes properly.
    prelude: something meaningless before the first frame. whole_json: one JSON body although a stream was asked for. head_delay: seconds before the head.
    packed: gzip, all at once, although nobody asked for it.
    """

    slices: Literal["frames", "bytes", "sevens", "one"] = "frames"
    newline: bytes = b"\n"
    pace: float = 0.0
    head_delay: float = 0.0
    stop_after: int | None = None
    ending: Literal["whole", "unfinished", "cut", "reset", "silent", "error", "garbage"] = "whole"
    whole_json: bool = False
    done: bool = True
    comments: bool = False
    noise: bool = False
    prelude: bool = False
    packed: bool = False


@dataclass(frozen=True)
class HttpError:
    """An error answer. kind: the vendor's own word for it; body: sent as it is when given (else the vendor's JSON shape)."""

    status: int
    kind: str = ""
    message: str = "The fake says no."
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    code: str | None = None


@dataclass(frozen=True)
class Script:
    """reply: what to say; after_tools: what to say when the request ends with tool results. first_error: how often `error` is
    answered before the reply comes (None: always). no_head: break before a single byte of the answer.
    lenient: unknown fields and foreign signatures pass, as with many "compatible" vendors."""

    reply: Reply = field(default_factory=lambda: Reply(text=TEXT))
    after_tools: Reply | None = None
    delivery: Delivery = Delivery()
    error: HttpError | None = None
    first_errors: int | None = None
    no_head: Literal["cut", "reset", "silent", "garbage"] | None = None
    lenient: bool = False


_HTML_413 = b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
_AFTER = Reply(text=("It is ", "21 °C."))


def _text(delivery: Delivery, **more: object) -> Script:
    return replace(Script(delivery=delivery), **more)  # type: ignore[arg-type]


SCRIPTS: dict[str, Script] = {
    "text": Script(),
    "unicode": Script(Reply(text=UNICODE)),
    "unicodebytes": Script(Reply(text=UNICODE), delivery=Delivery(slices="bytes")),
    "empty": Script(Reply()),
    "tool": Script(Reply(text=("Calling.",), calls=(WEATHER,), stop="tool_calls"), _AFTER),
    "parallel": Script(Reply(calls=(WEATHER, TIME), stop="tool_calls"), _AFTER),
    "interleaved": Script(Reply(calls=(WEATHER, TIME), stop="tool_calls", interleaved=True), _AFTER),
    "thinking": Script(Reply(thinking=THOUGHT, text=("42",)), _AFTER),
    "thinkingtool": Script(Reply(thinking=THOUGHT, text=("Asking.",), calls=(WEATHER,), stop="tool_calls"), _AFTER),
    "redacted": Script(Reply(thinking=THOUGHT, redacted=True, calls=(WEATHER,), stop="tool_calls"), _AFTER),
    "json": Script(Reply(text=('{"city": ', '"Zürich", ', '"degrees": 21}'))),
    "refusal": Script(Reply(refusal=("I can", "not help."), stop="refusal")),
    "filtered": Script(Reply(text=("So",), stop="content_filter")),
    "length": Script(Reply(text=("cut of",), stop="length")),
    "cuttool": Script(Reply(calls=(Call("toolu_03Cut", "get_weather", ('{"city": "Zü',)),), stop="length")),
    "stopseq": Script(Reply(text=("before END",), stop="stop_sequence")),
    "cached": Script(Reply(text=TEXT, prompt=1000, cached=600, cache_written=300, completion=7)),
    # ways of delivery
    "slow": _text(Delivery(pace=0.05)),
    "bytes": _text(Delivery(slices="bytes")),
    "sevens": _text(Delivery(slices="sevens")),
    "one": _text(Delivery(slices="one")),
    "crlf": _text(Delivery(newline=b"\r\n")),
    "crlfbytes": _text(Delivery(newline=b"\r\n", slices="bytes")),
    "cr": _text(Delivery(newline=b"\r")),
    "comments": _text(Delivery(comments=True)),
    "noise": _text(Delivery(noise=True)),
    "prelude": _text(Delivery(prelude=True)),
    "usagefinish": Script(Reply(text=TEXT, usage="finish")),
    "usageevery": Script(Reply(text=TEXT, usage="every")),
    "nodone": _text(Delivery(done=False)),
    "wholejson": _text(Delivery(whole_json=True)),
    "late": _text(Delivery(head_delay=0.4)),
    "paced": Script(Reply(text=("tick ",) * 200), delivery=Delivery(pace=0.05)),
    # breaks after content: two frames of text are out
    "midunfinished": _text(Delivery(stop_after=4, ending="unfinished", pace=0.02)),
    "midcut": _text(Delivery(stop_after=4, ending="cut", pace=0.02)),
    "midreset": _text(Delivery(stop_after=4, ending="reset", pace=0.02)),
    "miderror": _text(Delivery(stop_after=4, ending="error", pace=0.02)),
    "midgarbage": _text(Delivery(stop_after=4, ending="garbage", pace=0.02)),
    "midsilent": _text(Delivery(stop_after=4, ending="silent", pace=0.02)),
    "toolcut": Script(
        Reply(calls=(WEATHER,), stop="tool_calls"), delivery=Delivery(stop_after=5, ending="cut", pace=0.02)
    ),
    # breaks before any content
    "earlyerror": _text(Delivery(stop_after=0, ending="error")),
    "earlyunfinished": _text(Delivery(stop_after=0, ending="unfinished")),
    "earlysilent": _text(Delivery(stop_after=0, ending="silent")),
    "nohead": Script(no_head="cut"),
    "noheadreset": Script(no_head="reset"),
    "silent": Script(no_head="silent"),
    "nothttp": Script(no_head="garbage"),
    # refusals
    "e400": Script(error=HttpError(400, "invalid_request_error", "The fake does not like this request.")),
    "etoolong": Script(error=HttpError(400, "invalid_request_error", "", code="context_length_exceeded")),
    "e401": Script(error=HttpError(401, "authentication_error", "Incorrect API key provided: sk-****")),
    "e402": Script(error=HttpError(402, "billing_error", "No credit.")),
    "e403": Script(error=HttpError(403, "permission_error", "Not for you.")),
    "e404": Script(error=HttpError(404, "not_found_error", "The model does not exist.", code="model_not_found")),
    "e413": Script(error=HttpError(413, "request_too_large", body=_HTML_413, headers={"content-type": "text/html"})),
    "e429": Script(
        error=HttpError(429, "rate_limit_error", "Slow down.", {"retry-after": "7"}, code="rate_limit_exceeded")
    ),
    "e500": Script(error=HttpError(500, "api_error", "Internal error.")),
    "e503": Script(error=HttpError(503, "overloaded_error", "Overloaded.")),
    "e529": Script(error=HttpError(529, "overloaded_error", "Overloaded.")),
    "ehtml": Script(
        error=HttpError(502, body=b"<html><body>Bad gateway</body></html>", headers={"content-type": "text/html"})
    ),
    "flaky500": Script(error=HttpError(500, "api_error", "Internal error."), first_errors=1),
}


def script_of(model: str, registered: dict[str, Script]) -> Script | None:
    """None: there is no such model."""
    word = model.rpartition("-")[2]
    if word == "nonexistent":
        return None
    return registered.get(model) or registered.get(word) or SCRIPTS.get(word) or SCRIPTS["text"]

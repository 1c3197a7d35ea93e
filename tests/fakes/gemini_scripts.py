"""What only Gemini answers, in its own words: chosen by the model's last word, like the scripts of all."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from tests.fakes.samples import PNG
from tests.fakes.scripts import TEXT, THOUGHT, TIME, WEATHER, Delivery, HttpError, Reply, Script

type JsonObject = dict[str, Any]

_INFO = "type.googleapis.com/google.rpc."


@dataclass(frozen=True)
class GeminiReply(Reply):
    """finish: the finishReason, in place of that of `stop`. blocked: the prompt's blockReason, with no candidate at all.
    bare: a last candidate without content. parts: raw ones, after the text. grounding: of the last candidate.
    framing: `lines` spreads an event over several `data:` lines, `open` leaves out the blank line at the end."""

    finish: str | None = None
    blocked: str | None = None
    bare: bool = False
    parts: tuple[JsonObject, ...] = ()
    grounding: JsonObject | None = None
    framing: Literal["frames", "lines", "open"] = "frames"


def google_error(code: int, message: str, status: str, *details: JsonObject) -> JsonObject:
    error: JsonObject = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = [{**detail, "@type": _INFO + detail["@type"]} for detail in details]
    return {"error": error}


def _whole(code: int, message: str, status: str, *details: JsonObject, listed: bool = False) -> Script:
    body: object = google_error(code, message, status, *details)
    return Script(
        error=HttpError(code, status, message, body=json.dumps([body] if listed else body, indent=2).encode())
    )


def _quota(quota: str, value: str) -> JsonObject:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    of = {"quotaMetric": metric, "quotaId": quota, "quotaDimensions": {"location": "global"}, "quotaValue": value}
    return {"@type": "QuotaFailure", "violations": [of]}


_EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
_BAD_KEY = "API key not valid. Please pass a valid API key."
BAD_KEY_REASON = {"@type": "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
_INNER = json.dumps(google_error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"))
_SOURCES = {
    "webSearchQueries": ["Zürich"],
    "groundingChunks": [{"web": {"uri": "https://example.com/zurich", "title": "example.com"}}],
}
_CODE = (
    {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}},
)

GEMINI_SCRIPTS: dict[str, Script] = {
    "toolcut": Script(  # a call is one chunk here
        Reply(calls=(WEATHER,), stop="tool_calls"), delivery=Delivery(stop_after=1, ending="cut", pace=0.02)
    ),
    "toolfinish": Script(
        Reply(calls=(WEATHER, TIME), stop="tool_calls", usage="finish"), Reply(text=("It is 21 °C.",))
    ),
    "blocked": Script(GeminiReply(blocked="PROHIBITED_CONTENT")),
    "blockedlater": Script(GeminiReply(text=("So",), finish="PROHIBITED_CONTENT", bare=True)),
    "recitation": Script(GeminiReply(text=("So",), finish="RECITATION")),
    "malformed": Script(GeminiReply(finish="MALFORMED_FUNCTION_CALL", bare=True)),
    "malformedlater": Script(GeminiReply(text=("So",), finish="MALFORMED_FUNCTION_CALL", bare=True)),
    "allthought": Script(GeminiReply(thinking=THOUGHT, stop="length", bare=True)),
    "image": Script(GeminiReply(text=("Here:",), parts=({"inlineData": {"mimeType": "image/png", "data": PNG}},))),
    "code": Script(GeminiReply(text=("Let me see.",), parts=_CODE)),
    "grounded": Script(GeminiReply(text=TEXT, grounding=_SOURCES)),
    "datalines": Script(GeminiReply(text=TEXT, framing="lines")),
    "openend": Script(GeminiReply(text=TEXT, framing="open")),
    # refusals
    "quota": _whole(
        429,
        f"{_EXCEEDED} Please retry in 34.07s.",
        "RESOURCE_EXHAUSTED",
        _quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "10"),
        {"@type": "Help", "links": [{"description": "Learn more", "url": "https://ai.google.dev/gemini-api/docs"}]},
        {"@type": "RetryInfo", "retryDelay": "34.074824224s"},
    ),
    "quotaday": _whole(
        429, _EXCEEDED, "RESOURCE_EXHAUSTED", _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250")
    ),
    "quotabare": _whole(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"),
    "unavailable": _whole(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
    "listed": _whole(503, "The model is overloaded. Please try again later.", "UNAVAILABLE", listed=True),
    "nested": _whole(503, _INNER, "UNAVAILABLE"),
    "deadline": _whole(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
    "badkey": _whole(400, _BAD_KEY, "INVALID_ARGUMENT", BAD_KEY_REASON),
    "blockedkey": _whole(403, "Your API key was reported as leaked. Please use another API key.", "PERMISSION_DENIED"),
    "location": _whole(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
    "okerror": Script(
        error=HttpError(200, body=json.dumps(google_error(500, "An internal error has occurred.", "INTERNAL")).encode())
    ),
}

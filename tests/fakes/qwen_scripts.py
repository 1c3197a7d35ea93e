"""What only Qwen and DashScope answer, in their own words: chosen by the model's last word, like the scripts of all."""

import json
from dataclasses import dataclass

from tests.fakes.scripts import TEXT, THOUGHT, TIME, WEATHER, HttpError, Reply, Script

EXPIRED = "invalid access token or token expired"
_PAGE = b"<!doctype html><html><head><title>405</title></head><body>blocked by the firewall</body></html>"
_AFTER = Reply(text=("It is ", "21 \N{DEGREE SIGN}C."))


@dataclass(frozen=True)
class QwenReply(Reply):
    """finish: the finish_reason, in place of that of `stop`. last: text in the chunk with it. twice: the chunk with it comes once more. bare: the deltas of calls all
    have the index 0, and an empty id from the second on."""

    finish: str | None = None
    last: str = ""
    twice: bool = False
    bare: bool = False


def openai_error(status: int, message: str, code: str, **headers: str) -> HttpError:
    error = {"message": message, "type": code, "param": None, "code": code}
    body = json.dumps({"error": error, "request_id": "fake-request-1"}).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpError(status, code, message, {"content-type": "application/json", **told}, body, code)


def dashscope_error(status: int, message: str, code: str) -> HttpError:
    body = json.dumps({"code": code, "message": message, "request_id": "fake-request-2"}).encode()
    return HttpError(status, code, message, {"content-type": "application/json"}, body, code)


QWEN_SCRIPTS: dict[str, Script] = {
    "finishtwice": Script(QwenReply(text=TEXT, twice=True)),
    "finishempty": Script(QwenReply(text=TEXT, finish="")),
    "thinkinglast": Script(QwenReply(thinking=THOUGHT, text=("42",), usage="finish", twice=True)),
    "barecalls": Script(QwenReply(calls=(WEATHER, TIME), stop="tool_calls", bare=True), _AFTER),
    "errorfinish": Script(QwenReply(finish="error_finish", last="requests throttling triggered")),
    # refusals
    "page": Script(error=HttpError(200, headers={"content-type": "text/html"}, body=_PAGE)),
    "quota": Script(error=openai_error(403, "Free allocated quota exceeded.", "insufficient_quota")),
    "throttled": Script(error=dashscope_error(429, "requests throttling triggered", "Throttling.RateQuota")),
    "allocation": Script(error=dashscope_error(429, "Allocated quota exceeded.", "Throttling.AllocationQuota")),
    "waits": Script(error=openai_error(429, "Too many requests.", "limit_requests", retry_after="9")),
    "inspected": Script(error=openai_error(400, "Input may contain inappropriate content.", "data_inspection_failed")),
    "range": Script(error=openai_error(400, "Range of input length should be [1, 258048]", "invalid_parameter_error")),
    "denied": Script(error=dashscope_error(403, "Model access denied.", "Model.AccessDenied")),
}

"""What only Kiro answers, in its own frames and words: chosen by the model's last word, like the scripts of all."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes import kiro_frames as frames
from tests.fakes.scripts import SCRIPTS, TEXT, TIME, WEATHER, Delivery, HttpError, Reply, Script

type JsonObject = dict[str, Any]

RESET = 1_798_761_600.5  # 2027-01-01


@dataclass(frozen=True)
class KiroReply(Reply):
    """counts: which event tells the usage. raw: frames after the text. tail: bytes after all frames. alone: nothing but `raw`.
    pairs: two frames a chunk."""

    counts: Literal["metadata", "context", "none"] = "metadata"
    raw: tuple[bytes, ...] = field(default=(), repr=False)
    tail: bytes = b""
    alone: bool = False
    pairs: bool = False


def refusal(
    status: int, name: str, message: str, reason: str | None = None, *, where: str = "header", **headers: str
) -> HttpError:
    """An exception as the service tells it. where: `header`, `type` or `code`, the three places for its name."""
    body: JsonObject = {"message": message, "reason": reason}
    told = {"content-type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
    if where == "header":
        told["x-amzn-errortype"] = f"{name}:http://internal.amazon.com/coral/com.amazon.kiro/"
    else:
        body["__type" if where == "type" else "code"] = f"com.amazon.aws.codewhisperer#{name}"
    return HttpError(status, name, message, told, json.dumps(body).encode(), reason)


def _alone(*raw: bytes, tail: bytes = b"") -> Script:
    return Script(KiroReply(raw=raw, tail=tail, alone=True))


BEARER = "The bearer token included in the request is invalid."
ARN_NEEDED = "profileArn is required for this request."
SUSPENDED = (
    "Your User ID (d-0000000000.11111111-2222-3333-4444-555555555555) temporarily is suspended. We've locked it as a security"
    " precaution. To restore access, contact our support team."
)
_TWIN = frames.text("\n")
_CUT = frames.text("lost in the middle")
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_GOOD = (frames.opening(), frames.text("Hel"))

KIRO_SCRIPTS: dict[str, Script] = {
    "thoughts": SCRIPTS["thinking"],  # a model's name loses the ending `-thinking` on its way
    # frames
    "context": Script(KiroReply(text=TEXT, counts="context")),
    "uncounted": Script(KiroReply(text=TEXT, counts="none")),
    "pairs": Script(KiroReply(text=TEXT, pairs=True)),
    "headers": Script(
        KiroReply(text=TEXT, raw=(frames.with_all_header_types("assistantResponseEvent", {"content": "?"}),))
    ),
    "unheard": Script(KiroReply(text=TEXT, raw=(frames.event("unheardOfEvent", {"content": "no"}),))),
    "twins": Script(KiroReply(text=("| 0 |", "| 0 |"), raw=(_TWIN, _TWIN))),
    "plaincall": _alone(frames.opening(), frames.tool(TIME.id, TIME.name), frames.tool(TIME.id, TIME.name, stop=True)),
    "inputobject": _alone(
        frames.opening(),
        frames.tool(WEATHER.id, WEATHER.name, {"city": "Zürich"}),
        frames.tool(WEATHER.id, WEATHER.name, stop=True),
    ),
    "quotedtag": _alone(
        frames.opening(),
        frames.text("<thinking>It ends with `</thinking>`\n\nnot here.</thinking>\n\n42"),
        frames.metering(),
    ),
    "splittag": _alone(
        *(frames.text(piece) for piece in ("<thin", "kin", "g>Six times seven.</th", "ink", "ing>\n", "\n42")),
        frames.metering(),
    ),
    # an error in the middle, and damage
    "exception": _alone(*_GOOD, frames.exception("ThrottlingException", "Too many requests.")),
    "unmodelled": _alone(*_GOOD, frames.error("InternalFailure", "It broke.")),
    "badprelude": _alone(*_GOOD, frames.with_bad_prelude(_CUT)),
    "badchecksum": _alone(*_GOOD, frames.with_bad_checksum(_CUT)),
    "cutframe": _alone(*_GOOD, tail=_CUT[: len(_CUT) // 2]),
    "windowfull": _alone(*_GOOD, frames.exception("ContentLengthExceededException", "Too long.")),
    "nobody": Script(delivery=Delivery(stop_after=0, ending="unfinished")),
    # refusals, a row of the list of errors each
    "eimproper": Script(error=refusal(400, "ValidationException", "Improperly formed request.")),
    "einput": Script(error=refusal(400, "ValidationException", "Input is too long.")),
    "ethreshold": Script(
        error=refusal(400, "ValidationException", "", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", where="type")
    ),
    "emodelid": Script(error=refusal(400, "ValidationException", "Invalid model.", "INVALID_MODEL_ID")),
    "eprofile": Script(error=refusal(400, "ValidationException", ARN_NEEDED)),
    "ebearer": Script(error=refusal(403, "AccessDeniedException", BEARER)),
    "eregion": Script(error=refusal(403, "AccessDeniedException", "User is not authorized to make this call.")),
    "esuspended": Script(error=refusal(403, "AccessDeniedException", SUSPENDED, "TEMPORARILY_SUSPENDED")),
    "efeature": Script(error=refusal(403, "AccessDeniedException", "Not supported.", "FEATURE_NOT_SUPPORTED")),
    "ethrottle": Script(error=refusal(429, "ThrottlingException", "Too many requests.", retry_after="3")),
    "ethrottle400": Script(error=refusal(400, "ThrottlingException", "Too many requests.", where="code")),
    "edaily": Script(error=refusal(429, "ThrottlingException", "Daily limit.", "DAILY_REQUEST_COUNT")),
    "emonthly": Script(error=refusal(429, "ThrottlingException", "Monthly limit.", "MONTHLY_REQUEST_COUNT")),
    "emonthly400": Script(error=refusal(400, "ThrottlingException", "Monthly limit.", "MONTHLY_REQUEST_COUNT")),
    "emonthly402": Script(error=refusal(402, "ServiceQuotaExceededException", "Monthly.", "MONTHLY_REQUEST_COUNT")),
    "ecapacity": Script(error=refusal(429, "ThrottlingException", "No capacity.", "INSUFFICIENT_MODEL_CAPACITY")),
    "econversation": Script(error=refusal(400, "ServiceQuotaExceededException", "", "CONVERSATION_LIMIT_EXCEEDED")),
    "eoverage": Script(error=refusal(402, "ServiceQuotaExceededException", "", "OVERAGE_REQUEST_LIMIT_EXCEEDED")),
    "enothere": Script(error=refusal(404, "ResourceNotFoundException", "No such resource.")),
    "ekms": Script(error=refusal(409, "ConflictException", "Key is disabled.", "CUSTOMER_KMS_KEY_DISABLED")),
    "emodel500": Script(error=refusal(500, "InternalServerException", "", "MODEL_TEMPORARILY_UNAVAILABLE")),
    "eload": Script(
        error=refusal(500, "InternalServerException", "Encountered unexpectedly high load when processing")
    ),
    "eunavailable": Script(error=refusal(503, "ServiceUnavailableException", "Unavailable.")),
    "edryrun": Script(error=refusal(412, "DryRunOperationException", "It would have worked.")),
    "egateway": Script(error=HttpError(502, body=_HTML, headers={"content-type": "text/html"})),
}

USAGE: JsonObject = {
    "nextDateReset": RESET,
    "daysUntilReset": 9,
    "usageBreakdownList": [
        {
            "resourceType": "CREDIT",
            "displayName": "Credit",
            "displayNamePlural": "Credits",
            "currentUsage": 12,
            "currentUsageWithPrecision": 12.37,
            "usageLimit": 50,
            "usageLimitWithPrecision": 50.0,
            "nextDateReset": RESET,
            "freeTrialInfo": {
                "freeTrialStatus": "ACTIVE",
                "freeTrialExpiry": 4_102_444_800.0,
                "currentUsageWithPrecision": 100.5,
                "usageLimitWithPrecision": 500.0,
            },
            "bonuses": [
                {"bonusCode": "A", "status": "ACTIVE", "currentUsage": 1, "usageLimit": 10},
                {"bonusCode": "B", "status": "EXPIRED", "currentUsage": 7, "usageLimit": 70},
            ],
        }
    ],
    "subscriptionInfo": {"type": "Q_DEVELOPER_STANDALONE_FREE", "subscriptionTitle": "KIRO FREE"},
    "overageConfiguration": {"overageStatus": "DISABLED"},
}

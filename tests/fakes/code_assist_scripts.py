"""What only Code Assist answers: refusals by the model's last word, and what an account hears when it asks for its project."""

import json
from typing import Any

from tests.fakes.gemini_scripts import GeminiReply, google_error
from tests.fakes.scripts import TEXT, HttpError, Script

type JsonObject = dict[str, Any]

PROJECT = "fake-project-1"
DOMAIN = "cloudcode-pa.googleapis.com"
VERIFY = "https://accounts.example.com/verify"


def refused(code: int, message: str, status: str, *details: JsonObject) -> HttpError:
    body = google_error(code, message, status, *details)
    return HttpError(code, status, message, body=json.dumps(body, indent=2).encode())


def reason(word: str, **metadata: str) -> JsonObject:
    found: JsonObject = {"@type": "ErrorInfo", "reason": word, "domain": DOMAIN}
    return {**found, "metadata": metadata} if metadata else found


def retry(delay: str) -> JsonObject:
    return {"@type": "RetryInfo", "retryDelay": delay}


_SPENT = "You have exhausted your capacity on this model."
_DENIED = "The caller does not have permission"
_HTML_502 = b"<html><head><title>502 Server Error</title></head><body><h1>Error: Server Error</h1></body></html>"

_REFUSALS: dict[str, HttpError] = {
    "spent": refused(
        429,
        f"{_SPENT} Your quota will reset after 9h22m20s.",
        "RESOURCE_EXHAUSTED",
        reason(
            "QUOTA_EXHAUSTED",
            model="gemini-2.5-pro",
            quotaResetDelay="33740.9s",
            quotaResetTimeStamp="2026-09-22T07:00:00Z",
            uiMessage="true",
        ),
        retry("33740.9s"),
    ),
    "spentdays": refused(429, _SPENT, "RESOURCE_EXHAUSTED", reason("QUOTA_EXHAUSTED", quotaResetDelay="161h39m41.3s")),
    "spentbare": refused(429, "No quota is left.", "RESOURCE_EXHAUSTED", reason("QUOTA_EXHAUSTED")),
    "rate": refused(429, "Too many requests.", "RESOURCE_EXHAUSTED", reason("RATE_LIMIT_EXCEEDED"), retry("12.5s")),
    "capacity": refused(
        429, "No capacity available for model on the server.", "RESOURCE_EXHAUSTED", reason("MODEL_CAPACITY_EXHAUSTED")
    ),
    "credits": refused(429, "No credits are left.", "RESOURCE_EXHAUSTED", reason("INSUFFICIENT_G1_CREDITS_BALANCE")),
    "entitled": refused(429, "Quota exceeded, limit: 0, model: gemini-2.5-pro", "RESOURCE_EXHAUSTED"),
    "expired": refused(
        401, "Request had invalid authentication credentials.", "UNAUTHENTICATED", reason("ACCESS_TOKEN_EXPIRED")
    ),
    "denied": refused(403, _DENIED, "PERMISSION_DENIED"),
    "consumer": refused(
        403, f"Permission denied on resource project {PROJECT}.", "PERMISSION_DENIED", reason("CONSUMER_INVALID")
    ),
    "disabled": refused(
        403,
        f"Gemini for Google Cloud API has not been used in project {PROJECT} before or it is disabled.",
        "PERMISSION_DENIED",
        reason("SERVICE_DISABLED", service=DOMAIN),
    ),
    "verify": refused(
        403,
        "Verify your account to continue.",
        "PERMISSION_DENIED",
        reason("VALIDATION_REQUIRED", validation_link=VERIFY),
        {"@type": "Help", "links": [{"description": "Verify", "url": VERIFY}]},
    ),
    "banned": refused(
        403, "This service has been disabled in this account for violation of Terms of Service.", "PERMISSION_DENIED"
    ),
    "client": refused(403, "This client is no longer supported.", "PERMISSION_DENIED", reason("UNSUPPORTED_CLIENT")),
    "perimeter": refused(
        403, "Request is prohibited by organization's policy.", "PERMISSION_DENIED", reason("SECURITY_POLICY_VIOLATED")
    ),
    "missing": refused(404, "Requested entity was not found.", "NOT_FOUND"),
    "cancelled": refused(499, "The operation was cancelled.", "CANCELLED"),
    "internal": refused(500, "Internal error encountered.", "INTERNAL"),
    "page": HttpError(502, headers={"content-type": "text/html"}, body=_HTML_502),
}
CODE_ASSIST_SCRIPTS: dict[str, Script] = {
    **{word: Script(error=error) for word, error in _REFUSALS.items()},
    "trailing": Script(GeminiReply(text=TEXT)),  # an event without `response` comes last
}

_FREE: JsonObject = {"id": "free-tier", "name": "Gemini Code Assist for individuals", "isDefault": True}
_STANDARD: JsonObject = {
    "id": "standard-tier",
    "name": "Gemini Code Assist",
    "userDefinedCloudaicompanionProject": True,
}
_UNSUPPORTED: JsonObject = {
    "reasonCode": "UNSUPPORTED_CLIENT",
    "reasonMessage": "This client is no longer supported for individuals.",
    "tierId": "free-tier",
    "tierName": "Gemini Code Assist for individuals",
}
LOADS: dict[str, JsonObject | HttpError] = {
    "standard": {"currentTier": _STANDARD, "cloudaicompanionProject": PROJECT, "gcpManaged": False},
    "paid": {
        "currentTier": {"id": "free-tier"},
        "paidTier": {"id": "g1-pro-tier", "availableCredits": [{"creditType": "GOOGLE_ONE_AI", "creditAmount": "10"}]},
        "cloudaicompanionProject": PROJECT,
    },
    "no-project": {"currentTier": _STANDARD},
    "new-free": {"currentTier": None, "allowedTiers": [_FREE, _STANDARD]},
    "new-standard": {"allowedTiers": [{**_STANDARD, "isDefault": True}]},
    "nothing": {},
    "unsupported": {"allowedTiers": [{**_STANDARD, "isDefault": True}], "ineligibleTiers": [_UNSUPPORTED]},
    "validation": {
        "ineligibleTiers": [
            {"reasonCode": "VALIDATION_REQUIRED", "reasonMessage": "Verify your account.", "validationUrl": VERIFY}
        ]
    },
    "young": {
        "currentTier": _STANDARD,
        "ineligibleTiers": [{"reasonCode": "RESTRICTED_AGE", "reasonMessage": "You must be 18 or older."}],
    },
    "perimeter": _REFUSALS["perimeter"],
    "verify": _REFUSALS["verify"],
    "listed": HttpError(
        403, body=json.dumps([google_error(403, "The caller does not have permission", "PERMISSION_DENIED")]).encode()
    ),
    "busy": _REFUSALS["rate"],
    "page": _REFUSALS["page"],
    "garbage": HttpError(200, body=b"[17]"),
}

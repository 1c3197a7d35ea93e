"""Gemini CLI with a Google login, pointed at us by `CODE_ASSIST_ENDPOINT`: which of its calls is what, and what the rest hears.

Its generating calls are those of a Gemini client in an envelope (`converters.code_assist`). What it asks besides is about an
account that does not exist here: it is told so, as far as the protocol has words for it, and nothing is kept or sent on.
Source: gemini-cli 0.61, packages/core/src/code_assist/server.ts, and what it sends (read 2026-11).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from addons.providers.base import Action
from addons.routing import VERBS
from converters.code_assist import Disclosed, disclose_count, disclose_request
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject

PROJECT = "aiclient"
OPERATION = "operations/aiclient"
_METHOD = re.compile(r"v1internal(?::(?P<method>[A-Za-z]+)|/(?P<operation>operations/[^/]+))")
_TIER: JsonObject = {
    "id": "standard-tier",
    "name": "aiclient",
    "description": "Answered by aiclient",
    "isDefault": True,
}


@dataclass(frozen=True, slots=True)
class CodeAssistCall:
    """action: GENERATE or COUNT, to be routed; QUIET: answered by `handshake`. method: the call's name."""

    method: str
    action: Action = Action.QUIET
    stream: bool = False


def code_assist_call(verb: str, path: str) -> CodeAssistCall | None:
    """verb: of HTTP. path: without query and without a provider's name before it. None for what is no call of this protocol.

    Raises ConversionError: 405 for a generating call that is no POST, 404 for a method that is not known.
    """
    found = _METHOD.fullmatch(path.strip("/"))
    if found is None:
        return None
    method = found["method"] or "operations"
    if (known := VERBS.get(method)) is not None:
        if verb != "POST":
            raise ConversionError(f"{verb[:20]} is not allowed on {path[:200]}", status=405, code="method_not_allowed")
        return CodeAssistCall(method, *known)
    if method not in _ANSWERS:
        raise ConversionError(
            f"{path[:200]} does not exist here. Code Assist's methods: {', '.join((*VERBS, *_ANSWERS))}",
            status=404,
            code="unknown_path",
        )
    return CodeAssistCall(method)


def disclosed(call: CodeAssistCall, body: JsonObject) -> Disclosed:
    """The plain Gemini request of a call that is to be routed. Raises ConversionError that names the field."""
    return disclose_count(body) if call.action is Action.COUNT else disclose_request(body)


def handshake(method: str, body: JsonObject, models: Collection[str] = ()) -> JsonObject | None:
    """The answer to a call that is not routed; None for a method that is not known.

    body: {} for a GET. models: that may be asked for here. The client takes away preview models that no quota names.
    """
    answer = _ANSWERS.get(method)
    return None if answer is None else answer(body, models)


type _Answer = Callable[[JsonObject, Collection[str]], JsonObject]


def _constant(answer: Mapping[str, Json], body: JsonObject, models: Collection[str]) -> JsonObject:
    return dict(answer)


def _project(body: JsonObject) -> str:
    """The client's own, if it names one: it is shown to its user, and sent to nobody."""
    named = body.get("cloudaicompanionProject")
    return named if isinstance(named, str) and named else PROJECT


def _loaded(body: JsonObject, models: Collection[str]) -> JsonObject:
    return {"currentTier": _TIER, "allowedTiers": [_TIER], "cloudaicompanionProject": _project(body)}


def _onboarded(body: JsonObject, models: Collection[str]) -> JsonObject:
    project = _project(body)
    response: JsonObject = {"cloudaicompanionProject": {"id": project, "name": project}}
    return {"name": OPERATION, "done": True, "response": response}


def _quota(body: JsonObject, models: Collection[str]) -> JsonObject:
    """Names alone: what is left of whose quota is not known."""
    return {"buckets": [{"modelId": model} for model in models]}


_NOT_COLLECTED: Mapping[str, Json] = {"freeTierDataCollectionOptin": False}
_ANSWERS: Mapping[str, _Answer] = {
    "loadCodeAssist": _loaded,
    "onboardUser": _onboarded,
    "operations": _onboarded,
    "getCodeAssistGlobalUserSetting": partial(_constant, _NOT_COLLECTED),
    "setCodeAssistGlobalUserSetting": partial(_constant, _NOT_COLLECTED),
    "fetchAdminControls": partial(_constant, {"adminControlsApplicable": False}),
    "listExperiments": partial(_constant, {"experimentIds": [], "flags": []}),
    "recordCodeAssistMetrics": partial(_constant, {}),
    "retrieveUserQuota": _quota,
}

"""Gemini CLI with a Google login, pointed at us: its calls are told apart, and those about its account answered honestly."""

import json

import pytest

from addons.code_assist_ingress import CodeAssistCall, code_assist_call, disclosed, handshake
from addons.providers.base import Action
from converters.errors import ConversionError
from converters.json_codec import JsonObject, dumps

METADATA: JsonObject = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
# What version 0.61 sent in one prompt without a terminal, in order, and what its other methods send.
ASKED: list[tuple[str, str, JsonObject]] = [
    ("POST", "loadCodeAssist", {"metadata": METADATA}),
    ("POST", "onboardUser", {"tierId": "free-tier", "metadata": METADATA}),
    ("POST", "retrieveUserQuota", {"project": "aiclient"}),
    ("POST", "listExperiments", {"project": "aiclient", "metadata": {**METADATA, "duetProject": "aiclient"}}),
    ("POST", "fetchAdminControls", {"project": "aiclient"}),
    ("GET", "getCodeAssistGlobalUserSetting", {}),
    ("POST", "setCodeAssistGlobalUserSetting", {"freeTierDataCollectionOptin": True}),
    ("POST", "recordCodeAssistMetrics", {"project": "aiclient", "metrics": []}),
]


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/v1internal:generateContent", CodeAssistCall("generateContent", Action.GENERATE)),
        ("/v1internal:streamGenerateContent", CodeAssistCall("streamGenerateContent", Action.GENERATE, True)),
        ("/v1internal:countTokens", CodeAssistCall("countTokens", Action.COUNT)),
    ],
)
def test_generating_calls_are_to_be_routed(path: str, call: CodeAssistCall) -> None:
    assert code_assist_call("POST", path) == call
    with pytest.raises(ConversionError) as refused:
        code_assist_call("GET", path)
    assert refused.value.status == 405


@pytest.mark.parametrize(("verb", "method", "body"), ASKED, ids=[asked[1] for asked in ASKED])
def test_the_rest_of_what_the_client_asks_is_answered_here(verb: str, method: str, body: JsonObject) -> None:
    assert code_assist_call(verb, f"/v1internal:{method}") == CodeAssistCall(method)
    answer = handshake(method, body, ["gemini-2.5-pro"])
    assert answer is not None
    assert json.loads(dumps(answer)) == answer


def test_an_operation_is_looked_at_by_its_own_path() -> None:
    onboarded = handshake("onboardUser", {})
    assert onboarded is not None
    call = code_assist_call("GET", f"/v1internal/{onboarded['name']}")
    assert call == CodeAssistCall("operations")
    looked = handshake(call.method, {})
    assert looked is not None
    assert looked["done"] is True


@pytest.mark.parametrize(
    "path", ["/v1beta/models/x:generateContent", "/v1internal", "/v1/models", "/", "/v1internal:a/b", "/v1internal/x"]
)
def test_other_paths_are_of_other_protocols(path: str) -> None:
    assert code_assist_call("POST", path) is None


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ConversionError, match="loadCodeAssist") as refused:
        code_assist_call("POST", "/v1internal:embedContent")
    assert refused.value.status == 404
    assert handshake("embedContent", {}) is None


def test_the_client_finds_a_tier_and_a_project_at_once() -> None:
    """With a `currentTier` and a project it onboards nobody (its setup.ts)."""
    loaded = handshake("loadCodeAssist", {"metadata": METADATA})
    assert loaded is not None
    assert loaded["cloudaicompanionProject"] == "aiclient"
    assert loaded["currentTier"] == {
        "id": "standard-tier",
        "name": "aiclient",
        "description": "Answered by aiclient",
        "isDefault": True,
    }


def test_a_project_of_the_clients_own_is_repeated_to_it() -> None:
    for method in ("loadCodeAssist", "onboardUser"):
        assert '"mine"' in json.dumps(handshake(method, {"cloudaicompanionProject": "mine"}))
        assert '"aiclient"' in json.dumps(handshake(method, {"cloudaicompanionProject": 7}))


def test_nothing_is_said_to_be_collected_whatever_the_client_wants() -> None:
    for method in ("getCodeAssistGlobalUserSetting", "setCodeAssistGlobalUserSetting"):
        assert handshake(method, {"freeTierDataCollectionOptin": True}) == {"freeTierDataCollectionOptin": False}


def test_quota_names_the_models_and_no_amounts() -> None:
    """The client allows a preview model only when a bucket names it, and shows what is left only when a bucket says it."""
    assert handshake("retrieveUserQuota", {}, ["gemini-3-pro-preview"]) == {
        "buckets": [{"modelId": "gemini-3-pro-preview"}]
    }
    assert handshake("retrieveUserQuota", {}) == {"buckets": []}


def test_a_routed_call_comes_out_of_its_envelope() -> None:
    contents: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    request: JsonObject = {**contents, "session_id": "s"}
    generate = disclosed(CodeAssistCall("generateContent", Action.GENERATE), {"model": "m", "request": request})
    count = disclosed(CodeAssistCall("countTokens", Action.COUNT), {"request": {"model": "models/m", **contents}})
    assert json.loads(generate.body) == json.loads(count.body) == contents
    assert (generate.model, count.model, generate.session_id) == ("m", "m", "s")

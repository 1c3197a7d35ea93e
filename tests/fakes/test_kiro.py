"""Kiro's fake: two wires on hosts that differ, frames that AWS's own parser takes, and refusals as opaque as the real ones."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.eventstream import EventStreamBuffer

from tests.fakes.asking import HTTP
from tests.fakes.kiro import API_KEY, AWS_JSON, REDACTED, SERVICE, SIGNATURE, STREAMING, KiroFake
from tests.fakes.kiro_asking import (
    KEY_HEADERS,
    ask_kiro,
    ask_model,
    assistant,
    body_of,
    call,
    events,
    is_damaged,
    results,
    text_of,
    tool,
    user,
    with_tools,
)
from tests.fakes.kiro_auth import ARN, SOCIAL_PATH, Scripted
from tests.fakes.kiro_rules import IMPROPER
from tests.fakes.kiro_scripts import ARN_NEEDED, BEARER, KIRO_SCRIPTS, USAGE, refusal
from tests.fakes.scripts import SCRIPTS, TEXT, THOUGHT, UNICODE, WEATHER

type JsonObject = dict[str, Any]

TOOLS = (tool(), tool("get_time"))


@pytest.fixture
def fake() -> Iterator[KiroFake]:
    with KiroFake() as running:
        assert isinstance(running, KiroFake)
        yield running


def rule_of(answer: httpx.Response) -> str | None:
    rule: str | None = answer.headers.get("x-fake-rule")
    return rule


@pytest.mark.parametrize(
    "name", ["text", "unicode", "unicodebytes", "sevens", "one", "pairs", "context", "headers", "noise"]
)
def test_frames_are_what_awss_own_parser_takes(fake: KiroFake, name: str) -> None:
    answer = ask_model(fake, name)
    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
    buffer = EventStreamBuffer()
    buffer.add_data(answer.content)
    assert [event.payload for event in buffer] == [json.dumps(p, ensure_ascii=False, separators=(",", ":")).encode() for _, p in events(answer.content)]  # fmt: skip
    assert text_of(answer.content).startswith("".join(UNICODE if name.startswith("unicode") else TEXT))
    assert fake.violations == []


def test_events_come_in_the_order_of_the_service(fake: KiroFake) -> None:
    stream = ask_model(fake, "thinkingtool", with_tools(*TOOLS)).content
    names = [name for name, _ in events(stream)]
    assert list(dict.fromkeys(names)) == [
        "messageMetadataEvent",
        "reasoningContentEvent",
        "assistantResponseEvent",
        "toolUseEvent",
        "meteringEvent",
        "contextUsageEvent",
        "metadataEvent",
    ]
    used = [payload for name, payload in events(stream) if name == "toolUseEvent"]
    assert "".join(payload.get("input", "") for payload in used) == WEATHER.text
    assert [payload.get("stop") for payload in used] == [None] * (len(used) - 1) + [True]


def test_thinking_is_signed_or_in_words_by_how_it_is_asked_for(fake: KiroFake) -> None:
    native = [
        payload
        for name, payload in events(ask_model(fake, "redacted", with_tools(*TOOLS)).content)
        if "reasoning" in name
    ]
    assert "".join(payload.get("text", "") for payload in native) == "".join(THOUGHT)
    assert [payload for payload in native if "text" not in payload] == [
        {"signature": SIGNATURE},
        {"redactedContent": REDACTED},
    ]
    words = ask_model(fake, "thinking", user("<thinking_mode>enabled</thinking_mode>\nHi")).content
    assert text_of(words) == f"<thinking>{''.join(THOUGHT)}</thinking>\n\n42"


def test_a_foreign_signature_is_refused(fake: KiroFake) -> None:
    for signature, status in ((SIGNATURE, 200), ("other", 400)):
        reasoning = {"reasoningText": {"text": "Hm.", "signature": signature}}
        assert ask_model(fake, "text", user(), assistant(reasoningContent=reasoning), user()).status_code == status


def test_two_calls_come_interleaved_and_a_call_may_have_no_arguments(fake: KiroFake) -> None:
    used = [
        p for name, p in events(ask_model(fake, "interleaved", with_tools(*TOOLS)).content) if name == "toolUseEvent"
    ]
    assert [p["toolUseId"][-4:] for p in used[:4]] == ["ther", "Time", "ther", "Time"]
    assert [p for p in used if p["name"] == "get_time" and "input" in p] == []


@pytest.mark.parametrize("name", ["badprelude", "badchecksum", "cutframe", "midgarbage", "nobody"])
def test_damage_is_damage(fake: KiroFake, name: str) -> None:
    answer = ask_model(fake, name)
    assert answer.status_code == 200
    assert is_damaged(answer.content)


def test_other_frames_are_whole(fake: KiroFake) -> None:
    names = {
        name: [event for event, _ in events(ask_model(fake, name).content)]
        for name in ("exception", "unmodelled", "unheard")
    }
    assert names["exception"][-1] == "ThrottlingException"
    assert names["unmodelled"][-1] == "InternalFailure"
    assert "unheardOfEvent" in names["unheard"]
    assert [p["content"] for n, p in events(ask_model(fake, "twins").content) if "content" in p] == [
        "| 0 |",
        "| 0 |",
        "\n",
        "\n",
    ]
    assert text_of(ask_model(fake, "splittag").content) == "<thinking>Six times seven.</thinking>\n\n42"


@pytest.mark.parametrize("name", [name for name, script in KIRO_SCRIPTS.items() if script.error])
def test_every_refusal_of_the_service_is_there(fake: KiroFake, name: str) -> None:
    answer, error = ask_model(fake, name), KIRO_SCRIPTS[name].error
    assert error is not None
    assert (answer.status_code, answer.content) == (error.status, error.body)
    told = [
        answer.headers.get("x-amzn-errortype") is not None,
        b"__type" in answer.content,
        b'"code"' in answer.content,
    ]
    assert sum(told) == (0 if name == "egateway" else 1)


@pytest.mark.parametrize(
    "name", [name for name, script in SCRIPTS.items() if script.error and script.first_errors is None]
)
def test_refusals_of_all_are_told_in_its_words(fake: KiroFake, name: str) -> None:
    answer, error = ask_model(fake, name), SCRIPTS[name].error
    assert error is not None
    assert answer.status_code == error.status
    if error.body is None:
        assert answer.json().keys() == {"message", "reason"}


def test_a_broken_rule_is_named_in_a_header_alone(fake: KiroFake) -> None:
    answer = ask_kiro(fake, body_of(user("")))
    assert (answer.status_code, answer.json()) == (400, {"message": IMPROPER, "reason": None})
    assert rule_of(answer) == "3.1.2 content"
    answer = ask_kiro(fake, body_of(user(modelId="claude-nonexistent")))
    assert answer.json()["reason"] == "INVALID_MODEL_ID"


def test_switches_of_the_rules(fake: KiroFake) -> None:
    fake.empty_tool_turns = fake.bare_schemas = True
    last = user("", userInputMessageContext={**results("c-1")["userInputMessageContext"], "tools": [tool()]})
    assert ask_kiro(fake, body_of(user(), assistant("", toolUses=[call("c-1")]), last)).status_code == 200
    assert (
        rule_of(ask_kiro(fake, body_of(with_tools(tool(schema={"type": "object", "required": []})))))
        == "3.1.7 keywords"
    )


@pytest.mark.parametrize("field", ["agentMode", "agentContinuationId", "agentTaskType"])
def test_the_runtime_host_refuses_the_agents_fields(fake: KiroFake, field: str) -> None:
    body = body_of() | {field: "vibe"} if field == "agentMode" else body_of(**{field: "vibe"})
    answer = ask_kiro(fake, body, "runtime")
    assert (rule_of(answer), answer.json()["reason"]) == (f"7.2 {field}", "REQUEST_BODY_INVALID")


def test_the_runtime_host_wants_a_profile_its_target_and_its_type(fake: KiroFake) -> None:
    access, _ = fake.auth.issue()
    bearer = {"authorization": f"Bearer {access}", "user-agent": "aiclient/0"}
    url, wire = f"{fake.base('runtime')}/", {"content-type": AWS_JSON, "x-amz-target": STREAMING}
    assert HTTP.post(url, json=body_of(), headers=bearer | wire).json()["message"] == ARN_NEEDED
    with_arn = bearer | wire | {"x-amzn-kiro-profile-arn": ARN}
    assert HTTP.post(url, json={**body_of(), "profileArn": ARN}, headers=with_arn).status_code == 200
    assert ask_kiro(fake, body_of(), "runtime").status_code == 200  # an API key needs none
    for wrong in ({"content-type": "application/json"}, {"x-amz-target": "Other.GenerateAssistantResponse"}):
        assert HTTP.post(url, json=body_of(), headers=KEY_HEADERS | wire | wrong).status_code == 400
    rest = HTTP.post(f"{fake.base('runtime')}/generateAssistantResponse", json=body_of(), headers=KEY_HEADERS)
    assert (rest.status_code, rest.json()["reason"]) == (400, "REQUEST_BODY_INVALID")


def test_the_older_host_takes_both_wires(fake: KiroFake) -> None:
    assert ask_kiro(fake, body_of(agentTaskType="vibe")).status_code == 200
    wire = KEY_HEADERS | {"content-type": AWS_JSON, "x-amz-target": STREAMING}
    assert HTTP.post(f"{fake.base('q')}/", json=body_of(), headers=wire).status_code == 200
    assert rule_of(ask_kiro(fake, {**body_of(), "agentMode": "vibe"})) == "3 agentMode"


def test_another_profile_is_not_authorized(fake: KiroFake) -> None:
    answer = ask_kiro(fake, {**body_of(), "profileArn": "arn:aws:codewhisperer:eu-central-1:1:profile/OTHER"})
    assert (answer.status_code, answer.json()["message"]) == (403, "User is not authorized to make this call.")


@pytest.mark.parametrize(
    "headers",
    [
        {"tokentype": ""},
        {"authorization": "Bearer ksk_other"},
        {"authorization": "Bearer aoa-ended", "tokentype": ""},
        {"authorization": "Bearer aoa-ended"},
    ],
)
def test_a_credential_must_be_one_and_say_what_it_is(fake: KiroFake, headers: dict[str, str]) -> None:
    sent = {name: value for name, value in (KEY_HEADERS | headers).items() if value}
    answer = HTTP.post(f"{fake.base('q')}/generateAssistantResponse", json=body_of(), headers=sent)
    assert (answer.status_code, answer.json()["message"]) == (403, BEARER)


def test_a_suspended_account_gets_nothing(fake: KiroFake) -> None:
    fake.suspended = True
    answer = ask_kiro(fake, body_of())
    assert (answer.status_code, answer.json()["reason"]) == (403, "TEMPORARILY_SUSPENDED")


@pytest.mark.parametrize("server", ["q", "management"])
def test_the_management_service_speaks_both_wires(fake: KiroFake, server: str) -> None:
    base = fake.base(server)
    asked = {"origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST", "profileArn": ARN}
    assert HTTP.get(f"{base}/getUsageLimits", params=asked, headers=KEY_HEADERS).json() == USAGE
    wire = KEY_HEADERS | {"content-type": AWS_JSON, "x-amz-target": f"{SERVICE}GetUsageLimits"}
    assert HTTP.post(f"{base}/", json=asked, headers=wire).json() == USAGE
    listed = HTTP.get(f"{base}/ListAvailableModels", params={"origin": "AI_EDITOR"}, headers=KEY_HEADERS).json()
    assert "claude-sonnet-4.5" in [model["modelId"] for model in listed["models"]]
    profiles = HTTP.post(f"{base}/ListAvailableProfiles", json={"maxResults": 10}, headers=KEY_HEADERS).json()
    assert profiles["profiles"][0]["arn"] == ARN
    assert fake.asked == ["GetUsageLimits", "GetUsageLimits", "ListAvailableModels", "ListAvailableProfiles"]
    assert HTTP.get(f"{base}/getUsageLimits", headers=KEY_HEADERS).status_code == 400
    fake.usage_refusals.append(refusal(429, "ThrottlingException", "slow"))
    assert HTTP.get(f"{base}/getUsageLimits", params=asked, headers=KEY_HEADERS).status_code == 429


def test_the_token_servers_have_paths_of_their_own(fake: KiroFake) -> None:
    login = fake.auth.ide_login()
    headers = {"user-agent": "aiclient/0"}
    fake.auth.scripted.append(Scripted(503, "busy", {"content-type": "text/plain"}))
    asked = {"refreshToken": login["refreshToken"]}
    assert [HTTP.post(fake.url + SOCIAL_PATH, json=asked, headers=headers).status_code for _ in range(2)] == [503, 200]
    assert HTTP.post(fake.url + SOCIAL_PATH, data=asked, headers=headers).status_code == 400
    assert fake.violations == []
    HTTP.post(fake.url + SOCIAL_PATH, json=asked, headers=headers | {"authorization": "Bearer x"})
    assert fake.violations != []


@pytest.mark.parametrize(
    "wrong",
    [
        {"user-agent": "aws-sdk-js/1.0.34 KiroIDE-1"},
        {"x-amzn-kiro-agent-mode": "KiroIDE"},
        {"tokentype": "API_KEY", "x-amzn-codewhisperer-optout": "ab" * 32},
        {"x-amzn-kiro-profile-arn": ARN},
        {"amz-sdk-invocation-id": "1"},
        {"x-amz-target": STREAMING},
    ],
)
def test_a_disguise_is_noted(fake: KiroFake, wrong: dict[str, str]) -> None:
    assert API_KEY in KEY_HEADERS["authorization"]
    ask_kiro(fake, body_of())
    assert fake.violations == []
    ask_kiro(fake, body_of(), **wrong)
    assert fake.violations != []


def test_other_paths_are_noted(fake: KiroFake) -> None:
    for path in ("/q/SendMessageStreaming", "/q/mcp", "/other"):
        assert HTTP.post(fake.url + path, json={}, headers=KEY_HEADERS).status_code == 404
    assert len(fake.violations) == 3

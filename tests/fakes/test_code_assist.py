"""The Code Assist fake takes what gemini-cli sends, refuses what Google is known to refuse, and notes what should never come."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.asking import HTTP, JsonObject
from tests.fakes.code_assist import OPERATION, TOKEN, TRACE, CodeAssistFake
from tests.fakes.code_assist_scripts import CODE_ASSIST_SCRIPTS, LOADS, PROJECT
from tests.fakes.gemini import COUNTED_TOKENS
from tests.fakes.gemini_bodies import NEWER, text, turn
from tests.fakes.samples import GEMINI_TOOLS
from tests.fakes.scripts import TEXT
from tests.grammar_gemini import check_gemini_stream, fold_gemini_answer

METADATA = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
INNER: JsonObject = {"contents": [turn("user", text("Hi"))], "session_id": "s-1"}


@pytest.fixture
def fake() -> Iterator[CodeAssistFake]:
    with CodeAssistFake() as fake:
        assert isinstance(fake, CodeAssistFake)
        yield fake


def call(fake: CodeAssistFake, method: str, body: object = None, **headers: str) -> httpx.Response:
    """method: as `generateContent`, or the path of an operation; a GET without body."""
    url = fake.base_url + (f":{method}" if body is not None else f"/{method}")
    headers = {"authorization": f"Bearer {TOKEN}", "user-agent": "aiclient/0", **headers}
    return HTTP.request("GET" if body is None else "POST", url, json=body, headers=headers)


def ask(
    fake: CodeAssistFake, model: str = "gemini-2.5-flash-text", method: str = "generateContent", **changed: Any
) -> httpx.Response:
    body = {"model": model, "project": PROJECT, "user_prompt_id": "p", "request": INNER, **changed}
    return call(fake, method, body)


STREAM = "streamGenerateContent?alt=sse"


def test_an_answer_stands_in_the_envelope(fake: CodeAssistFake) -> None:
    answer = ask(fake).json()
    assert answer["traceId"] == TRACE
    assert fold_gemini_answer(answer["response"]).text == "".join(TEXT)
    fake.own_ids = False
    assert "responseId" not in ask(fake).json()["response"]
    assert fake.violations == []


@pytest.mark.parametrize("word", ["text", "unicodebytes", "datalines", "openend", "crlf", "comments"])
def test_a_stream_stands_in_envelopes_however_it_is_framed(fake: CodeAssistFake, word: str) -> None:
    answer = ask(fake, f"gemini-2.5-flash-{word}", STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.content.replace(b"\r\n", b"\n").split(b"\n\n")
    joined = [[row[6:] for row in event.split(b"\n") if row.startswith(b"data: ")] for event in events]
    payloads = [json.loads(b"\n".join(rows)) for rows in joined if rows]
    assert {payload["traceId"] for payload in payloads} == {TRACE}
    plain = b"".join(b"data: %s\n\n" % json.dumps(payload["response"]).encode() for payload in payloads)
    assert check_gemini_stream(plain).content
    assert (len(joined[0]) > 1) == (word == "datalines")
    assert (not answer.content.endswith(b"\n\n")) == (word in ("openend", "crlf"))
    assert fake.violations == []


def test_a_last_event_without_an_answer_tells_of_credits(fake: CodeAssistFake) -> None:
    last = ask(fake, "gemini-2.5-flash-trailing", STREAM).content.split(b"\n\n")[-2]
    assert json.loads(last[6:]).keys() == {"traceId", "remainingCredits"}


def test_only_the_right_token_is_taken(fake: CodeAssistFake) -> None:
    body = {"metadata": METADATA}
    for headers in ({"authorization": "Bearer old"}, {"authorization": ""}):
        refused = call(fake, "loadCodeAssist", body, **headers)
        assert (refused.status_code, refused.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    fake.key = "another"
    assert call(fake, "loadCodeAssist", body).status_code == 401
    assert call(fake, "loadCodeAssist", body, authorization="Bearer another").status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"contents": INNER["contents"]},
        {"userPromptId": "p"},
        {"model": "models/gemini-2.5-flash-text"},
        {"model": ""},
        {"request": None},
        {"request": []},
        {"request": {**INNER, "sessionId": "s"}},
        {"request": {**INNER, "session_id": 7}},
        {"request": {**INNER, "model": "x"}},
        {"request": {**INNER, "store": True}},
        {"request": {**INNER, "cachedContent": "cachedContents/x"}},
        {"request": {**INNER, "contents": []}},
        {"request": {"contents": [turn("system", text("Hi"))]}},
    ],
    ids=str,
)
def test_a_request_of_another_shape_is_refused(fake: CodeAssistFake, changed: JsonObject) -> None:
    refused = ask(fake, **changed)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_history_without_its_signature_is_refused_as_by_the_plain_api(fake: CodeAssistFake) -> None:
    called = {"functionCall": {"name": "get_weather", "args": {}, "id": "1"}}
    answered = {"functionResponse": {"name": "get_weather", "response": {"output": "x"}, "id": "1"}}
    contents = [*INNER["contents"], turn("model", called), turn("user", answered)]
    refused = ask(fake, f"{NEWER}-text", request={"contents": contents, "tools": GEMINI_TOOLS})
    assert refused.status_code == 400
    assert "thought_signature" in refused.text


@pytest.mark.parametrize("project", ["another-project", ""])
def test_a_project_that_is_not_the_accounts_is_refused(fake: CodeAssistFake, project: str) -> None:
    refused = ask(fake, project=project)
    assert refused.status_code == 403
    assert refused.json()["error"]["details"][0]["reason"] == "CONSUMER_INVALID"


def test_an_unknown_model_or_method_is_not_found(fake: CodeAssistFake) -> None:
    assert ask(fake, "gemini-nonexistent").status_code == 404
    assert call(fake, "embedContent", {}).status_code == 404
    assert call(fake, "operations/another").status_code == 404
    assert HTTP.post(
        f"{fake.url}/v1beta/models/x:generateContent", headers={"authorization": f"Bearer {TOKEN}"}
    ).is_error


def test_the_base_can_be_another() -> None:
    with CodeAssistFake(prefix="/enterprise/v9internal") as fake:
        assert isinstance(fake, CodeAssistFake)
        assert ask(fake).status_code == 200


@pytest.mark.parametrize("word", [w for w, s in CODE_ASSIST_SCRIPTS.items() if s.error])
def test_each_refusal_comes_with_its_status(fake: CodeAssistFake, word: str) -> None:
    error = CODE_ASSIST_SCRIPTS[word].error
    assert error is not None
    for method in ("generateContent", STREAM):
        refused = ask(fake, f"gemini-2.5-pro-{word}", method)
        assert refused.status_code == error.status
        if word != "page":
            assert refused.json()["error"]["code"] == error.status


def test_a_count_takes_contents_and_a_resource_name_alone(fake: CodeAssistFake) -> None:
    def count(**changed: Any) -> httpx.Response:
        inner = {"model": "models/gemini-2.5-pro", "contents": INNER["contents"], **changed}
        return call(fake, "countTokens", {"request": inner})

    assert count().json() == {"totalTokens": COUNTED_TOKENS}
    assert count(contents=[]).json() == {}
    thought = turn("model", {"text": "Hm", "thought": True})
    for wrong in (
        {"model": "gemini-2.5-pro"},
        {"tools": []},
        {"project": PROJECT},
        {"contents": [thought]},
        {"contents": 7},
    ):
        assert count(**wrong).status_code == 400, wrong
    assert call(fake, "countTokens", {"request": {}, "project": PROJECT}).status_code == 400


def test_quota_is_told_of_a_project(fake: CodeAssistFake) -> None:
    assert call(fake, "retrieveUserQuota", {"project": PROJECT}).json()["buckets"][0]["remainingAmount"] == "950"
    assert call(fake, "retrieveUserQuota", {"project": "x"}).status_code == 403


# --- the account ---


@pytest.mark.parametrize("load", LOADS)
def test_an_account_can_be_in_each_of_these_states(fake: CodeAssistFake, load: str) -> None:
    fake.load = load
    answer, expected = call(fake, "loadCodeAssist", {"metadata": METADATA}), LOADS[load]
    if isinstance(expected, dict):
        assert answer.json() == expected
    else:
        assert (answer.status_code, answer.content) == (expected.status, expected.body)


def test_loading_names_the_project_in_both_places(fake: CodeAssistFake) -> None:
    both = {"cloudaicompanionProject": "p", "metadata": {**METADATA, "duetProject": "p"}}
    assert call(fake, "loadCodeAssist", both).status_code == 200
    for wrong in ({**both, "metadata": METADATA}, {}, {**both, "cloudaicompanionProject": None}, {**both, "extra": 1}):
        assert call(fake, "loadCodeAssist", wrong).status_code == 400, wrong


def test_onboarding_takes_as_many_looks_as_it_is_told_by_either_way(fake: CodeAssistFake) -> None:
    fake.polls = 2
    asked = {"tierId": "free-tier", "metadata": METADATA}
    assert call(fake, "onboardUser", asked).json() == {"name": OPERATION, "done": False}
    assert call(fake, OPERATION).json()["done"] is False
    for _ in range(2):
        done = call(fake, OPERATION).json()
        assert done["response"]["cloudaicompanionProject"]["id"] == PROJECT
    assert call(fake, "onboardUser", asked).json() == done


def test_the_free_tier_refuses_to_hear_of_a_project(fake: CodeAssistFake) -> None:
    named = {"cloudaicompanionProject": "p", "metadata": {**METADATA, "duetProject": "p"}}
    refused = call(fake, "onboardUser", {"tierId": "free-tier", **named})
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert call(fake, "onboardUser", {"tierId": "standard-tier", **named}).status_code == 200
    assert call(fake, "onboardUser", {"metadata": METADATA}).status_code == 400


def test_what_a_good_proxy_never_sends_is_noted(fake: CodeAssistFake) -> None:
    call(fake, "recordCodeAssistMetrics", {})
    ask(fake, enabled_credit_types=["GOOGLE_ONE_AI"])
    ask(fake, method="streamGenerateContent")
    call(fake, "loadCodeAssist", {"metadata": METADATA}, **{"x-goog-api-key": "k"})
    call(fake, "loadCodeAssist", {"metadata": METADATA}, **{"user-agent": "GeminiCLI/0.61.0"})
    noted = "\n".join(fake.violations)
    for word in ("recordCodeAssistMetrics", "credits", "alt=sse", "x-goog-api-key", "GeminiCLI"):
        assert word in noted

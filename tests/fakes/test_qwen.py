"""The Qwen fake refuses what Qwen's servers are known to refuse, and plays their odd streams."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.asking import HTTP, OBJECT, USER, JsonObject, tool
from tests.fakes.qwen import TOKEN, QwenFake
from tests.fakes.qwen_scripts import EXPIRED, QWEN_SCRIPTS
from tests.fakes.samples import OPENAI_TOOLS
from tests.fakes.scripts import THOUGHT

SYSTEM: JsonObject = {"role": "system", "content": "Be brief."}


@pytest.fixture
def fake() -> Iterator[QwenFake]:
    with QwenFake() as fake:
        assert isinstance(fake, QwenFake)
        yield fake


def ask(fake: QwenFake, script: str = "text", token: str = TOKEN, **changed: object) -> httpx.Response:
    body: JsonObject = {"model": f"coder-model-{script}", "messages": [USER], **changed}
    headers = {"authorization": f"Bearer {token}", "x-dashscope-authtype": "qwen-oauth", "user-agent": "aiclient/0"}
    return HTTP.post(f"{fake.url}/v1/chat/completions", json=body, headers=headers)


def chunks(answer: httpx.Response) -> list[Any]:
    assert answer.content.endswith(b"data: [DONE]\n\n")
    return [json.loads(row[6:]) for row in answer.text.split("\n\n")[:-2]]


def streamed(fake: QwenFake, script: str, **changed: Any) -> list[Any]:
    return chunks(ask(fake, script, stream=True, stream_options={"include_usage": True}, **changed))


REFUSED: dict[str, tuple[JsonObject, str]] = {
    "two system messages": ({"messages": [SYSTEM, SYSTEM, USER]}, "only one"),
    "a late system message": ({"messages": [USER, SYSTEM]}, "at the beginning"),
    "an empty system message": ({"messages": [{"role": "system", "content": ""}, USER]}, "empty"),
    "a developer message": ({"messages": [{"role": "developer", "content": "x"}, USER]}, "developer"),
    "no tools in the list": ({"tools": []}, "empty array"),
    "a result without a call": (
        {"messages": [USER, {"role": "tool", "tool_call_id": "a", "content": "x"}]},
        "preceeding message",
    ),
    "an unknown field": ({"service_tier": "auto"}, "service_tier"),
    "OpenAI's newer limit": ({"max_completion_tokens": 5}, "max_completion_tokens"),
    "OpenAI's effort": ({"reasoning_effort": "low"}, "reasoning_effort"),
    "a word for the switch": ({"enable_thinking": "true"}, "enable_thinking"),
    "a forced tool while it thinks": ({"tools": tool("a", OBJECT), "tool_choice": "required"}, "thinking mode"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED)
def test_qwen_refuses(fake: QwenFake, body: JsonObject, reason: str) -> None:
    answer = ask(fake, **body)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["error"]["message"]
    assert fake.violations == []


def test_qwen_takes_its_own_extras(fake: QwenFake) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    history = [
        SYSTEM,
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}]},
        {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]
    extras: JsonObject = {"enable_thinking": False, "vl_high_resolution_images": True, "max_tokens": 5, "top_k": 20}
    answer = ask(fake, messages=history, tools=OPENAI_TOOLS, tool_choice="required", thinking_budget=100, **extras)
    assert answer.status_code == 200, answer.text
    assert fake.violations == []


def test_cache_marks_count_with_their_header_alone(fake: QwenFake) -> None:
    marked = [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}]
    assert ask(fake, messages=marked).status_code == 200
    assert "cache marks" in fake.violations[-1]
    marked[0]["content"][0]["cache_control"] = {"type": "for ever"}  # type: ignore[index]
    assert ask(fake, messages=marked).status_code == 400


def test_only_a_live_token_is_taken_and_none_when_the_service_has_ended(fake: QwenFake) -> None:
    foreign = ask(fake, token="foreign")
    assert (foreign.status_code, foreign.json()["error"]["message"]) == (401, EXPIRED)
    fake.live.add("foreign")
    assert ask(fake, token="foreign").status_code == 200
    fake.ended = True
    assert ask(fake).status_code == 401


def test_a_disguise_is_noted(fake: QwenFake) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "user-agent": "QwenCode/0.1 (linux; x64)", "x-stainless-lang": "js"}
    HTTP.post(
        f"{fake.url}/v1/chat/completions", json={"model": "coder-model-text", "messages": [USER]}, headers=headers
    )
    said = " ".join(fake.violations)
    assert "QwenCode" in said
    assert "x-stainless-lang" in said
    assert "the kind of the token is not said" in said


def test_another_model_is_not_found_and_there_is_no_list_of_them(fake: QwenFake) -> None:
    assert ask(fake, model="gpt-4.1-text").status_code == 404
    assert ask(fake, "nonexistent").json()["error"]["code"] == "model_not_found"
    headers = {"authorization": f"Bearer {TOKEN}", "x-dashscope-authtype": "qwen-oauth"}
    assert HTTP.get(f"{fake.url}/v1/models", headers=headers).status_code == 404
    assert "no such path here" in fake.violations[-1]


def test_thinking_comes_before_the_text_unless_it_is_switched_off(fake: QwenFake) -> None:
    def thought(**changed: Any) -> str:
        deltas = [chunk["choices"][0]["delta"] for chunk in streamed(fake, "thinking", **changed) if chunk["choices"]]
        return "".join(delta.get("reasoning_content", "") for delta in deltas)

    assert thought() == "".join(THOUGHT)
    assert thought(enable_thinking=False) == ""


def test_the_end_comes_twice_or_says_nothing_or_says_error(fake: QwenFake) -> None:
    def ends(script: str) -> list[str]:
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in streamed(fake, script) if chunk["choices"]]
        return [reason for reason in reasons if reason is not None]

    assert ends("finishtwice") == ["stop", "stop"]
    assert ends("finishempty") == [""]
    assert ends("errorfinish") == ["error_finish"]
    assert streamed(fake, "errorfinish")[-2]["choices"][0]["delta"] == {"content": "requests throttling triggered"}
    both = [chunk for chunk in streamed(fake, "thinkinglast") if chunk["choices"] and chunk.get("usage")]
    assert len(both) == 2


def test_calls_may_come_without_ids_and_all_with_one_index(fake: QwenFake) -> None:
    deltas = [
        call
        for chunk in streamed(fake, "barecalls", tools=OPENAI_TOOLS)
        if chunk["choices"]
        for call in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert {call["index"] for call in deltas} == {0}
    assert [call["id"] for call in deltas if call["id"]] == ["toolu_01Weather", "toolu_02Time"]


@pytest.mark.parametrize("word", [word for word, script in QWEN_SCRIPTS.items() if script.error])
def test_each_refusal_comes_with_its_status_and_its_shape(fake: QwenFake, word: str) -> None:
    error = QWEN_SCRIPTS[word].error
    assert error is not None
    answer = ask(fake, word, stream=True)
    assert answer.status_code == error.status
    assert answer.content == error.body
    assert answer.headers.get("retry-after") == ("9" if word == "waits" else None)

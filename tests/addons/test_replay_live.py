"""Recorded requests to another model: which are sent, how, and what comes of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import Request

from addons.providers import catalogue
from addons.providers.base import Provider
from addons.records.reader import Records
from addons.redact import Redactor
from addons.replay.captured import Captured
from addons.replay.of_record import captured
from addons.replay_live import AGENT, Live, choose
from addons.settings import Settings
from addons.upstream_call import Answer
from creds.account import Account
from creds.api_key import ApiKey
from tests.addons.legs_rig import CHAT_ANSWER, MESSAGE_ANSWER
from tests.addons.records.samples import anthropic_body, attempt, exchange, maker, streamed

SECRET = "sk-live-secret-0123456789"


def of(folder: Path, *facts: Any) -> list[Captured]:
    """Exchanges as they were recorded."""
    record_maker = maker(folder)
    (folder / "2026-11-23.jsonl").write_bytes(b"".join(map(record_maker.line, facts)))
    records = Records(folder)
    return [captured(record, records.objects.get) for record in records.each()]


def asked(text: str, number: int, **more: Any) -> Any:
    body = anthropic_body(messages=[{"role": "user", "content": text}])
    return exchange(number, body=body, **{"attempts": [], **more})


class Upstream:
    """Answers one after the other, the last one again and again."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.at_once = self.most = 0

    async def send(self, provider: Provider, account: Account, request: Request) -> Answer:
        import asyncio

        self.requests.append(request)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def live(upstream: Upstream, provider: str = "openai-custom", pauses: Pauses | None = None) -> Live:
    account = Account(provider, f"{provider}:a", "https://openai.test/v1", ApiKey(SECRET))
    pause = Pauses() if pauses is None else pauses
    return Live(catalogue()[provider], "gpt-9", [account], Settings(), upstream.send, pause, lambda: 1_800_000_000.0)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Captured]:
    return of(tmp_path, exchange(1))[0]


async def test_another_protocols_provider_gets_the_same_question(one: Captured) -> None:
    upstream = Upstream((200, CHAT_ANSWER))
    facts = await live(upstream).ask(choose([one]).jobs[0])
    sent = json.loads(upstream.requests[0].content or b"")
    assert upstream.requests[0].url == "https://openai.test/v1/chat/completions"
    assert sent["model"] == "gpt-9"
    assert sent["messages"][-1] == {"role": "user", "content": "Weather in Zürich?"}
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather"]
    assert (facts.state, facts.status, facts.replays, facts.agent) == ("complete", 200, one.id, AGENT)


async def test_the_same_protocols_provider_gets_the_very_body_without_streaming(tmp_path: Path) -> None:
    upstream = Upstream((200, MESSAGE_ANSWER))
    (job,) = choose(of(tmp_path, streamed())).jobs
    await live(upstream, "claude-custom").ask(job)
    sent = json.loads(upstream.requests[0].content or b"")
    expected = {name: value for name, value in json.loads(anthropic_body()).items() if name != "stream"}
    assert sent == expected | {"model": "gpt-9"}


async def test_the_answer_is_a_record_like_any_other_and_names_the_original(one: Captured, tmp_path: Path) -> None:
    facts = await live(Upstream((200, CHAT_ANSWER))).ask(choose([one]).jobs[0])
    record = json.loads(maker(tmp_path, Redactor()).line(facts))
    assert record["replays"] == one.id
    assert record["route"] | {"why": ""} == {
        "asked": "gpt-9",
        "named": "openai-custom",
        "provider": "openai-custom",
        "account": "openai-custom:a",
        "target": "gpt-9",
        "served": "gpt-5-2026",
        "why": "",
    }
    assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": "Hello"}]
    before = one.record["conversation"]
    assert isinstance(before, dict)
    assert record["conversation"]["messages"] == before["messages"]
    assert record["usage"]["input_tokens"] == 3
    assert [made["outcome"] for made in record["attempts"]] == ["success"]
    assert SECRET not in json.dumps(record)


async def test_a_busy_provider_is_asked_again_after_the_time_that_it_names(one: Captured) -> None:
    pauses = Pauses()
    busy = {"error": {"message": "slow down", "type": "rate_limit_error"}}
    facts = await live(Upstream((429, busy), (200, CHAT_ANSWER)), pauses=pauses).ask(choose([one]).jobs[0])
    assert facts.state == "complete"
    assert [made.outcome for made in facts.attempts] == ["rate_limit", "success"]
    assert pauses == [2.0]


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (500, 4)])
async def test_a_failure_is_a_record_too(status: int, tries: int, one: Captured) -> None:
    upstream = Upstream((status, {"error": {"message": "no", "type": "x"}}))
    facts = await live(upstream).ask(choose([one]).jobs[0])
    assert (facts.state, len(facts.attempts), len(upstream.requests)) == ("failed", tries, tries)
    assert facts.error


async def test_no_more_at_once_than_wanted(tmp_path: Path) -> None:
    upstream = Upstream((200, CHAT_ANSWER))
    jobs = choose(of(tmp_path, *(asked(f"Question {n}", n) for n in range(9)))).jobs
    ended = [facts.replays async for facts in live(upstream).run(jobs, 2)]
    assert sorted(ended) == sorted(job.captured.id for job in jobs)
    assert upstream.most == 2


def test_each_prompt_is_sent_once_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    picture = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 99 + "="},
    }
    with_picture = anthropic_body(messages=[{"role": "user", "content": [picture]}])
    found = of(
        tmp_path,
        asked("One", 1),
        asked("One", 2),
        asked("Two", 3, state="failed", status=500),
        asked("Three", 4, replays=f"req_{1:024x}"),
        asked("Four", 5),
        asked("Five", 6, action="count"),
        exchange(7, body=with_picture, attempts=[attempt(with_picture)]),
        asked("Six", 8),
    )
    chosen = choose(found, frozenset({f"req_{5:024x}"}), limit=1)
    assert [job.captured.id for job in chosen.jobs] == [f"req_{1:024x}"]
    assert chosen.left_out == {
        "the same was asked before": 1,
        "not answered completely": 1,
        "a replay itself": 1,
        "this model has answered it before": 1,
        "no call for a model's answer": 1,
        "its pictures or files were not recorded": 1,
        "more than were wanted": 1,
    }
    assert chosen.answered == 7
    assert 100 < chosen.tokens < 800

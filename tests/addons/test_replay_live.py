"""Recorded requests to another model: which are sent, how, and what comes of them."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import Request

from addons.account_pool import AccountPool
from addons.accounts import Accounts, Member
from addons.providers import catalogue
from addons.providers.base import Provider
from addons.records.facts import Facts
from addons.records.reader import Records
from addons.redact import Redactor
from addons.replay.captured import Captured
from addons.replay.judge import Verdict
from addons.replay.of_record import captured
from addons.replay_legs import verdicts
from addons.replay_live import AGENT, Job, Live, choose
from addons.settings import Settings
from addons.upstream_call import Answer
from converters.system_prompt import SystemPrompt
from creds.account import Account
from creds.api_key import ApiKey
from creds.pool_state import PoolState
from creds.slot import Slot
from tests.addons.legs_rig import CHAT_ANSWER, MESSAGE_ANSWER
from tests.addons.pool_rig import Login
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

    def __init__(self, *answers: tuple[int, object], headers: Mapping[str, str] | None = None) -> None:
        self.answers, self.headers = list(answers), headers or {}
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
        more = self.headers if status != 200 else {}
        return Answer(status, {"content-type": "application/json", **more}, json.dumps(body).encode())


type Lives = Callable[..., Live]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Lives]:
    """Asks an upstream by accounts of that name, `a` if none is named. Rests that no provider named are short."""
    pools: list[AccountPool] = []

    def make(
        upstream: Upstream, *names: str, provider: str = "openai-custom", patience: float = 60, login: Any = None
    ) -> Live:
        settings = Settings(request_base_delay=1)
        pool = AccountPool(PoolState(tmp_path / "pool_state.json"))
        members = [
            Member(
                Account(provider, f"{provider}:{name}", "https://openai.test/v1", login or ApiKey(SECRET)),
                Slot(provider, f"{provider}:{name}", mark=name),
            )
            for name in names or ("a",)
        ]
        pool.use(settings, Accounts(pools={provider: tuple(members)}))
        pools.append(pool)
        return Live(catalogue()[provider], "gpt-9", pool, settings, upstream.send, patience)

    yield make
    for pool in pools:
        await pool.done()


async def ended(live: Live, job: Job) -> Facts:
    facts = await live.ask(job)
    assert facts is not None
    return facts


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Captured]:
    return of(tmp_path, exchange(1))[0]


async def test_another_protocols_provider_gets_the_same_question(one: Captured, live: Lives) -> None:
    upstream = Upstream((200, CHAT_ANSWER))
    facts = await ended(live(upstream), choose([one]).jobs[0])
    sent = json.loads(upstream.requests[0].content or b"")
    assert upstream.requests[0].url == "https://openai.test/v1/chat/completions"
    assert sent["model"] == "gpt-9"
    assert sent["messages"][-1] == {"role": "user", "content": "Weather in Zürich?"}
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather"]
    assert (facts.state, facts.status, facts.replays, facts.agent) == ("complete", 200, one.id, AGENT)


async def test_the_same_protocols_provider_gets_the_very_body_without_streaming(tmp_path: Path, live: Lives) -> None:
    upstream = Upstream((200, MESSAGE_ANSWER))
    (job,) = choose(of(tmp_path, streamed())).jobs
    await ended(live(upstream, provider="claude-custom"), job)
    sent = json.loads(upstream.requests[0].content or b"")
    expected = {name: value for name, value in json.loads(anthropic_body()).items() if name != "stream"}
    assert sent == expected | {"model": "gpt-9"}


async def test_the_answer_is_a_record_like_any_other_and_names_the_original(
    one: Captured, tmp_path: Path, live: Lives
) -> None:
    facts = await ended(live(Upstream((200, CHAT_ANSWER))), choose([one]).jobs[0])
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


@pytest.mark.parametrize("provider", ["openai-custom", "claude-custom"], ids=["converted", "as sent"])
async def test_the_new_record_replays_offline(provider: str, one: Captured, tmp_path: Path, live: Lives) -> None:
    """Its client asked for the model that was asked."""
    answer = CHAT_ANSWER if provider == "openai-custom" else MESSAGE_ANSWER
    facts = await ended(live(Upstream((200, answer)), provider=provider), choose([one]).jobs[0])
    (again,) = of(tmp_path, facts)
    [verdict] = verdicts([again])
    assert isinstance(verdict, Verdict), verdict
    assert verdict.differences == []


BUSY = {"error": {"message": "slow down", "type": "rate_limit_error"}}


async def test_a_busy_provider_is_asked_again_after_the_time_that_it_names(one: Captured, live: Lives) -> None:
    upstream = Upstream((429, BUSY), (200, CHAT_ANSWER), headers={"retry-after-ms": "200"})
    began = time.monotonic()
    facts = await ended(live(upstream), choose([one]).jobs[0])
    assert time.monotonic() - began >= 0.2
    assert facts.state == "complete"
    assert [made.outcome for made in facts.attempts] == ["rate_limit", "success"]


async def test_while_an_account_rests_no_other_request_is_sent_with_it(tmp_path: Path, live: Lives) -> None:
    upstream = Upstream((429, BUSY), (200, CHAT_ANSWER), headers={"retry-after-ms": "300"})
    jobs = choose(of(tmp_path, *(asked(f"Question {n}", n) for n in range(6)))).jobs
    began = time.monotonic()
    states = [facts.state async for facts in live(upstream).run(jobs, 1)]
    assert states == ["complete"] * 6
    assert time.monotonic() - began >= 0.3
    assert len(upstream.requests) == 7


async def test_another_account_takes_over_from_one_that_rests_or_is_refused(one: Captured, live: Lives) -> None:
    for status in (429, 401, 403):
        upstream = Upstream((status, BUSY), (200, CHAT_ANSWER), headers={"retry-after": "3600"})
        facts = await ended(live(upstream, f"{status}a", f"{status}b"), choose([one]).jobs[0])
        assert facts.state == "complete"
        assert len({made.account for made in facts.attempts}) == 2


async def test_a_rest_that_another_process_found_out_is_kept(one: Captured, live: Lives) -> None:
    first = live(Upstream((429, BUSY), headers={"retry-after": "3600"}), patience=1)
    assert (await ended(first, choose([one]).jobs[0])).error == "slow down"
    await first._pool.done()
    upstream = Upstream((200, CHAT_ANSWER))
    second = live(upstream, patience=1)
    assert await second.ask(choose([one]).jobs[0]) is None
    assert "openai-custom:a" in second.stopped
    assert upstream.requests == []


async def test_where_no_account_can_be_had_the_others_are_not_sent(tmp_path: Path, live: Lives) -> None:
    """They would all fail in the same way; the next run asks them."""
    upstream = Upstream((429, BUSY), headers={"retry-after": "3600"})
    jobs = choose(of(tmp_path, *(asked(f"Question {n}", n) for n in range(9)))).jobs
    found = live(upstream, patience=0.01)
    assert [facts.state async for facts in found.run(jobs, 1)] == ["failed"]
    assert len(upstream.requests) == 1
    assert "try again in" in found.stopped


async def test_a_login_that_has_ended_is_told(one: Captured, live: Lives) -> None:
    facts = await ended(live(Upstream((200, CHAT_ANSWER)), login=Login(broken="log in anew")), choose([one]).jobs[0])
    assert (facts.state, facts.error) == ("failed", "log in anew")


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (500, 3)])
async def test_a_failure_is_a_record_too(status: int, tries: int, one: Captured, live: Lives) -> None:
    """`account_tries` counts."""
    upstream = Upstream((status, {"error": {"message": "no", "type": "x"}}))
    facts = await ended(live(upstream), choose([one]).jobs[0])
    assert (facts.state, len(facts.attempts), len(upstream.requests)) == ("failed", tries, tries)
    assert facts.error


async def test_no_more_at_once_than_wanted(tmp_path: Path, live: Lives) -> None:
    upstream = Upstream((200, CHAT_ANSWER))
    jobs = choose(of(tmp_path, *(asked(f"Question {n}", n) for n in range(9)))).jobs
    found = [facts.replays async for facts in live(upstream).run(jobs, 2)]
    assert sorted(found) == sorted(job.captured.id for job in jobs)
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


async def test_the_operators_prompt_goes_along(tmp_path: Path, live: Lives) -> None:
    """The other model is told what the first one was told, and the record says so."""
    prompt = SystemPrompt("append", "Ours.", (("brief", "short"),))
    (job,) = choose(of(tmp_path, exchange(1, prompt=prompt, attempts=[]))).jobs
    upstream = Upstream((200, CHAT_ANSWER))
    facts = await ended(live(upstream), job)
    messages = json.loads(upstream.requests[0].content or b"")["messages"]
    assert [message["content"] for message in messages[:2]] == ["Be short. " * 80, "Ours."]
    assert facts.prompt == prompt
    record = json.loads(maker(tmp_path, Redactor()).line(facts))
    assert record["system_prompt"]["text"] == "Ours."
    assert "short" not in json.dumps(record["request"])


def test_the_same_question_with_another_prompt_of_the_operators_is_another(tmp_path: Path) -> None:
    prompts = [None, SystemPrompt("append", "Ours."), SystemPrompt("append", "Ours.")]
    chosen = choose(of(tmp_path, *(exchange(n, prompt=prompt, attempts=[]) for n, prompt in enumerate(prompts))))
    assert [job.captured.prompt for job in chosen.jobs] == prompts[:2]

"""A real agent asks, reads a file with its own tool, and prints the answer: over every pair of protocols."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients.agents import AGENTS, CODEX_WITH_WEBSOCKETS
from tests.clients.installs import NotInstalledError
from tests.clients.running import Agent, JsonObject, Outcome, Place, run
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PAIRS, PROVIDERS, own_provider
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import SCRIPTS, THOUGHT, Call, Reply, Script

MODELS = {
    "openai-custom": ("gpt-4.1", "gpt-5.4"),
    "openaiResponses-custom": ("gpt-4.1", "gpt-5.4"),
    "claude-custom": ("claude-sonnet-4-5", "claude-opus-4-7"),
    "gemini-custom": ("gemini-2.5-flash", "gemini-3.1-pro-preview"),
}


def models_for(agent: Agent, provider: str) -> list[str]:
    """The first agent of a protocol meets both models, the others take turns; but none that it cannot be used with."""
    turn = [other for other in AGENTS if other.speaks == agent.speaks].index(agent)
    unfit = agent.unfit if provider == own_provider(agent.speaks) else ()
    fit = [model for model in MODELS[provider] if model not in unfit]
    return fit if turn == 0 else [fit[turn % len(fit)]]


CASES = [
    pytest.param(agent, provider, model, id=f"{agent.name}-{provider}-{model}")
    for agent in AGENTS
    for provider in MODELS
    for model in models_for(agent, provider)
]
READING = [case for case in CASES if case.values[0].has_tools(case.values[2])]
# An agent's own wire and one other: a whole round of agents gives each pair of protocols its refusal.
REFUSALS = [
    pytest.param(agent, list(PROVIDERS)[place % 4], id=f"{agent.name}-{list(PROVIDERS)[place % 4]}")
    for number, agent in enumerate(AGENTS)
    for own in [list(PROVIDERS.values()).index(agent.speaks)]
    for place in (own, own + number % 3 + 1)
]
ANSWER = "The fake says: Grüße, 日本 😀 – done."
SECRET = "BLUE-OTTER-42"
CALL_ID = "toolu_01ReadTheFile"

type Ask = Callable[..., Outcome]
type Answered = Callable[[], set[str]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """(agent, base, model, prompt) -> its outcome; skips where the agent cannot be had."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "secret.txt").write_text(f"The password is {SECRET}.\n")

    def once(agent: Agent, base: str, model: str, prompt: str) -> Outcome:
        try:
            return run(agent, Place(base, CLIENT_KEY, model, tmp_path / "home", work), prompt)
        except NotInstalledError as error:
            pytest.skip(f"{agent.install.name}: {error}")

    (tmp_path / "home").mkdir()
    return once


@pytest.fixture(autouse=True)
def answered(running: list[Proxy]) -> Answered:
    """() -> the statuses that the proxies logged since the test began."""
    begun = {proxy.port: proxy.log.stat().st_size for proxy in running}

    def statuses() -> set[str]:
        logs = [proxy.log.read_bytes()[begun.get(proxy.port, 0) :] for proxy in running]
        return {status.decode() for log in logs for status in re.findall(rb"<< (\d{3}) ", log)}

    return statuses


def script(agent: Agent, provider: str, first: Reply, after_tools: Reply | None = None) -> Script:
    return Script(first, after_tools, lenient=agent.needs_newest and PROVIDERS[provider] == agent.speaks)


def reply(provider: str, *text: str, calls: tuple[Call, ...] = ()) -> Reply:
    """Models think where they are asked to; OpenAI's never show it in Chat Completions."""
    thinking = () if provider == "openai-custom" else THOUGHT
    return Reply(text=text, thinking=thinking, calls=calls, stop="tool_calls" if calls else "stop")


def results_in(body: JsonObject) -> dict[str, str]:
    """Tool results that a request of any protocol carries: id, or the name where there is none -> JSON of its content."""
    found: dict[str, str] = {}
    turns = body.get("messages") or body.get("input") or body.get("contents")
    assert isinstance(turns, list)
    for turn in turns:
        content = turn.get("parts") or turn.get("content")
        for part in [turn, *(content if isinstance(content, list) else [])]:
            if part.get("role") == "tool":
                found[part["tool_call_id"]] = json.dumps(part["content"])
            if part.get("type") == "function_call_output":
                found[part["call_id"]] = json.dumps(part["output"])
            if part.get("type") == "tool_result":
                found[part["tool_use_id"]] = json.dumps(part["content"])
            if answer := part.get("functionResponse"):
                found[answer.get("id") or answer["name"]] = json.dumps(answer["response"])
    return found


def play(fake: FakeProvider, model: str, script: Script) -> int:
    """Register what the fake plays; how many requests it has seen so far."""
    fake.scripts[model] = script
    return len(fake.requests)


@pytest.fixture(scope="session")
def bare(start: Launch) -> Proxy:
    """No account of any provider."""
    return start("bare", {"API_KEY": CLIENT_KEY})


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_the_demo_answers_an_agent(agent: Agent, ask: Ask, bare: Proxy, answered: Answered) -> None:
    outcome = ask(agent, bare.url, "aiclient-demo", "Hello, demo.")
    assert outcome.code == 0, outcome
    assert "This is the demo model inside aiclient" in " ".join(outcome.out.split()), outcome
    assert answered() == {"200"}


@pytest.mark.parametrize(("agent", "provider", "model"), [case for case in CASES if case not in READING])
def test_an_agent_without_tools_prints_the_answer(
    agent: Agent, provider: str, model: str, ask: Ask, proxy: Proxy, upstreams: Upstreams, answered: Answered
) -> None:
    fake, model = upstreams.of(provider), f"{model}-{agent.name}-plain"
    before = play(fake, model, script(agent, provider, reply(provider, ANSWER[:9], ANSWER[9:])))
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "Say hello.")
    assert outcome.code == 0, outcome
    assert ANSWER in outcome.out, outcome
    sent = fake.requests[before:]
    assert sent
    assert {request.status for request in sent} == {200}
    assert answered() == {"200"}


@pytest.mark.parametrize(("agent", "provider", "model"), READING)
def test_an_agent_reads_a_file_for_the_model(
    agent: Agent,
    provider: str,
    model: str,
    ask: Ask,
    proxy: Proxy,
    upstreams: Upstreams,
    answered: Answered,
    tmp_path: Path,
) -> None:
    assert agent.reads is not None
    fake, model = upstreams.of(provider), f"{model}-{agent.name}-read"
    arguments = json.dumps(agent.reads.arguments(str(tmp_path / "work" / "secret.txt")))
    call = Call(CALL_ID, agent.reads.name, (arguments[:9], arguments[9:]))
    first = reply(provider, "Reading.", calls=(call,))
    before = play(fake, model, script(agent, provider, first, reply(provider, ANSWER[:9], ANSWER[9:])))
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "What does secret.txt say?")
    assert outcome.code == 0, outcome
    assert ANSWER in outcome.out, outcome
    sent = fake.requests[before:]
    assert {request.status for request in sent} == {200}
    with_result = [results for request in sent if (results := results_in(request.json))]
    assert with_result
    for results in with_result:
        assert len(results) == 1
        assert SECRET in "".join(results.values())
        if "gemini" not in (agent.speaks, PROVIDERS[provider]):  # elsewhere ids stay as they are
            assert list(results) == [CALL_ID]
    assert answered() == {"200"}


@pytest.mark.parametrize(("agent", "provider"), REFUSALS)
def test_an_agent_shows_the_providers_refusal(
    agent: Agent, provider: str, ask: Ask, proxy: Proxy, upstreams: Upstreams
) -> None:
    model = f"{models_for(agent, provider)[-1]}-{agent.name}-e400"
    fake = upstreams.of(provider)
    before = play(fake, model, replace(SCRIPTS["e400"], lenient=script(agent, provider, Reply()).lenient))
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "Say hello.")
    shown = " ".join((outcome.out + outcome.err).split())
    assert "The fake does not like this request." in shown, outcome
    assert {request.status for request in fake.requests[before:]} == {400}


@pytest.mark.parametrize("agent", CODEX_WITH_WEBSOCKETS, ids=lambda agent: agent.name)
def test_codex_asks_for_a_websocket_once_and_then_by_post(
    agent: Agent, ask: Ask, proxy: Proxy, upstreams: Upstreams
) -> None:
    """Told any other status it asks seven times, which takes six seconds, or gives up."""
    fake, model = upstreams.of("claude-custom"), f"claude-sonnet-4-5-{agent.name}"
    play(fake, model, Script(reply("claude-custom", ANSWER)))
    begun = proxy.log.stat().st_size
    outcome = ask(agent, f"{proxy.url}/claude-custom", model, "Say hello.")
    assert outcome.code == 0, outcome
    assert ANSWER in outcome.out, outcome
    assert re.findall(rb"<< (\d{3}) ", proxy.log.read_bytes()[begun:]) == [b"426", b"200"]


def test_every_protocol_meets_every_provider() -> None:
    """What the tests above are parametrized with covers all pairs."""
    assert {(agent.speaks, provider) for agent in AGENTS for provider in MODELS} == set(PAIRS)
    assert {(case.values[0].speaks, case.values[1]) for case in REFUSALS} == set(PAIRS)

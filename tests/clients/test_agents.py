"""A real agent asks, reads a file with its own tool, and prints the answer: over every pair of protocols."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.agents import AGENTS, Agent, JsonObject, Outcome, Place, run
from tests.clients.installs import NotInstalledError
from tests.e2e.conftest import PROVIDERS, Launch, Upstreams
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import THOUGHT, Call, Reply, Script

MODELS = {
    "openai-custom": ("gpt-4.1", "gpt-5.4"),
    "claude-custom": ("claude-sonnet-4-5", "claude-opus-4-7"),
}
CASES = [
    pytest.param(agent, provider, model, id=f"{agent.name}-{model}")
    for agent in AGENTS
    for provider, models in MODELS.items()
    for model in models
    if model not in agent.unfit
]
ANSWER = "The fake says: Grüße, 日本 😀 – done."
SECRET = "BLUE-OTTER-42"
CALL_ID = "toolu_01ReadTheFile"

type Ask = Callable[..., Outcome]


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


def reply(provider: str, *text: str, calls: tuple[Call, ...] = ()) -> Reply:
    """Anthropic's models think where they are asked to; OpenAI's never show it on this wire."""
    thinking = THOUGHT if provider == "claude-custom" else ()
    return Reply(text=text, thinking=thinking, calls=calls, stop="tool_calls" if calls else "stop")


def results_in(body: JsonObject) -> dict[str, str]:
    """Tool results that a request of either protocol carries: id -> JSON of its content."""
    found: dict[str, str] = {}
    messages = body["messages"]
    assert isinstance(messages, list)
    for message in messages:
        if message["role"] == "tool":
            found[message["tool_call_id"]] = json.dumps(message["content"])
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "tool_result":
                found[block["tool_use_id"]] = json.dumps(block["content"])
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
def test_the_demo_answers_an_agent(agent: Agent, ask: Ask, bare: Proxy) -> None:
    outcome = ask(agent, bare.url, "aiclient-demo", "Hello, demo.")
    assert outcome.code == 0, outcome
    assert "This is the demo model inside aiclient" in " ".join(outcome.out.split()), outcome


@pytest.mark.parametrize(("agent", "provider", "model"), CASES)
def test_an_agent_prints_the_answer(
    agent: Agent, provider: str, model: str, ask: Ask, proxy: Proxy, upstreams: Upstreams
) -> None:
    fake, model = upstreams.of(provider), f"{model}-{agent.name}-plain"
    before = play(fake, model, Script(reply(provider, ANSWER[:9], ANSWER[9:])))
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "Say hello.")
    assert outcome.code == 0, outcome
    assert ANSWER in outcome.out, outcome
    sent = fake.requests[before:]
    assert sent
    assert {request.status for request in sent} == {200}
    assert {request.json["model"] for request in sent} == {model}


@pytest.mark.parametrize(("agent", "provider", "model"), [case for case in CASES if case.values[0].reads])
def test_an_agent_reads_a_file_for_the_model(
    agent: Agent, provider: str, model: str, ask: Ask, proxy: Proxy, upstreams: Upstreams, tmp_path: Path
) -> None:
    assert agent.reads is not None
    fake, model = upstreams.of(provider), f"{model}-{agent.name}-read"
    arguments = json.dumps(agent.reads.arguments(str(tmp_path / "work" / "secret.txt")))
    call = Call(CALL_ID, agent.reads.name, (arguments[:9], arguments[9:]))
    before = play(fake, model, Script(reply(provider, "Reading.", calls=(call,)), after_tools=reply(provider, ANSWER)))
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "What does secret.txt say?")
    assert outcome.code == 0, outcome
    assert ANSWER in outcome.out, outcome
    sent = fake.requests[before:]
    assert {request.status for request in sent} == {200}
    with_result = [results for request in sent if (results := results_in(request.json))]
    assert with_result
    for results in with_result:
        assert list(results) == [CALL_ID]
        assert SECRET in results[CALL_ID]


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_an_agent_shows_the_providers_refusal(
    agent: Agent, provider: str, ask: Ask, proxy: Proxy, upstreams: Upstreams
) -> None:
    model = f"{MODELS[provider][0]}-{agent.name}-e400"
    outcome = ask(agent, f"{proxy.url}/{provider}", model, "Say hello.")
    shown = " ".join((outcome.out + outcome.err).split())
    assert "The fake does not like this request." in shown, outcome
    assert {request.status for request in upstreams.of(provider).requests if request.json["model"] == model} == {400}


def test_every_protocol_of_a_client_meets_every_provider() -> None:
    """What the tests above are parametrized with covers all four pairs."""
    pairs = {(agent.speaks, PROVIDERS[provider]) for agent in AGENTS for provider in MODELS}
    assert pairs == {(client, wire) for client in ("chat", "anthropic") for wire in ("chat", "anthropic")}

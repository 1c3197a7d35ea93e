"""With no account at all a first request still works: the demo provider answers every SDK, and says what it is."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.plain import PROTOCOLS, RIGHT
from tests.e2e.proxy import Proxy
from tests.e2e.sdks import CLIENTS, Client
from tests.fakes.samples import CLIENT_KEY


@pytest.fixture(scope="module")
def bare(start: Launch) -> Proxy:
    """No account of any provider."""
    return start("bare", {"API_KEY": CLIENT_KEY})


@pytest.fixture(
    params=[(p, prefix) for p in PROTOCOLS for prefix in ("", "demo")], ids=lambda p: "-".join(p).strip("-")
)
def client(request: pytest.FixtureRequest, bare: Proxy) -> Iterator[Client]:
    protocol, prefix = request.param
    made = CLIENTS[protocol](bare.url, prefix or ".", CLIENT_KEY)
    yield made
    made.close()


def test_the_demo_speaks(client: Client, stream: bool) -> None:
    answer = client.ask("any-model", [client.user("Hello demo, Grüße 😀")], stream=stream)
    assert "demo" in answer.folded.text
    assert "Grüße 😀" in answer.folded.text
    assert answer.stop == "stop"
    assert answer.folded.model == "any-model"


def test_the_demo_calls_a_tool_and_reports_its_result(client: Client, stream: bool) -> None:
    question = client.user("Please use the tool get_weather.")
    first = client.ask("demo", [question], stream=stream, tools=True)
    (call,) = first.folded.calls
    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    assert first.stop == "tool_calls"
    second = client.ask(
        "demo", [question, *first.assistant, *client.results({call.id: "21 °C"})], stream=stream, tools=True
    )
    assert "21 °C" in second.folded.text


def test_the_demo_has_a_model_list_a_count_and_a_health_entry(bare: Proxy, web: httpx.Client) -> None:
    models: dict[str, Any] = web.get(f"{bare.url}/v1/models", headers=RIGHT).json()
    assert models["object"] == "list"
    assert models["data"]
    body = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}
    counted = web.post(f"{bare.url}/v1/messages/count_tokens", json=body, headers=RIGHT)
    assert counted.json()["input_tokens"] > 0
    assert counted.headers["x-aiclient-estimated"] == "1"
    assert "demo" in web.get(f"{bare.url}/health", headers=RIGHT).text

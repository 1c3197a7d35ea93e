"""Our own calls to a provider, against the strict fakes."""

import json
from collections.abc import Iterator

import pytest

from addons import upstream_call
from addons.providers import catalogue
from addons.upstream_call import asking
from converters.errors import Kind, UpstreamError
from creds.account import Account
from creds.api_key import ApiKey
from tests.addons.pool_rig import Login
from tests.fakes.anthropic import AnthropicFake
from tests.fakes.samples import ANTHROPIC_KEY

CLAUDE = catalogue()["claude-custom"]
BODY = {"model": "claude-sonnet-4-5", "max_tokens": 16, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def fake() -> Iterator[AnthropicFake]:
    with AnthropicFake(ANTHROPIC_KEY) as running:
        yield running


def account(fake: AnthropicFake, key: str = ANTHROPIC_KEY) -> Account:
    return Account("claude-custom", "claude-custom:a", fake.url + "/v1", ApiKey(key))


async def test_a_post_has_the_credential_the_protocols_headers_and_nothing_unneeded(fake: AnthropicFake) -> None:
    async with asking(CLAUDE, account(fake), 10) as ask:
        answer = await ask(f"{fake.url}/v1/messages", json.dumps(BODY).encode(), [("content-type", "application/json")])
    assert answer.status == 200, answer.body
    assert json.loads(answer.body)["type"] == "message"
    assert answer.headers["content-type"].startswith("application/json")
    # The fake lists what no good caller sends; what httpx adds of itself (`accept`, `connection`) is harmless.
    assert fake.violations == []
    assert fake.requests[-1].header("x-api-key") == ANTHROPIC_KEY


async def test_a_refusal_is_an_answer_and_shows_no_key(fake: AnthropicFake) -> None:
    async with asking(CLAUDE, account(fake, "sk-ant-wrong-key-0000"), 10) as ask:
        answer = await ask(f"{fake.url}/v1/models")
    assert answer.status == 401
    assert fake.requests[-1].method == "GET"
    assert "sk-ant-wrong" not in repr(answer)


async def test_nobody_there_too_slow_too_long_and_a_login_that_is_needed_are_upstream_errors(
    fake: AnthropicFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UpstreamError, match="cannot be reached") as caught:
        async with asking(CLAUDE, account(fake), 10) as ask:
            await ask("http://127.0.0.1:1/v1/models")
    assert caught.value.kind is Kind.UNREACHABLE

    slow = json.dumps({**BODY, "model": "claude-sonnet-4-5-silent"}).encode()
    with pytest.raises(UpstreamError, match=r"no answer within 0 s") as caught:
        async with asking(CLAUDE, account(fake), 0.2) as ask:
            await ask(f"{fake.url}/v1/messages", slow, [("content-type", "application/json")])
    assert caught.value.kind is Kind.TIMEOUT

    monkeypatch.setattr(upstream_call, "LIMIT", 10)
    with pytest.raises(UpstreamError, match="over 10 bytes") as caught:
        async with asking(CLAUDE, account(fake), 10) as ask:
            await ask(f"{fake.url}/v1/models")
    assert caught.value.kind is Kind.BROKEN_STREAM

    logged_out = Account("claude-custom", "claude-custom:b", fake.url, Login(broken="log in again"))
    with pytest.raises(UpstreamError, match="log in again") as caught:
        async with asking(CLAUDE, logged_out, 10):
            raise AssertionError("nobody is asked")
    assert caught.value.kind is Kind.AUTH

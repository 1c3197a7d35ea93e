"""Accounts that are looked at in the background: who, with what, and what is made of it."""

from dataclasses import dataclass, field

import pytest

from addons.account_pool import Claim
from addons.accounts import Member
from addons.health_check import HealthCheck, generate, list_models
from addons.providers import catalogue
from addons.providers.base import Provider
from converters.errors import ConversionError, Kind, UpstreamError
from creds.account import Account
from creds.api_key import ApiKey
from tests.addons.legs_rig import Rig
from tests.addons.pool_rig import in_flight, member, rig_of, state_of
from tests.fakes.anthropic import AnthropicFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.samples import ANTHROPIC_KEY, OPENAI_KEY


@dataclass
class Tries:
    """In place of calls: what was tried, and what comes of it."""

    made: list[tuple[str, str]] = field(default_factory=list)
    error: Exception | None = None

    async def __call__(self, provider: Provider, account: Account, model: str) -> None:
        self.made.append((account.label, model))
        if self.error is not None:
            raise self.error


def checker(rig: Rig, cheap: Tries, true: Tries) -> HealthCheck:
    return HealthCheck(lambda: rig.settings, lambda: rig.accounts, rig.pool, cheap, true)


async def fail(rig: Rig, of: Member, error: UpstreamError) -> None:
    """A request of somebody's has failed with it."""
    held = await rig.pool.lease(of.slot.provider, "m", Claim(pinned=of.slot.label))
    rig.pool.report(held, error, "req_1", reason=str(error))
    rig.pool.end(held)


async def test_only_those_whose_owner_asked_for_it_are_looked_at() -> None:
    cheap, true = Tries(), Tries()
    rig = rig_of(member("a", check_health=True), member("b"), member("c", check_health=True, disabled=True))
    await checker(rig, cheap, true).look()
    assert (cheap.made, true.made) == ([("openai-custom:a", "")], [])
    assert in_flight(rig) == 0


async def test_an_account_that_is_found_ill_rests_before_a_request_meets_it() -> None:
    rig = rig_of(member("a", check_health=True), member("b"))
    ill = Tries(error=UpstreamError(Kind.AUTH, "Incorrect API key", status=401))
    await checker(rig, ill, Tries()).look()
    rest = state_of(rig, "a").rest
    assert rest is not None
    assert (rest.cause, rest.reason, rest.exchange) == ("auth", "Incorrect API key", "health check")
    assert in_flight(rig) == 0


async def test_a_rest_that_a_provider_asked_for_is_kept_by_checks_too() -> None:
    cheap, true = Tries(), Tries()
    a = member("a", check_health=True, check_model="m")
    rig = rig_of(a)
    await fail(rig, a, UpstreamError(Kind.RATE_LIMIT, "slow down", status=429, retry_after=60))
    await checker(rig, cheap, true).look()
    assert cheap.made + true.made == []
    rig.now += 61
    await checker(rig, cheap, true).look()
    assert cheap.made + true.made == [("openai-custom:a", "m")]


async def test_a_list_of_models_does_not_show_credit_and_a_few_tokens_do() -> None:
    cheap, true = Tries(), Tries()
    mute, named = member("mute", check_health=True), member("named", check_health=True, check_model="gpt-5-mini")
    rig = rig_of(mute, named)
    for each in (mute, named):
        await fail(rig, each, UpstreamError(Kind.PAYMENT, "no credit", status=402))
    await checker(rig, cheap, true).look()
    assert (cheap.made, true.made) == ([], [("openai-custom:named", "gpt-5-mini")])
    assert state_of(rig, "named").stop is None, "it has credit again"
    assert state_of(rig, "mute").stop is not None


async def test_one_that_is_found_well_is_used_again() -> None:
    cheap = Tries()
    a = member("a", check_health=True)
    rig = rig_of(a, "b")
    await fail(rig, a, UpstreamError(Kind.UNREACHABLE, "refused"))
    rig.now += 60
    await checker(rig, cheap, Tries()).look()
    assert cheap.made == [("openai-custom:a", "")]
    assert state_of(rig, "a").rest is None


async def test_a_model_that_cannot_be_asked_for_is_said_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    a = member("a", check_health=True, check_model="x")
    rig = rig_of(a)
    await fail(rig, a, UpstreamError(Kind.PAYMENT, "no credit", status=402))
    await checker(rig, Tries(), Tries(error=ConversionError("no such thing"))).look()
    assert "cannot be checked with the model x: no such thing" in caplog.text
    assert in_flight(rig) == 0


@pytest.mark.parametrize(
    ("fake_of", "key", "provider", "model"),
    [
        (OpenAIFake, OPENAI_KEY, "openai-custom", "gpt-4.1"),
        (AnthropicFake, ANTHROPIC_KEY, "claude-custom", "claude-sonnet-4-5"),
    ],
    ids=["openai-custom", "claude-custom"],
)
async def test_both_calls_are_what_a_strict_provider_takes(
    fake_of: type[OpenAIFake] | type[AnthropicFake], key: str, provider: str, model: str
) -> None:
    with fake_of(key) as fake:
        account = Account(provider, f"{provider}:a", fake.url + "/v1", ApiKey(key))
        await list_models(catalogue()[provider], account, "")
        await generate(catalogue()[provider], account, model)
        assert [request.method for request in fake.requests] == ["GET", "POST"]
        with pytest.raises(UpstreamError) as caught:
            await generate(catalogue()[provider], account, f"{model}-e402")
        assert caught.value.kind is Kind.PAYMENT
        assert fake.violations == []

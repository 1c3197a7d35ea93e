"""A request's plan, with what the running proxy knows."""

from typing import Any

import pytest

from addons.exchange import Exchange
from addons.model_lists import ModelLists
from addons.plans import Plans, named, unknown_model
from addons.providers.base import Action
from addons.routing import Match
from converters.errors import ConversionError
from converters.wires import WIRES
from tests.addons.legs_rig import Rig
from tests.addons.pool_rig import OPENAI, accounts_of, member, rig_of

CLAUDE, GEMINI = "claude-custom", "gemini-custom"


def rig(*members: Any, **given: Any) -> Rig:
    return rig_of(*(members or (member("a"), member("b"), member("c", CLAUDE))), **given)


def plans(made: Rig) -> Plans:
    return Plans(lambda: made.accounts, ModelLists(made.list_models, lambda: 0.0))


def exchange(
    made: Rig, model: str = "m", provider: str | None = None, client: str = "chat", **headers: str
) -> Exchange:
    found = Exchange(Match(Action.GENERATE, client, provider), WIRES[client], headers, made.settings)
    found.model = model
    return found


def test_the_path_names_a_provider_before_the_header() -> None:
    made = rig()
    header = {"model-provider": CLAUDE}
    assert named(exchange(made, provider=OPENAI, **header)) == OPENAI
    assert named(exchange(made, **header)) == CLAUDE
    assert named(exchange(made, **{"model-provider": ""})) is None


async def test_a_provider_stands_in_a_plan_once_however_many_accounts_it_has() -> None:
    made = rig(routes={"fast": [OPENAI, CLAUDE]})
    found = await plans(made).of(exchange(made, "fast"))
    assert [candidate.provider for candidate in found.candidates] == [OPENAI, CLAUDE]


async def test_a_guess_is_checked_against_what_the_providers_list() -> None:
    """A name that says nothing: the client's own protocol decides, until a list knows better."""
    made = rig()
    assert plans(made).at_once(exchange(made, "mystery"), "mystery").candidates[0].provider == OPENAI
    made.models = {OPENAI: ["gpt-5"], CLAUDE: ["mystery"]}
    found = await plans(made).of(exchange(made, "mystery"))
    assert found.candidates[0].provider == CLAUDE


async def test_what_is_certain_asks_nobody() -> None:
    made = rig()
    asked: list[str] = []

    async def list_models(provider: Any, account: Any) -> list[Any]:
        asked.append(account.label)
        return []

    made_plans = Plans(lambda: made.accounts, ModelLists(list_models, lambda: 0.0))
    await made_plans.of(exchange(made, f"{CLAUDE}:x"))
    assert asked == []
    await made_plans.of(exchange(made, "mystery"))
    assert asked == [f"{OPENAI}:a", f"{CLAUDE}:c"], "one account of each pool"


async def test_lists_that_nobody_gives_leave_the_guess() -> None:
    made = rig()
    assert (await plans(made).of(exchange(made, "mystery"))).candidates[0].provider == OPENAI


async def test_accounts_are_looked_at_anew_for_each_request() -> None:
    made = rig()
    found = plans(made)
    made.accounts = accounts_of(member("g", GEMINI))
    assert (await found.of(exchange(made))).candidates[0].provider == GEMINI


def test_the_lists_that_count_are_the_named_providers_or_all() -> None:
    made = rig()
    found = plans(made)
    assert [provider.name for provider, _ in found.asked(exchange(made))] == [OPENAI, CLAUDE]
    ((provider, members),) = found.asked(exchange(made, provider=OPENAI))
    assert (provider.name, [each.slot.label for each in members]) == (OPENAI, [f"{OPENAI}:a", f"{OPENAI}:b"])
    assert found.asked(exchange(made, provider="demo")) == []


@pytest.mark.parametrize(("provider", "status"), [("nobody", 404), (GEMINI, 503)])
def test_a_named_provider_that_is_not_there_is_an_error(provider: str, status: int) -> None:
    made = rig()
    with pytest.raises(ConversionError) as caught:
        plans(made).asked(exchange(made, **{"model-provider": provider}))
    assert caught.value.status == status


def test_a_model_that_is_not_there_is_404_with_the_nearest_names() -> None:
    error = unknown_model("gpt-5-minni", ["gpt-5-mini", "zzz"], OPENAI)
    assert str(error) == "openai-custom has no model 'gpt-5-minni'; near to it: gpt-5-mini"
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert str(unknown_model("x" * 500, [])) == f"aiclient has no model {'x' * 100!r}"

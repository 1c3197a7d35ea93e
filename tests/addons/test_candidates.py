"""Model routing: each rule of docs/routing.md, in its order."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from addons.accounts import read_accounts
from addons.candidates import DEFAULT, Candidate, Plan, nearest_models, plan
from addons.providers import catalogue
from addons.settings import Settings
from converters.errors import ConversionError

KEYS = {
    "openai": {"openai_api_key": "sk-1", "openai_base_url": "https://openai.test/v1"},
    "responses": {"openai_responses_api_key": "sk-2"},
    "claude": {"claude_api_key": "sk-3"},
    "gemini": {"gemini_api_key": "sk-4"},
}
ALL = tuple(KEYS)


def made(accounts: Collection[str], **given_: object) -> Settings:
    values: dict[str, Any] = {key: value for name in accounts for key, value in KEYS[name].items()}
    return Settings(**(values | given_))


def planned(
    model: str,
    accounts: Collection[str] = ALL,
    *,
    protocol: str | None = "chat",
    named: str | None = None,
    listed: Mapping[str, Collection[str]] | None = None,
    **given_: object,
) -> Plan:
    found = made(accounts, **given_)
    known = catalogue()
    return plan(
        model,
        protocol,
        named,
        settings=found,
        accounts=read_accounts(found, known),
        catalogue=known,
        listed=listed or {},
    )


def asked(found: Plan) -> list[str]:
    return [f"{candidate.provider}:{candidate.model}" for candidate in found.candidates]


def refusal(model: str, accounts: Collection[str] = ALL, **more: Any) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        planned(model, accounts, **more)
    assert "\n" not in str(caught.value)
    return caught.value


# --- a: the provider that the client names ---


def test_a_a_named_provider_is_asked_for_what_the_client_wrote() -> None:
    found = planned("claude-opus", named="openai-custom", model_provider="claude-custom")
    assert found == Plan((Candidate("openai-custom", "claude-opus", "the client names this provider"),))


def test_a_an_unknown_provider_is_404_and_never_replaced() -> None:
    error = refusal("gpt-5", named="openai-custm", routes="gpt-5=claude-custom")
    assert (error.status, error.code) == (404, "unknown_provider")
    assert "Did you mean openai-custom?" in str(error)


def test_a_a_named_provider_without_an_account_is_503() -> None:
    error = refusal("gpt-5", ["claude"], named="openai-custom", routes="gpt-5=claude-custom")
    assert (error.status, error.code) == (503, "no_account")


@pytest.mark.parametrize(
    ("routes", "model"),
    [
        ("fast=openai-custom:gpt-5-mini", "gpt-5-mini"),
        ("fast=claude-custom:haiku,openai-custom:gpt-5-mini", "gpt-5-mini"),
        ("fast=openai-custom", "fast"),
        ("fast=gpt-5-mini", "gpt-5-mini"),  # a plain name that leads to this provider, among others
        ("fast=claude-custom:haiku", "fast"),  # none of its targets is there: the client's own name
        ("other=openai-custom:gpt-5-mini", "fast"),
    ],
)
def test_a_a_route_translates_the_name_for_a_named_provider(routes: str, model: str) -> None:
    assert asked(planned("fast", named="openai-custom", routes=routes)) == [f"openai-custom:{model}"]


def test_a_a_routes_other_targets_are_reported() -> None:
    found = planned(
        "m", ["openai"], named="openai-custom", routes="m=demo,openai-custom:a,claude-custom,openai-custom:b"
    )
    assert asked(found) == ["openai-custom:a", "openai-custom:b"]
    assert [target for target, _ in found.skipped] == ["claude-custom", "demo"]


def test_a_a_named_provider_may_stand_before_the_model_as_well() -> None:
    assert asked(planned("openai-custom:gpt-5", named="openai-custom")) == ["openai-custom:gpt-5"]
    assert asked(planned("claude-custom:x", named="openai-custom")) == ["openai-custom:claude-custom:x"]


# --- c: routes ---


@pytest.mark.parametrize(
    ("routes", "model", "expected"),
    [
        ("fast=openai-custom:gpt-5-mini", "fast", ["openai-custom:gpt-5-mini"]),
        ("fast=openai-custom/gpt-5-mini", "fast", ["openai-custom:gpt-5-mini"]),
        ("fast=openai-custom:org/m:8b", "fast", ["openai-custom:org/m:8b"]),
        ("fast=claude-custom", "fast", ["claude-custom:fast"]),
        ("f*=claude-custom; fast=gemini-custom", "fast", ["gemini-custom:fast"]),  # the exact name first
        ("f*=claude-custom; fa*=gemini-custom", "fast", ["claude-custom:fast"]),  # then as written
        ("gpt-*=openai-custom:my-*-x-*", "gpt-5", ["openai-custom:my-5-x-5"]),
        ("*-via-*=openai-custom:*", "a-via-b-via-c", ["openai-custom:a"]),
        ("a*c*=openai-custom:<*>", "abcd", ["openai-custom:<b>"]),
        ("*=claude-custom", "openai-custom:gpt-5", ["openai-custom:gpt-5"]),  # a provider in the name is before routes
        ("claude-*=claude-custom,openai-custom:gpt-5", "claude-x", ["claude-custom:claude-x", "openai-custom:gpt-5"]),
        ("m=demo,claude-custom", "m", ["demo:m", "claude-custom:m"]),
        ("m=openai-custom:x,openai-custom/x,openai-custom:y", "m", ["openai-custom:x", "openai-custom:y"]),
    ],
)
def test_c_a_route_gives_its_targets_in_order(routes: str, model: str, expected: list[str]) -> None:
    assert asked(planned(model, routes=routes)) == expected


@pytest.mark.parametrize(
    ("pattern", "model"),
    [
        ("fast", "Fast"),
        ("fast", "fast2"),
        ("fa*t", "fat2"),
        ("a*a", "a"),
        ("*b*b*", "ab"),
        ("g.t*", "gpt"),
        ("[g]*", "g"),
    ],
)
def test_c_a_route_matches_the_whole_name_and_only_stars_are_special(pattern: str, model: str) -> None:
    assert asked(planned(model, ["claude"], routes=f"{pattern}=demo")) == [f"claude-custom:{model}"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("claude-opus", ["claude-custom:claude-opus"]),
        ("gpt-5", ["openai-custom:gpt-5"]),
        ("other", ["openai-custom:other"]),
        ("fast", ["openai-custom:fast"]),  # not by routes again
        ("openai/gpt-5:free", ["openai-custom:openai/gpt-5:free"]),
    ],
)
def test_c_a_plain_name_as_target_goes_where_such_names_go(target: str, expected: list[str]) -> None:
    assert asked(planned("fast", routes=f"fast={target}")) == expected


def test_c_a_plain_name_as_target_goes_to_the_preferred_provider() -> None:
    assert asked(planned("fast", routes="fast=gpt-5", model_provider="gemini-custom")) == ["gemini-custom:gpt-5"]


def test_c_targets_without_an_account_are_skipped_and_reported() -> None:
    found = planned("m", ["claude"], routes="m=openai-custom:gpt-5,claude-custom:haiku")
    assert asked(found) == ["claude-custom:haiku"]
    ((target, why),) = found.skipped
    assert target == "openai-custom:gpt-5"
    assert "AICLIENT_OPENAI_API_KEY" in why


def test_c_a_route_without_any_account_is_503_that_names_its_targets() -> None:
    error = refusal("m", ["claude"], routes="m=openai-custom:gpt-5,gemini-custom")
    assert (error.status, error.code, error.param) == (503, "no_account", "model")
    assert "openai-custom:gpt-5" in str(error)
    assert "AICLIENT_GEMINI_API_KEY" in str(error)


def test_c_a_plain_name_as_target_is_no_way_to_the_demo() -> None:
    assert refusal("m", [], routes="m=gpt-5").code == "no_account"


def test_c_a_target_of_which_nothing_is_left_is_skipped() -> None:
    assert asked(planned("x-", routes="x-*=openai-custom:*,claude-custom:haiku")) == ["claude-custom:haiku"]
    assert refusal("x-", routes="x-*=openai-custom:*").code == "model_not_found"


# --- b: the provider within the model's name ---


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-custom:gpt-5", "claude-custom:gpt-5"),
        ("claude-custom/gpt-5", "claude-custom:gpt-5"),
        ("claude-custom:org/m:8b", "claude-custom:org/m:8b"),
        ("claude-custom/org:m", "claude-custom:org:m"),
        ("demo:x", "demo:x"),
        ("Claude-Custom:gpt-x", "openai-custom:Claude-Custom:gpt-x"),
        ("claude-custom:", "claude-custom:claude-custom:"),  # no model: a name like any other, of Claude's family
        ("anthropic/claude-opus", "claude-custom:anthropic/claude-opus"),
        ("llama3:8b", "openai-custom:llama3:8b"),
        ("/x", "openai-custom:/x"),
    ],
)
def test_b_a_provider_before_the_model_is_taken_at_its_word(model: str, expected: str) -> None:
    assert asked(planned(model, ["openai", "claude"])) == [expected]


def test_b_and_it_is_not_replaced_when_it_has_no_account() -> None:
    error = refusal("claude-custom:opus", ["openai"], model_provider="openai-custom")
    assert (error.status, error.code) == (503, "no_account")


# --- d: model_provider ---


def test_d_the_first_preferred_provider_gets_every_other_name() -> None:
    found = planned(
        "claude-opus", model_provider="openai-custom,claude-custom", listed={"claude-custom": ["claude-opus"]}
    )
    assert found == Plan((Candidate("openai-custom", "claude-opus", "model_provider names it first"),))
    assert asked(planned("m", [], model_provider="demo")) == ["demo:m"]


def test_d_and_it_is_not_replaced_when_it_has_no_account() -> None:
    assert refusal("claude-opus", ["claude"], model_provider="openai-custom").code == "no_account"
    assert refusal("claude-opus", [], model_provider="openai-custom").code == "no_account"


# --- f: model lists ---


def test_f_providers_that_list_the_name_are_asked_the_clients_own_protocol_first() -> None:
    lists = {"gemini-custom": {"m"}, "claude-custom": {"m", "n"}, "openai-custom": {"mm"}}
    assert asked(planned("m", listed=lists)) == ["claude-custom:m"]
    assert asked(planned("m", listed=lists, protocol="gemini")) == ["gemini-custom:m"]
    assert all(candidate.certain for candidate in planned("m", listed=lists).candidates)


def test_f_a_list_counts_less_than_a_family_and_only_with_an_account() -> None:
    """Where a name leads does not change when a list comes to hand."""
    assert asked(planned("claude-x", listed={"openai-custom": ["claude-x"]})) == ["claude-custom:claude-x"]
    assert asked(planned("x", ["claude"], listed={"openai-custom": ["x"]})) == ["claude-custom:x"]
    assert asked(planned("claude-x", ["claude"], listed={"openai-custom": ["claude-x"]})) == ["claude-custom:claude-x"]


# --- e: families ---

OPENAI = ["openai-custom"]


@pytest.mark.parametrize(
    ("model", "providers"),
    [
        *[(model, OPENAI) for model in ("gpt-5", "o3-mini", "chatgpt-4o-latest", "codex-mini", "computer-use-preview")],
        *[(model, OPENAI) for model in ("davinci-002", "text-embedding-3-small", "openai/gpt-5")],
        *[(model, ["claude-custom"]) for model in ("claude-opus-4-5", "us/anthropic/claude-x")],
        *[(model, ["gemini-custom"]) for model in ("gemini-2.5-pro", "gemma-3-27b-it", "learnlm-2", "models/gemini-x")],
    ],
)
def test_e_a_family_of_models_goes_to_its_owner(model: str, providers: list[str]) -> None:
    found = planned(model)
    assert asked(found) == [f"{provider}:{model}" for provider in providers]
    assert all(candidate.certain for candidate in found.candidates)


def test_e_the_clients_own_protocol_comes_first() -> None:
    assert asked(planned("gpt-5", protocol="responses")) == ["openaiResponses-custom:gpt-5"]


@pytest.mark.parametrize("model", ["my-gpt-5", "opus", "octopus", "claude", "claude-/x"])
def test_e_a_name_that_only_looks_a_little_like_it_is_none(model: str) -> None:
    assert planned(model).candidates[0].why == "its account speaks the client's own protocol"


# --- g, h, i: any account ---


@pytest.mark.parametrize(
    ("protocol", "provider"),
    [
        ("chat", "openai-custom"),
        ("responses", "openaiResponses-custom"),
        ("anthropic", "claude-custom"),
        ("gemini", "gemini-custom"),
    ],
)
def test_g_the_account_that_speaks_the_clients_own_protocol(protocol: str, provider: str) -> None:
    found = planned("m", protocol=protocol)
    assert found == Plan((Candidate(provider, "m", "its account speaks the client's own protocol", certain=False),))


@pytest.mark.parametrize("protocol", ["anthropic", None])
def test_h_else_the_first_account(protocol: str | None) -> None:
    found = planned("m", ["gemini", "openai"], protocol=protocol)
    assert found == Plan((Candidate("openai-custom", "m", "its account is the first", certain=False),))


@pytest.mark.parametrize("protocol", ["chat", "anthropic"])
def test_h_the_only_account_is_no_guess(protocol: str) -> None:
    found = planned("gemini-x", ["openai"], protocol=protocol)
    assert found == Plan((Candidate("openai-custom", "gemini-x", "it is the only account"),))


def test_h_a_shared_key_of_a_compatible_vendor_is_not_chosen_by_itself() -> None:
    assert asked(planned("gpt-5", ["openai"], protocol="responses")) == ["openai-custom:gpt-5"]
    for more in ({"named": "openaiResponses-custom"}, {"model_provider": "openaiResponses-custom"}):
        assert asked(planned("m", ["openai"], **more)) == ["openaiResponses-custom:m"]  # type: ignore[arg-type]
    assert asked(planned("openaiResponses-custom:m", ["openai"])) == ["openaiResponses-custom:m"]
    assert asked(planned("m", ["openai"], routes="m=openaiResponses-custom")) == ["openaiResponses-custom:m"]


def test_i_the_demo_answers_when_there_is_no_account() -> None:
    assert planned("m", []) == Plan((Candidate("demo", "m", "there is no account, so the demo answers"),))
    assert asked(planned(DEFAULT, [])) == ["demo:default"]


# --- the word `default` ---

DEFAULTS = "openai-custom=gpt-5; claude-custom=claude-opus"


@pytest.mark.parametrize(
    ("model", "more", "expected"),
    [
        (DEFAULT, {"named": "claude-custom"}, "claude-custom:claude-opus"),
        ("claude-custom:default", {"named": "claude-custom"}, "claude-custom:claude-opus"),
        ("claude-custom:default", {}, "claude-custom:claude-opus"),
        ("claude-custom/default", {}, "claude-custom:claude-opus"),
        (DEFAULT, {"model_provider": "claude-custom"}, "claude-custom:claude-opus"),
        (DEFAULT, {}, "openai-custom:gpt-5"),
        (DEFAULT, {"protocol": "anthropic"}, "claude-custom:claude-opus"),
        (DEFAULT, {"protocol": "gemini"}, "openai-custom:gpt-5"),  # not one that has no default
        (DEFAULT, {"routes": "default=claude-custom"}, "claude-custom:claude-opus"),
        (DEFAULT, {"routes": "default=gemini-custom:x"}, "gemini-custom:x"),
        ("fast", {"routes": "fast=claude-custom:default"}, "claude-custom:claude-opus"),
        ("fast", {"routes": "fast=gemini-custom:default,claude-custom:default"}, "claude-custom:claude-opus"),
        (DEFAULT, {"named": "demo"}, "demo:default"),  # takes any name
        (DEFAULT, {"listed": {"gemini-custom": [DEFAULT]}}, "openai-custom:gpt-5"),
    ],
)
def test_default_stands_for_the_chosen_providers_default_model(model: str, more: dict[str, Any], expected: str) -> None:
    found = planned(model, **({"default_models": DEFAULTS} | more))
    assert asked(found) == [expected]
    assert found.candidates[0].certain


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (DEFAULT, {}),
        (DEFAULT, {"named": "openai-custom"}),
        ("openai-custom:default", {}),
        (DEFAULT, {"model_provider": "openai-custom", "default_models": "claude-custom=opus"}),
        ("fast", {"routes": "fast=openai-custom:default"}),
    ],
)
def test_a_default_that_is_not_set_is_404_that_names_the_setting(model: str, more: dict[str, Any]) -> None:
    error = refusal(model, **more)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert "set default_models to openai-custom=MODEL" in str(error)


# --- whatever comes in ---

WORDS = st.sampled_from(
    [
        DEFAULT,
        "",
        "*",
        "gpt-5",
        "claude-x",
        "fast",
        "openai-custom",
        "openai-custom:default",
        "demo/x",
        "claude-custom:a:b",
    ]
)
NAMES = st.one_of(WORDS, st.text(max_size=12), st.text("a*:/-", max_size=8))
TARGETS = st.one_of(WORDS.filter(bool), st.text("a*:/-", min_size=1, max_size=5)).filter(lambda t: t[-1] not in ":/")
ROUTES = st.dictionaries(
    st.text("a*:/-", min_size=1, max_size=6).map(lambda name: name + "*"),
    st.lists(TARGETS, min_size=1, max_size=3),
    max_size=4,
)


@examples(max_examples=150)
@given(
    model=NAMES,
    protocol=st.sampled_from(["chat", "responses", "anthropic", "gemini", None]),
    named=st.sampled_from([None, None, "openai-custom", "demo", "nobody"]),
    accounts=st.sets(st.sampled_from(ALL)).map(sorted),
    routes=ROUTES,
    preferred=st.sampled_from([(), (), ("claude-custom",), ("nobody",)]),
    defaults=st.sampled_from(["", DEFAULTS]),
    listed=st.dictionaries(st.sampled_from(["openai-custom", "claude-custom", "nobody"]), st.lists(NAMES, max_size=3)),
)
def test_whatever_is_asked_gives_the_same_plan_or_the_same_refusal(
    model: str,
    protocol: str | None,
    named: str | None,
    accounts: list[str],
    routes: dict[str, list[str]],
    preferred: tuple[str, ...],
    defaults: str,
    listed: dict[str, list[str]],
) -> None:
    found = made(accounts, routes=routes, model_provider=preferred, default_models=defaults)
    holders = read_accounts(found, catalogue())

    def outcome() -> Plan | tuple[str, int]:
        try:
            return plan(model, protocol, named, settings=found, accounts=holders, catalogue=catalogue(), listed=listed)
        except ConversionError as error:
            return str(error), error.status

    first = outcome()
    assert first == outcome()
    if isinstance(first, Plan):
        assert first.candidates
        assert all(c.provider == "demo" or c.provider in holders.pools for c in first.candidates)
        assert all(c.why and (named is None or c.provider == named) for c in first.candidates)
        assert len({(c.provider, c.model) for c in first.candidates}) == len(first.candidates)
    else:
        assert first[1] in (404, 503)


def test_a_long_name_costs_little() -> None:
    routes = f"{'*a' * 20}*b=demo; {'a*' * 20}b=demo"
    assert asked(planned("a" * 200_000, ["claude"], routes=routes)) == ["claude-custom:" + "a" * 200_000]
    assert nearest_models("a" * 200_000, ["a" * 100]) == ["a" * 100]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("GPT-5-Minni", ["gpt-5-mini", "gpt-5"]),
        ("claude-opus-4.5", ["Claude-Opus-4-5"]),
        ("zzz", []),
        ("", []),
    ],
)
def test_the_nearest_models_are_found_whatever_the_case(name: str, found: list[str]) -> None:
    assert nearest_models(name, ["gpt-5", "Claude-Opus-4-5", "gpt-5-mini"]) == found


def test_at_most_three_models_are_near() -> None:
    assert len(nearest_models("model", [f"model-{n}" for n in range(9)])) == 3


@pytest.mark.parametrize(
    ("model", "named", "route"),
    [
        ("fast", None, "fast"),
        ("claude-x", None, "claude-*"),
        ("fast", "openai-custom", "fast"),
        ("fast", "gemini-custom", ""),  # where the route does not lead
        ("openai-custom:fast", None, ""),
        ("gpt-5", None, ""),
    ],
)
def test_a_plan_names_the_route_that_made_it(model: str, named: str | None, route: str) -> None:
    routes = {"fast": ["openai-custom:gpt-5", "gpt-5-mini"], "claude-*": "claude-custom"}
    assert planned(model, named=named, routes=routes).route == route

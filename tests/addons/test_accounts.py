"""The accounts that settings, tables and files of pools name."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.accounts import Accounts, defined, read_accounts, read_all, with_own
from addons.providers import catalogue
from addons.settings_sources import Loaded, load
from converters.errors import ConversionError
from creds.account import CredentialError
from creds.api_key import ApiKey
from creds.places import own_file
from creds.pool_keys import FILES, SEED_NAMES, SETTINGS, keys_of
from tests.addons.legs_rig import CLAUDE_SECRET, OPENAI_SECRET, settings, with_accounts


def test_one_account_per_key_in_the_order_of_the_catalogue() -> None:
    accounts = read_accounts(with_accounts("claude", "openai"), catalogue())
    assert accounts.usable == ("openai-custom", "claude-custom")
    (member,) = accounts.of(catalogue()["claude-custom"])
    account = member.account
    assert member.slot.label == account.label
    assert (account.label, account.base_url) == ("claude-custom:default", "https://claude.test/v1")
    assert catalogue()["claude-custom"].headers(account) == [(b"x-api-key", CLAUDE_SECRET.encode())]


def test_without_keys_there_is_no_account() -> None:
    assert read_accounts(settings(), catalogue()) == Accounts({})


def test_a_missing_account_is_503_that_names_the_cure() -> None:
    with pytest.raises(ConversionError, match="AICLIENT_CLAUDE_API_KEY or --claude-api-key") as caught:
        read_accounts(with_accounts("openai"), catalogue()).of(catalogue()["claude-custom"])
    assert (caught.value.status, caught.value.code) == (503, "no_account")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "x\r\nx-evil: 1", "schlüssel"])
def test_a_key_that_cannot_be_a_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(CredentialError, match="openai_api_key") as caught:
        read_accounts(settings(openai_api_key=key), catalogue())
    assert key not in str(caught.value)


def test_28_secrets_are_in_no_repr() -> None:
    found = with_accounts("openai", "claude")
    shown = repr(read_accounts(found, catalogue())) + repr(found)
    assert OPENAI_SECRET not in shown
    assert CLAUDE_SECRET not in shown


RESPONSES = catalogue()["openaiResponses-custom"]


@pytest.mark.parametrize(
    ("given", "key", "url", "usable"),
    [
        ({}, "sk-chat", "https://api.openai.com/v1", True),
        ({"openai_base_url": "https://API.OPENAI.COM"}, "sk-chat", "https://api.openai.com/v1", True),
        # compatible vendors mostly have no Responses API
        ({"openai_base_url": "https://vendor.test"}, "sk-chat", "https://vendor.test/v1", False),
        (
            {"openai_base_url": "https://api.openai.com.evil.test"},
            "sk-chat",
            "https://api.openai.com.evil.test/v1",
            False,
        ),
        (
            {"openai_base_url": "https://vendor.test", "openai_responses_base_url": "https://vendor.test/r"},
            "sk-chat",
            "https://vendor.test/r/v1",
            True,
        ),
        ({"openai_responses_api_key": " "}, "sk-chat", "https://api.openai.com/v1", True),
    ],
)
def test_the_responses_account_shares_key_and_url_of_the_chat_account(
    given: dict[str, object], key: str, url: str, usable: bool
) -> None:
    accounts = read_accounts(settings(**{"openai_api_key": "sk-chat", **given}), catalogue())
    account = accounts.of(RESPONSES)[0].account
    assert (account.base_url, account.label) == (url, "openaiResponses-custom:default")
    assert RESPONSES.headers(account) == [(b"authorization", b"Bearer " + key.encode())]
    assert accounts.usable == (("openai-custom", "openaiResponses-custom") if usable else ("openai-custom",))
    assert accounts.borrowed == {"openaiResponses-custom": "openai_api_key"}
    assert accounts.on_demand == (frozenset() if usable else {"openaiResponses-custom"})


def test_28_a_responses_key_of_its_own_does_not_follow_the_chat_vendors_url() -> None:
    accounts = read_accounts(with_accounts("openai", openai_responses_api_key="sk-own"), catalogue())
    account = accounts.of(RESPONSES)[0].account
    assert account.base_url == "https://api.openai.com/v1"
    assert RESPONSES.headers(account) == [(b"authorization", b"Bearer sk-own")]
    assert accounts.usable == ("openai-custom", "openaiResponses-custom")
    assert (accounts.borrowed, accounts.on_demand) == ({}, frozenset())


def test_a_responses_url_without_any_key_is_no_account() -> None:
    found = settings(openai_responses_base_url="https://vendor.test")
    assert read_accounts(found, catalogue()) == Accounts({})


def test_a_provider_has_its_own_version_in_its_base_url() -> None:
    accounts = read_accounts(settings(gemini_api_key="g", gemini_base_url="https://gemini.test"), catalogue())
    account = accounts.of(catalogue()["gemini-custom"])[0].account
    assert account.base_url == "https://gemini.test/v1beta"
    assert catalogue()["gemini-custom"].headers(account) == [(b"x-goog-api-key", b"g")]


def test_a_login_that_is_missing_is_named_with_what_is_known_of_its_service() -> None:
    """Who logs in to a service that has ended would only be refused later."""
    with pytest.raises(
        ConversionError, match=r"run `aiclient login openai-qwen-oauth` \(its service is retired .*openai-custom"
    ):
        read_accounts(settings(), catalogue()).of(catalogue()["openai-qwen-oauth"])


# --- pools ---


def table(provider: str, label: str, **settings_: object) -> str:
    rows = {"provider": provider, "label": label, **settings_}
    return "[[account]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in rows.items())


def read(text: str, pools: object = None) -> Accounts:
    """Of an `aiclient.toml`, and a file of pools."""
    if pools is not None:
        Path("pools.json").write_text(json.dumps(pools))
        text = 'provider_pools_file = "pools.json"\n' + text
    Path("aiclient.toml").write_text(text)
    return read_all(load(), catalogue())


def labels(accounts: Accounts) -> list[str]:
    return [member.slot.label for member in accounts.members]


def test_a_pool_is_of_plain_settings_tables_and_file_in_this_order() -> None:
    accounts = read(
        'openai_api_key = "k0"\n' + table("openai-custom", "work", openai_api_key="k1", priority=3, weight=2),
        {"openai-custom": [{"OPENAI_API_KEY": "k2", "customName": "spare", "isDisabled": True}], "nobody": [{}]},
    )
    pool = accounts.pools["openai-custom"]
    assert [member.slot.label for member in pool] == [f"openai-custom:{name}" for name in ("default", "work", "spare")]
    assert [member.account.label for member in pool] == [member.slot.label for member in pool]
    assert [(member.slot.priority, member.slot.weight, member.slot.disabled) for member in pool] == [
        (0, 1.0, False),
        (3, 2, False),
        (0, 1.0, True),
    ]
    assert [member.account.credential for member in pool] == [ApiKey(f"k{number}") for number in range(3)]
    assert len({member.slot.mark for member in pool}) == 3
    assert accounts.notes == ("'nobody' is no provider here: 1 accounts left out",)


def test_a_pool_account_with_the_same_settings_as_the_plain_one_is_one_account() -> None:
    url = {"openai_base_url": "https://gateway.test/v1"}
    plain = 'openai_api_key = "k1"\nopenai_base_url = "https://gateway.test/v1"\n'
    accounts = read(plain + table("openai-custom", "work", openai_api_key="k1", priority=7, **url))
    assert labels(accounts)[0] == "openai-custom:work"
    assert len(accounts.pools["openai-custom"]) == 1
    other = read(plain + table("openai-custom", "work", openai_api_key="k1"))
    assert len(other.pools["openai-custom"]) == 2, "the same key at another place is another account"


def test_a_key_that_is_lent_is_the_same_account_as_one_that_is_named_by_itself() -> None:
    own = table("openaiResponses-custom", "work", openai_responses_api_key="k1")
    accounts = read('openai_api_key = "k1"\n' + own)
    assert labels(accounts) == ["openai-custom:default", "openaiResponses-custom:work"]
    assert accounts.borrowed == {}


@pytest.mark.parametrize("changed", ["openai_api_key", "openai_base_url"])
def test_an_account_whose_lent_key_has_changed_is_another_one(changed: str) -> None:
    """What was held against the old key must not stop the new one."""
    given = {"openai_api_key": "k1", "openai_base_url": "https://a.test/v1"}
    marks = {
        read_accounts(settings(**each), catalogue()).of(RESPONSES)[0].slot.mark
        for each in (given, given | {changed: "https://b.test/v1"})
    }
    assert len(marks) == 2


def test_an_account_that_is_read_again_is_the_same() -> None:
    text = 'claude_api_key = "k0"\n' + table("openai-custom", "work", openai_api_key="k1")
    assert list(read(text).members) == list(read(text).members)


def test_an_accounts_settings_do_not_mix_with_those_outside() -> None:
    """A URL never goes with another account's key."""
    outside = 'openai_api_key = "k0"\nopenai_base_url = "https://elsewhere.test/v1"\n'
    accounts = read(outside + table("openai-custom", "work", openai_api_key="k1"))
    assert [member.account.base_url for member in accounts.pools["openai-custom"]] == [
        "https://elsewhere.test/v1",
        "https://api.openai.com/v1",
    ]


@pytest.mark.parametrize(
    ("variable", "provider", "setting"),
    [
        ("OPENAI_API_KEY", "openai-custom", "openai_api_key"),
        ("OPENAI_API_KEY", "openaiResponses-custom", "openai_responses_api_key"),
        ("ANTHROPIC_API_KEY", "claude-custom", "claude_api_key"),
        ("GEMINI_API_KEY", "gemini-custom", "gemini_api_key"),
        ("KIRO_API_KEY", "claude-kiro-oauth", "kiro_api_key"),
    ],
)
def test_a_vendors_own_variable_steps_back_where_a_pool_is_defined(
    monkeypatch: pytest.MonkeyPatch, variable: str, provider: str, setting: str
) -> None:
    monkeypatch.setenv(variable, "ksk_of-the-shell")
    assert labels(read("")).count(f"{provider}:default") == 1
    found = [member.slot.label for member in read(table(provider, "work", **{setting: "ksk_own"})).pools[provider]]
    assert found == [f"{provider}:work"]
    monkeypatch.setenv(f"AICLIENT_{setting.upper()}", "ksk_mine")
    found = [member.slot.label for member in read(table(provider, "work", **{setting: "ksk_own"})).pools[provider]]
    assert found == [f"{provider}:default", f"{provider}:work"], "what is set for us stays"


def test_another_programs_login_steps_back_where_a_pool_is_defined_and_our_own_stays(own_environment: Path) -> None:
    for file in (own_environment.parent / ".qwen" / "oauth_creds.json", Path("work.json")):
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"access_token": "a", "refresh_token": "b"}')
    text = table("openai-qwen-oauth", "work", qwen_oauth_creds_file="work.json")
    alone = read("")
    assert (labels(alone), alone.on_demand) == (["openai-qwen-oauth:default"], {"openai-qwen-oauth"})
    pooled = read(text)
    assert (labels(pooled), pooled.on_demand, pooled.usable) == (
        ["openai-qwen-oauth:work"],
        frozenset(),
        ("openai-qwen-oauth",),
    )
    own = own_file("openai-qwen-oauth", own_environment)
    own.parent.mkdir(parents=True)
    own.write_text('{"access_token": "c", "refresh_token": "d"}')
    assert labels(read(text)) == ["openai-qwen-oauth:default", "openai-qwen-oauth:work"]


def test_a_label_stands_for_one_account() -> None:
    with pytest.raises(CredentialError, match=r"openai-custom:work stands in a table and in pools\.json"):
        read(
            table("openai-custom", "work", openai_api_key="k1"),
            {"openai-custom": [{"OPENAI_API_KEY": "k2", "customName": "work"}]},
        )
    with pytest.raises(CredentialError, match="openai-custom:default is the one of the plain settings"):
        read('openai_api_key = "k0"\n' + table("openai-custom", "default", openai_api_key="k1"))
    assert labels(read(table("openai-custom", "default", openai_api_key="k1"))) == ["openai-custom:default"]


def test_of_a_great_pool_some_are_named_at_start() -> None:
    accounts = read("".join(table("claude-custom", f"n{number}", claude_api_key=f"k{number}") for number in range(30)))
    assert len(accounts.labels) == 9
    assert accounts.labels[-1] == "and 22 more"
    assert Accounts().labels == ["demo (no account configured)"]


# --- every setting of an account ---

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"
GIVEN = {"kiro_wire": "aws-json-1.0", "kiro_thinking": "tags", "kiro_region": "eu-west-1", "kiro_profile_arn": ARN}
OF_LOGINS = "gemini_oauth_auth_url"  # where a browser goes: no part of an account in use
EACH = [(provider, setting) for provider in SETTINGS for setting in keys_of(provider).all]


def value_of(setting: str, folder: Path) -> str:
    if setting in FILES:
        file = folder / f"{setting}.json"
        file.write_text('{"access_token": "a", "refresh_token": "b"}')
        return str(file)
    if setting.endswith("_base64"):
        return base64.b64encode(json.dumps({"access_token": setting, "refresh_token": "r"}).encode()).decode()
    if setting.endswith("_url"):
        return f"http://127.0.0.1:1/{setting}/v1"
    return GIVEN.get(setting, f"ksk_{setting}")


def all_of(found: object, seen: set[int]) -> Iterator[str]:
    """Every text in it and in what hangs on it."""
    if isinstance(found, str | bytes | Path):
        yield found.decode(errors="replace") if isinstance(found, bytes) else str(found)
    if id(found) in seen or isinstance(found, type) or found is None:
        return
    seen.add(id(found))
    slots = [getattr(found, name, None) for name in getattr(type(found), "__slots__", ())]
    items = found if isinstance(found, list | tuple | set | frozenset) else ()
    pairs = list(found.values()) if isinstance(found, dict) else []
    cells = [cell.cell_contents for cell in getattr(found, "__closure__", None) or ()]
    owner = getattr(found, "__self__", None)
    for each in (*items, *pairs, *slots, *cells, owner, *getattr(found, "__dict__", {}).values()):
        yield from all_of(each, seen)


@pytest.mark.parametrize("by_seed", [False, True], ids=["table", "pools file"])
@pytest.mark.parametrize(("provider", "setting"), EACH)
def test_each_setting_of_an_account_reaches_it(provider: str, setting: str, by_seed: bool, tmp_path: Path) -> None:
    keys = keys_of(provider)
    given = {name: value_of(name, tmp_path) for name in ((keys.credentials[0],) if setting in keys.others else ())}
    given[setting] = wanted = value_of(setting, tmp_path)
    if by_seed:
        names = {ours: theirs for (of, theirs), ours in SEED_NAMES.items() if of == provider}
        account = {names.get(name, name).upper(): value for name, value in given.items()}
        accounts = read("", {provider: [account]})
        assert accounts.notes == ()
    else:
        accounts = read(table(provider, "work", **given))
    (found,) = accounts.pools[provider]
    if setting == OF_LOGINS:
        assert getattr(with_own(settings(), defined(load()).definitions[0]), setting) == wanted
        return
    texts = set(all_of(found.account, set()))
    shown = {wanted, wanted.removesuffix("/v1"), setting if setting.endswith("_base64") else wanted}
    assert any(each in text for text in texts for each in shown), f"{setting} is nowhere in the account"


def test_an_account_that_stands_in_a_table_and_in_the_file_of_pools_is_one(tmp_path: Path) -> None:
    pools = tmp_path / "pools.json"
    pools.write_text(json.dumps({"openai-custom": [{"OPENAI_API_KEY": "sk-one"}, {"OPENAI_API_KEY": "sk-two"}]}))
    table = {"provider": "openai-custom", "label": "mine", "openai_api_key": "sk-one"}
    found = defined(Loaded(settings(provider_pools_file=str(pools)), {}, tmp_path / "aiclient.toml", [table]))
    assert [each.label for each in found.definitions] == ["openai-custom:mine", "openai-custom:2"]
    assert len(found.notes) == 1
    assert "openai-custom:1 is the same account as openai-custom:mine" in found.notes[0]

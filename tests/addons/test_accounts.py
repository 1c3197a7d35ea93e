"""The accounts that settings name."""

import pytest

from addons.accounts import Accounts, read_accounts
from addons.providers import catalogue
from converters.errors import ConversionError
from creds.account import CredentialError
from tests.addons.legs_rig import CLAUDE_SECRET, OPENAI_SECRET, settings, with_accounts


def test_one_account_per_key_in_the_order_of_the_catalogue() -> None:
    accounts = read_accounts(with_accounts("claude", "openai"), catalogue())
    assert accounts.usable == ("openai-custom", "claude-custom")
    account = accounts.of(catalogue()["claude-custom"])
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
    account = accounts.of(RESPONSES)
    assert (account.base_url, account.label) == (url, "openaiResponses-custom:default")
    assert RESPONSES.headers(account) == [(b"authorization", b"Bearer " + key.encode())]
    assert accounts.usable == (("openai-custom", "openaiResponses-custom") if usable else ("openai-custom",))
    assert accounts.borrowed == {"openaiResponses-custom": "openai_api_key"}
    assert accounts.on_demand == (frozenset() if usable else {"openaiResponses-custom"})


def test_28_a_responses_key_of_its_own_does_not_follow_the_chat_vendors_url() -> None:
    accounts = read_accounts(with_accounts("openai", openai_responses_api_key="sk-own"), catalogue())
    assert accounts.of(RESPONSES).base_url == "https://api.openai.com/v1"
    assert RESPONSES.headers(accounts.of(RESPONSES)) == [(b"authorization", b"Bearer sk-own")]
    assert accounts.usable == ("openai-custom", "openaiResponses-custom")
    assert (accounts.borrowed, accounts.on_demand) == ({}, frozenset())


def test_a_responses_url_without_any_key_is_no_account() -> None:
    found = settings(openai_responses_base_url="https://vendor.test")
    assert read_accounts(found, catalogue()) == Accounts({})


def test_a_provider_has_its_own_version_in_its_base_url() -> None:
    accounts = read_accounts(settings(gemini_api_key="g", gemini_base_url="https://gemini.test"), catalogue())
    account = accounts.of(catalogue()["gemini-custom"])
    assert account.base_url == "https://gemini.test/v1beta"
    assert catalogue()["gemini-custom"].headers(account) == [(b"x-goog-api-key", b"g")]


def test_a_login_that_is_missing_is_named_with_what_is_known_of_its_service() -> None:
    """Who logs in to a service that has ended would only be refused later."""
    with pytest.raises(
        ConversionError, match=r"run `aiclient login openai-qwen-oauth` \(its service is retired .*openai-custom"
    ):
        read_accounts(settings(), catalogue()).of(catalogue()["openai-qwen-oauth"])

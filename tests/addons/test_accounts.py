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

"""The accounts that settings name, by provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from addons.providers.base import Provider
from addons.settings import Settings, written
from converters.errors import ConversionError
from creds.account import Account
from creds.api_key import KeyRow, accounts_from

# (key, URL) of an account that may do without a key of its own -> (key, URL) of the one that it shares then.
LENDERS = {
    ("openai_responses_api_key", "openai_responses_base_url"): ("openai_api_key", "openai_base_url"),
}
# Compatible vendors mostly have no Responses API: a shared key counts by itself only where the API is known to be.
LENDING_HOSTS = frozenset({"api.openai.com"})


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts of one reading of the settings, in catalogue order.

    borrowed: providers whose account has another one's key -> the setting that holds it. on_demand: those of them that are
    used only where a client, a route or a setting names them.
    """

    by_provider: Mapping[str, Account] = field(default_factory=dict)
    borrowed: Mapping[str, str] = field(default_factory=dict)
    on_demand: frozenset[str] = frozenset()

    @property
    def usable(self) -> tuple[str, ...]:
        """The providers to choose from when none is named."""
        return tuple(name for name in self.by_provider if name not in self.on_demand)

    def of(self, provider: Provider) -> Account:
        """Raises ConversionError 503 that names the cure when there is none."""
        account = self.by_provider.get(provider.name)
        if account is None and not provider.key_setting:
            warning = f" ({provider.status.warning})" if provider.status.warning else ""
            message = f"provider {provider.name} has no account: run `aiclient login {provider.name}`{warning}"
            raise ConversionError(message, status=503, code="no_account")
        if account is None:
            setting = provider.key_setting
            raise ConversionError(
                f"provider {provider.name} has no account: set AICLIENT_{setting.upper()} or --{setting.replace('_', '-')}",
                status=503,
                code="no_account",
            )
        return account


def read_accounts(settings: Settings, catalogue: Mapping[str, Provider]) -> Accounts:
    """Raises creds.account.CredentialError for a key or base URL that cannot be used."""
    rows, borrowed, on_demand = [], {}, set()
    for provider in catalogue.values():
        pair = (provider.key_setting, provider.url_setting)
        if provider.key_setting not in type(settings).model_fields:
            continue
        key, url = _pair(settings, pair)
        if (lender := LENDERS.get(pair)) is not None:
            lent_key, lent_url = _pair(settings, lender)
            if not key and lent_key:
                borrowed[provider.name] = lender[0]
                if not url and urlsplit(lent_url).hostname not in LENDING_HOSTS:
                    on_demand.add(provider.name)
                key, url = lent_key, url or lent_url
            # A key of its own must not follow another vendor's URL.
            url = url or type(settings).model_fields[lender[1]].default
        rows.append(KeyRow(provider.name, borrowed.get(provider.name, pair[0]), key, url, provider.url_version))
    accounts = {account.provider: account for account in accounts_from(rows)}
    for provider in catalogue.values():
        if (made := provider.account(settings)) is not None:
            accounts[provider.name], waits = made
            on_demand |= {provider.name} if waits else set()
    accounts = {name: accounts[name] for name in catalogue if name in accounts}
    return Accounts(accounts, borrowed, frozenset(on_demand))


def _pair(settings: Settings, names: tuple[str, str]) -> tuple[str, str]:
    """Key and URL as set."""
    key, url = (written(getattr(settings, name)) for name in names)
    return key.strip(), url

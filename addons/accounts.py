"""The accounts that settings name, by provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from addons.providers.base import Provider
from addons.settings import Settings, written
from converters.errors import ConversionError
from creds.account import Account
from creds.api_key import KeyRow, accounts_from


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts of one reading of the settings. usable: names of providers that have one, in catalogue order."""

    by_provider: Mapping[str, Account] = field(default_factory=dict)

    @property
    def usable(self) -> tuple[str, ...]:
        return tuple(self.by_provider)

    def of(self, provider: Provider) -> Account:
        """Raises ConversionError 503 that names the cure when there is none."""
        account = self.by_provider.get(provider.name)
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
    rows = [
        KeyRow(
            provider.name,
            provider.key_setting,
            written(getattr(settings, provider.key_setting)),
            getattr(settings, provider.url_setting),
        )
        for provider in catalogue.values()
        if provider.key_setting in type(settings).model_fields
    ]
    return Accounts({account.provider: account for account in accounts_from(rows)})

"""API keys: the simplest credential. A key goes in as text and comes out as request headers, nowhere else."""

from dataclasses import dataclass, field

from creds.account import Account, CredentialError, Scheme, State, Status, normalise_base


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that the vendor's console handed out. It does not expire and is not refreshed."""

    key: str = field(repr=False)

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        """`Authorization: Bearer KEY`, `x-api-key: KEY` or `x-goog-api-key: KEY`, names in lower case."""
        key = self.key.encode("ascii")
        if scheme is Scheme.BEARER:
            return [(b"authorization", b"Bearer " + key)]
        return [(scheme.value.encode(), key)]

    async def ready(self) -> None:
        """It always is."""

    async def renew(self) -> bool:
        """There is no other."""
        return False

    def status(self) -> Status:
        return Status(State.VALID)


def parse_key(text: str, setting: str) -> ApiKey:
    """A pasted key -> ApiKey. Blanks around it go; CredentialError if it cannot be a header's value.

    setting: what the error names, e.g. `openai_api_key`.
    """
    key = text.strip()
    if not key:
        raise CredentialError(f"{setting} is empty")
    if not all("!" <= c <= "~" for c in key):  # also keeps CR and LF out of the request head
        raise CredentialError(f"{setting} holds a blank, a line break or a non-ASCII character; copy the key again")
    return ApiKey(key)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What settings say of one account with a key. An empty `key` means: no such account.

    label: of the account. setting: that holds the key, by name. version: path segment appended to a base URL without one.
    """

    provider: str
    label: str
    setting: str
    key: str = field(repr=False)
    base_url: str
    version: str = "v1"


def account_from(row: KeyRow) -> Account | None:
    """None without a key. Raises CredentialError for a key or a base URL that cannot be used."""
    if not row.key.strip():
        return None
    try:
        base_url = normalise_base(row.base_url, row.version)
    except ValueError as e:
        raise CredentialError(f"base URL of {row.label}: {e}") from e
    return Account(row.provider, row.label, base_url, parse_key(row.key, row.setting))


def masked(secret: str) -> str:
    """A secret as a person may see it: enough to tell two keys apart, too little to use. Short ones show nothing."""
    return f"{secret[:3]}...{secret[-4:]}" if len(secret) >= 20 else "***"

"""Pools of OAuth logins: several accounts of one provider, each with its own file, token server and provider."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import override

from tests.e2e.oauth.logins import LOGINS, KiroLogin, Login
from tests.fakes.kiro_auth import ARN
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import Recorded

NAMES = ("one", "two")


class JsonLogin(KiroLogin):
    """An IdC login whose account speaks AWS's older JSON, where the path says nothing."""

    profile = ARN.replace("FAKEPROFILE1", "FAKEPROFILE2")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "IdC")
        self.fake.arn = self.profile

    @property
    @override
    def generated(self) -> list[Recorded]:
        return [
            each for each in self.fake.requests if "GenerateAssistantResponse" in (each.header("x-amz-target") or "")
        ]


class Logins:
    """Two of each provider, logged in; their servers run until `stack` is closed. The second of Kiro's is another kind."""

    def __init__(self, folder: Path, stack: ExitStack, *, ends_in: float = 3600) -> None:
        self.pools: dict[str, list[Login]] = {}
        for provider, kind in LOGINS.items():
            first = kind(folder / provider / "one")
            other = folder / provider / "two"
            second = JsonLogin(other) if provider == "claude-kiro-oauth" else kind(other)
            second.made(ends_in=0)  # one more: so its tokens have other names
            self.pools[provider] = [first, second]
        for login in self.all:
            for server in login.servers:
                stack.enter_context(server)
            login.fake.secrets = [CLIENT_KEY]
            login.log_in(ends_in=ends_in)

    @property
    def all(self) -> list[Login]:
        return [login for pool in self.pools.values() for login in pool]

    @property
    def violations(self) -> list[str]:
        return [each for login in self.all for each in login.fake.violations]

    def write(self, path: Path, more: Mapping[tuple[str, str], Mapping[str, object]] = {}) -> None:
        """Their `[[account]]` tables. more: further keys, by (provider, name)."""
        lines: list[str] = []
        for provider, pool in self.pools.items():
            for name, login in zip(NAMES, pool, strict=True):
                table: dict[str, object] = {"provider": provider, "label": name}
                table |= {key.lower(): value for key, value in login.settings.items()}
                table |= more.get((provider, name), {})
                lines += ["[[account]]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
        path.write_text("\n".join(lines))


def label(provider: str, number: int) -> str:
    return f"{provider}:{NAMES[number]}"


def counts(pool: Sequence[Login]) -> list[int]:
    return [len(login.generated) for login in pool]

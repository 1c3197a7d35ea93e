"""OAuth tokens renewed ahead of need, so that no request waits for it."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from addons.accounts import Accounts
from addons.settings import Settings
from creds.account import Account, CredentialError

log = logging.getLogger("aiclient")

EVERY = 30.0  # seconds
SPREAD = 0.2  # of the margin, more or less: several programs must not meet


@runtime_checkable
class Kept(Protocol):
    """A credential that can be renewed ahead of time."""

    async def keep(self, margin: float) -> None:
        """Renew it if it ends within `margin` seconds. Raises CredentialError."""
        ...


class TokenRefresh:
    """Addon: looks at every account each half minute (`cron_refresh_token`, `cron_near_minutes`).

    Accounts that wait to be named are left alone: their files belong to other tools. chance: 0 to 1.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        accounts: Callable[[], Accounts],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings, self._accounts, self._chance = settings, accounts, chance
        self._spread: dict[str, float] = {}  # label -> factor, drawn once
        self._told: dict[str, str] = {}  # label -> the last complaint, to be said once
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        self._task = asyncio.create_task(self._run())

    def done(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # mitmproxy would not see it
                log.exception("cannot look after the tokens")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Renew what is near its end."""
        if not self._settings().cron_refresh_token:
            return
        accounts = self._accounts()
        members = [member for name in accounts.usable for member in accounts.pools[name] if not member.slot.disabled]
        await asyncio.gather(*(self._keep(member.account) for member in members))

    async def _keep(self, account: Account) -> None:
        if not isinstance(account.credential, Kept):
            return
        if account.label not in self._spread:
            self._spread[account.label] = 1 + SPREAD * (2 * self._chance() - 1)
        margin = self._settings().cron_near_minutes * 60 * self._spread[account.label]
        try:
            await account.credential.keep(margin)
            self._told.pop(account.label, None)
        except CredentialError as error:
            if self._told.get(account.label) != str(error):
                self._told[account.label] = str(error)
                log.warning("%s", error)

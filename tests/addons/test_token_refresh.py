"""Tokens renewed in the background."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from addons.accounts import Accounts, Member
from addons.settings import Settings
from addons.token_refresh import EVERY, SPREAD, TokenRefresh
from creds.account import Account, Credential, CredentialError, Scheme, State, Status
from creds.api_key import ApiKey
from creds.slot import Slot


class Watched:
    """Notes the margins it is kept with; raises `error` if there is one."""

    def __init__(self, error: str = "") -> None:
        self.margins: list[float] = []
        self.error = error

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        return []

    async def ready(self) -> None: ...

    async def renew(self) -> bool:
        return False

    def status(self) -> Status:
        return Status(State.VALID)

    async def keep(self, margin: float) -> None:
        self.margins.append(margin)
        if self.error:
            raise CredentialError(self.error)


def member(provider: str, credential: Credential, name: str = "default", disabled: bool = False) -> Member:
    label = f"{provider}:{name}"
    return Member(Account(provider, label, "https://x.test", credential), Slot(provider, label, disabled=disabled))


def addon(
    *credentials: Credential,
    chance: Callable[[], float] = lambda: 0.5,
    on_demand: frozenset[str] = frozenset(),
    **more: object,
) -> TokenRefresh:
    accounts = {f"p{i}": (member(f"p{i}", c),) for i, c in enumerate(credentials)}
    settings = Settings(**more)  # type: ignore[arg-type]
    return TokenRefresh(lambda: settings, lambda: Accounts(accounts, on_demand=on_demand), chance)


async def test_every_token_is_kept_with_a_margin_that_is_drawn_once() -> None:
    draws = iter([0.0, 1.0])
    first, second = Watched(), Watched()
    refresh = addon(first, ApiKey("k"), second, chance=lambda: next(draws), cron_near_minutes=10)
    await refresh.look()
    await refresh.look()
    assert first.margins == [600 * (1 - SPREAD)] * 2
    assert second.margins == [600 * (1 + SPREAD)] * 2


async def test_accounts_that_wait_to_be_named_are_left_alone() -> None:
    waiting = Watched()
    await addon(waiting, on_demand=frozenset({"p0"})).look()
    assert waiting.margins == []


async def test_every_account_of_a_pool_is_kept_but_those_that_their_owner_disabled() -> None:
    first, second, off = Watched(), Watched(), Watched()
    pool = (member("p", first, "a"), member("p", second, "b"), member("p", off, "c", disabled=True))
    await TokenRefresh(Settings, lambda: Accounts({"p": pool}), lambda: 0.5).look()
    assert [len(each.margins) for each in (first, second, off)] == [1, 1, 0]


async def test_it_can_be_switched_off() -> None:
    credential = Watched()
    await addon(credential, cron_refresh_token=False).look()
    assert credential.margins == []


async def test_a_complaint_is_said_once_and_harms_no_other_account(caplog: pytest.LogCaptureFixture) -> None:
    broken, good = Watched("log in again"), Watched()
    refresh = addon(broken, good)
    for _ in range(3):
        await refresh.look()
    assert caplog.messages == ["log in again"]
    assert len(good.margins) == 3
    broken.error = ""
    await refresh.look()
    broken.error = "log in again"
    await refresh.look()
    assert len(caplog.messages) == 2


async def test_it_runs_until_it_is_done_and_survives_a_bug(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.token_refresh.EVERY", 0.001)
    rounds = asyncio.Event()

    class Bug(Watched):
        async def keep(self, margin: float) -> None:
            self.margins.append(margin)
            if len(self.margins) == 3:
                rounds.set()
            raise KeyError("bug")

    credential = Bug()
    refresh = addon(credential)
    refresh.running()
    await asyncio.wait_for(rounds.wait(), 5)
    refresh.done()
    seen = len(credential.margins)
    await asyncio.sleep(0.02)
    assert len(credential.margins) == seen
    assert caplog.records[0].levelno == logging.ERROR
    assert EVERY == 30

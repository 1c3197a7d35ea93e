"""The pools in use: which account a request gets, what its outcome says of the account, and the state that is kept of it.

The decisions are pure and in `creds.pool` and `creds.pool_outcome`; here they meet the clock, the waiting and the file.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from addons.accounts import Accounts, Member
from addons.settings import Settings
from addons.settings_sources import home
from converters.errors import ConversionError, Kind, UpstreamError
from creds.account import Account, Credential, State
from creds.api_key import ApiKey
from creds.pool import Asked, Choice, Nobody, Wait, choose, lease, release, reset
from creds.pool_outcome import SUCCESS, Outcome, report
from creds.pool_state import PoolState
from creds.slot import FRESH, SUSPENDED, Limits, SlotState, Standing, standing

log = logging.getLogger("aiclient")

SAVE_SECONDS = 0.2  # changes of this time are written together
AGAIN_SECONDS = 10.0  # after a write that failed
_SHOWN = 5  # reasons in an error
_BARRED = (State.NEEDS_LOGIN, State.SUSPENDED)
# What says something of one model and no other: it is full, limited or broken while others are well. A quota that is used up, a
# refused credential and a host that is not there concern them all.
_OF_MODEL = frozenset("rate_limit overloaded server timeout broken_stream".split())
_OF_LOGIN = ("auth", "forbidden", SUSPENDED)
_SPENT = ("rate_limit", "payment")  # what the client hears as 429


@dataclass(slots=True)
class Claim:
    """What one request may still do in a provider's pool.

    affinity: the same for all requests of a conversation. tried: how often it was tried, by account label. retries: how often it
    may still go to accounts that it was tried with. patience: seconds that it may still wait. pinned: the one account that can
    serve it, "" if any can.
    """

    affinity: str = ""
    retries: int = 0
    patience: float = 0.0
    pinned: str = ""
    tried: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Lease:
    """An account in use by one request. at: when it began, unix seconds. model: as the provider knows it. mark: of its slot."""

    account: Account
    model: str
    at: float
    mark: str = ""
    over: bool = False


class AccountPool:
    """Addon. now: unix seconds. chance: 0 to 1."""

    def __init__(
        self, states: PoolState, now: Callable[[], float] = time.time, chance: Callable[[], float] = random.random
    ) -> None:
        self._states, self._now, self._chance = states, now, chance
        self._limits, self._accounts = Limits(), Accounts()
        self._members: dict[str, Member] = {}
        self._changed = asyncio.Event()
        self._saving: asyncio.Task[None] | None = None
        self._told = ""

    def use(self, settings: Settings, accounts: Accounts) -> None:
        """A new reading of the settings. States of accounts that are the same as before stay."""
        self._limits, self._accounts = limits_of(settings), accounts
        self._members = {member.slot.label: member for member in accounts.members}
        self._states.use(member.slot for member in self._members.values())
        self._tell_warning()
        self._changed.set()  # who waits may have somebody new to ask

    async def done(self) -> None:
        """What is not written yet."""
        if self._saving is not None:
            self._saving.cancel()
            with suppress(asyncio.CancelledError):
                await self._saving
        if self._states.unsaved and not await self._states.save():
            self._tell_warning()

    # --- to look at ---

    def look(self) -> Mapping[str, SlotState]:
        """The states by label, as far as there are any."""
        self._states.look()
        return self._states.states

    def standing(self, member: Member) -> Standing:
        """As people see it."""
        return standing(member.slot, self._states.states.get(member.slot.label, FRESH), self._now(), "", self._limits)

    # --- a request's way ---

    async def lease(
        self,
        provider: str,
        model: str,
        claim: Claim,
        *,
        another: bool = False,
        waits: bool = True,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Lease:
        """An account of a provider's pool; waits for one as long as the claim's patience lasts.

        another: only one that the request was not tried with yet. waits: False if there is somebody else to ask. is_wanted: whether
        the client is still there. Raises UpstreamError with the time when all of them rest, ConversionError when none could serve
        it at any time.
        """
        hurried = False
        while True:
            self._states.look()
            found = self._choose(provider, model, claim, another=another, hurried=hurried)
            if isinstance(found, Choice):
                return self._leased(found, claim)
            if isinstance(found, Nobody):
                raise _nobody(provider, found)
            now = self._now()
            if hurried or not waits or not is_wanted():
                raise _resting(provider, found, now)
            pause = math.inf if found.again is None else max(0.0, found.again - now)
            if 0 < claim.patience and (pause <= claim.patience or (found.busy and found.again is not None)):
                claim.patience = await self._wait(min(pause, claim.patience), claim.patience)
            else:
                hurried = True

    async def _wait(self, seconds: float, patience: float) -> float:
        """Until then, or until something has changed. What is left of the patience."""
        self._changed.clear()
        began = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), max(seconds, 0.005))
        return max(0.0, patience - max(time.monotonic() - began, 0.001))

    def _choose(
        self, provider: str, model: str, claim: Claim, *, another: bool, hurried: bool
    ) -> Choice | Wait | Nobody:
        pool = self._accounts.pools.get(provider, ())
        for member in pool:
            self._forgive(member)
        slots = [member.slot for member in pool]
        if claim.pinned:
            slots = [slot for slot in slots if slot.label == claim.pinned] or slots
        limits = self._limits
        if another or (claim.retries <= 0 and claim.tried):
            limits = replace(limits, tries=1)
        asked = Asked(model, claim.affinity, claim.tried, _barred(pool), hurried)
        return choose(slots, self._states.states, asked, self._now(), self._chance(), limits)

    def _forgive(self, member: Member) -> None:
        """A login that is newer than what was held against the old one begins anew."""
        state = self._states.states.get(member.slot.label)
        if state is None or isinstance(member.account.credential, ApiKey):
            return
        since = max(
            (found.since for found in (state.stop, state.rest) if found and found.cause in _OF_LOGIN), default=0.0
        )
        if since and _dated(member.account.credential) > since:
            self._states.change(member.slot.label, reset)

    def _leased(self, choice: Choice, claim: Claim) -> Lease:
        label, at = choice.slot.label, self._now()
        if claim.tried.get(label):
            claim.retries -= 1
        claim.tried[label] = claim.tried.get(label, 0) + 1
        self._states.change(label, partial(lease, choice=choice, now=at))
        return Lease(self._members[label].account, choice.model, at, choice.slot.mark)

    def report(
        self, held: Lease, error: UpstreamError | None, exchange: str, *, reason: str = "", cause: str = ""
    ) -> None:
        """What came of an attempt. error: None for a good answer. cause: in place of the error's kind. reason: the provider's
        words, without secrets."""
        label = held.account.label
        if not self._has(held):
            return
        before = self._states.states.get(label, FRESH)
        cause = cause or (error.kind.value if error else SUCCESS)
        outcome = Outcome(
            cause,
            held.at,
            held.model,
            of_model=cause in _OF_MODEL and bool(held.model),
            wait=error.retry_after if error else None,
            status=error.status if error else None,
            reason=reason[:300],
            exchange=exchange,
        )
        if error is None and before.rest is None and before.stop is None and not before.models:
            return  # the usual: nothing to clear
        now, chance, limits = self._now(), self._chance(), self._limits
        after = self._states.change(label, lambda state: report(state, outcome, now=now, chance=chance, limits=limits))
        self._tell(label, before, after, now)
        self._changed.set()
        self._save_soon()

    def end(self, held: Lease) -> None:
        """The request is done with the account; once, however often it is said."""
        if held.over:
            return
        held.over = True
        if self._has(held):
            self._states.change(held.account.label, release)
        self._changed.set()

    def _has(self, held: Lease) -> bool:
        """Not gone with another reading of the settings, which may have given its label to another account."""
        member = self._members.get(held.account.label)
        return member is not None and member.slot.mark == held.mark

    # --- the file ---

    def _save_soon(self) -> None:
        if self._states.unsaved and (self._saving is None or self._saving.done()):
            self._saving = asyncio.ensure_future(self._save())

    async def _save(self) -> None:
        await asyncio.sleep(SAVE_SECONDS)
        while self._states.unsaved:
            good = await self._states.save()
            self._tell_warning()
            if not good:
                await asyncio.sleep(AGAIN_SECONDS)

    # --- what people are told ---

    def _tell_warning(self) -> None:
        if self._states.warning != self._told:
            self._told = self._states.warning
            if self._told:
                log.warning("%s", self._told)

    def _tell(self, label: str, before: SlotState, after: SlotState, now: float) -> None:
        if after.stop is not None and before.stop is None:
            said = f"{after.stop.cause}: {after.stop.reason}"
            log.warning("%s is stopped (%s); when it is mended: aiclient pool reset %s", label, said, label)
        elif before.stop is not None and after.stop is None:
            log.info("%s is used again", label)
            return
        for model, rest in (("", after.rest), *after.models.items()):
            old = before.models.get(model) if model else before.rest
            if rest is not None and rest != old and rest.until > now:
                log.info(
                    "%s rests for %.1f s (%s)", "/".join(filter(None, (label, model))), rest.until - now, rest.cause
                )


def state_file() -> Path:
    """Where the state of all pools is kept."""
    return home() / "pool_state.json"


def limits_of(settings: Settings) -> Limits:
    """What settings say of pauses and tries."""
    return Limits(
        base=settings.request_base_delay / 1000,
        error_cap=settings.error_rest_seconds,
        rate_cap=settings.rate_rest_seconds,
        auth_cap=settings.auth_rest_seconds,
        quota=settings.quota_rest_seconds,
        longest=settings.longest_rest_seconds,
        tries=settings.account_tries,
    )


def cause_of(account: Account, error: UpstreamError) -> str:
    """A refusal after which the credential counts as suspended stops the account for good."""
    return SUSPENDED if account.credential.status().state is State.SUSPENDED else error.kind.value


def _barred(pool: tuple[Member, ...]) -> dict[str, str]:
    """Those that only their owner can mend. A key is always ready; only the others are looked at."""
    barred = {}
    for member in pool:
        credential = member.account.credential
        if isinstance(credential, ApiKey):
            continue
        status = credential.status()
        if status.state in _BARRED:
            barred[member.slot.label] = status.advice or status.state.value
    return barred


def _dated(credential: Credential) -> float:
    """When the file of a login was written last, in unix seconds; 0 for one that is in no file."""
    if not (source := getattr(credential, "source", "")):
        return 0.0
    try:
        return Path(str(source)).stat().st_mtime
    except OSError:
        return 0.0


def _nobody(provider: str, found: Nobody) -> ConversionError:
    only = len(found.reasons) == 1
    said = "; ".join(why if only else f"{label}: {why}" for label, why in found.reasons[:_SHOWN])
    more = f"; and {len(found.reasons) - _SHOWN} more" if len(found.reasons) > _SHOWN else ""
    return ConversionError(f"no account of {provider} can serve this: {said}{more}", status=503, code="no_account")


def _resting(provider: str, found: Wait, now: float) -> UpstreamError:
    seconds = max(1, math.ceil(found.until - now))
    said = "; ".join(f"{label} {why}" for label, why in found.reasons[:_SHOWN])
    more = f"; and {len(found.reasons) - _SHOWN} more" if len(found.reasons) > _SHOWN else ""
    kind = Kind.RATE_LIMIT if found.cause in _SPENT else Kind.OVERLOADED
    return UpstreamError(
        kind, f"no account of {provider} is free: {said}{more}; try again in {seconds} s", retry_after=seconds
    )

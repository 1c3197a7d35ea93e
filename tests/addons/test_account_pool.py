"""Accounts in use: who gets which, who waits, and what is kept of it."""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addons.account_pool import AccountPool, Claim, Lease, cause_of, limits_of, state_file
from addons.accounts import Member
from addons.settings import Settings
from converters.errors import ConversionError, Kind, UpstreamError
from creds.account import Account, State
from creds.api_key import ApiKey
from creds.pool import reset
from creds.pool_state import PoolState
from creds.slot import FRESH, SlotState, Standing
from tests.addons.pool_rig import OPENAI, Login, accounts_of, member

NOW = 1_700_000_000.0
WAITING = 5.0  # seconds at most, in tests that hang if they fail


class Pool:
    """The addon with a clock that stands still, unless `moves`."""

    def __init__(self, path: Path, *members: Member, moves: bool = False, **given: Any) -> None:
        self.now, self.path = NOW, path
        self.began = time.monotonic() if moves else None
        self.states = PoolState(path, self.clock)
        self.addon = AccountPool(self.states, self.clock, lambda: 1.0)
        self.use(*members, **given)

    def clock(self) -> float:
        return self.now + (0.0 if self.began is None else time.monotonic() - self.began)

    def use(self, *members: Member, **given: Any) -> None:
        self.addon.use(Settings(**given), accounts_of(*members))

    async def lease(self, claim: Claim | None = None, model: str = "m", **how: Any) -> Lease:
        return await self.addon.lease(OPENAI, model, Claim() if claim is None else claim, **how)

    async def name(self, claim: Claim | None = None, model: str = "m", **how: Any) -> str:
        """Of the account that a request gets; it is given back at once."""
        held = await self.lease(claim, model, **how)
        self.addon.end(held)
        return held.account.label.partition(":")[2]

    async def fails(self, name: str, kind: Kind, *, model: str = "m", **error: Any) -> None:
        """A request to this account came to nothing."""
        held = await self.lease(Claim(pinned=f"{OPENAI}:{name}"), model)
        self.addon.report(held, UpstreamError(kind, "no", **error), "req_1", reason="the provider's words")
        self.addon.end(held)

    def state(self, name: str) -> SlotState:
        return self.states.states.get(f"{OPENAI}:{name}", FRESH)


type Make = Callable[..., Pool]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Make]:
    pools: list[Pool] = []

    def make(*members: Member | str, **how: Any) -> Pool:
        named = [
            each if isinstance(each, Member) else member(each, priority=number) for number, each in enumerate(members)
        ]
        pools.append(Pool(tmp_path / "home" / "pool_state.json", *named, **how))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.addon.done()


# --- who is asked ---


async def test_the_first_that_is_well_and_serves_the_model(made: Make) -> None:
    pool = made(member("a", without_models=frozenset({"m"})), member("b", priority=1), member("c", priority=2))
    assert await pool.name() == "b"
    assert await pool.name(model="other") == "a"
    await pool.fails("b", Kind.AUTH)
    assert await pool.name() == "c"


async def test_a_rate_limit_is_of_one_model_and_a_refused_credential_of_all(made: Make) -> None:
    pool = made("a", "b")
    await pool.fails("a", Kind.RATE_LIMIT, retry_after=60.0)
    assert [await pool.name(model=model) for model in ("m", "other")] == ["b", "a"]
    assert (pool.state("a").rest, pool.state("a").models["m"].until) == (None, NOW + 60)
    await pool.fails("a", Kind.PAYMENT, model="other", retry_after=60.0)
    assert await pool.name(model="third") == "b"


async def test_what_went_wrong_without_a_model_is_of_the_account(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.SERVER, model="")
    assert pool.state("a").rest is not None
    assert pool.state("a").models == {}


async def test_a_conversation_keeps_its_account(made: Make) -> None:
    pool = made(*(member(name) for name in "abc"))
    own = {talk: await pool.name(Claim(talk)) for talk in ("1", "2", "3", "4", "5", "6")}
    assert len(set(own.values())) > 1
    assert {talk: await pool.name(Claim(talk)) for talk in own} == own


async def test_a_request_about_a_stored_answer_goes_to_the_account_that_keeps_it(made: Make) -> None:
    pool = made("a", "b")
    assert await pool.name(Claim(pinned=f"{OPENAI}:b")) == "b"
    assert await pool.name(Claim(pinned=f"{OPENAI}:gone")) == "a"


async def test_a_credential_that_only_its_owner_can_mend_is_passed_over_and_named(made: Make) -> None:
    dead = Login(state=State.NEEDS_LOGIN, advice="run `aiclient login`")
    pool = made(member("a", credential=dead), member("b", priority=1))
    assert await pool.name() == "b"
    pool.use(member("a", credential=dead))
    with pytest.raises(
        ConversionError, match="no account of openai-custom can serve this: run `aiclient login`"
    ) as error:
        await pool.lease()
    assert (error.value.status, error.value.code) == (503, "no_account")
    dead.state = State.VALID
    assert await pool.name() == "a"


async def test_why_nobody_can_serve_it_is_said_of_five_accounts_at_most(made: Make) -> None:
    pool = made(*(member(f"a{number}", disabled=True) for number in range(7)))
    with pytest.raises(ConversionError, match=r"openai-custom:a4: is disabled; and 2 more$"):
        await pool.lease()


# --- waiting ---


async def test_a_request_waits_for_the_end_of_a_rest(made: Make) -> None:
    pool = made("a", moves=True)
    await pool.fails("a", Kind.RATE_LIMIT, retry_after=0.05)
    claim = Claim(patience=WAITING)
    assert await pool.name(claim) == "a"
    assert WAITING - 1 < claim.patience <= WAITING - 0.03, "what it has waited is used up"


async def test_a_rest_that_is_longer_than_the_patience_is_not_waited_for(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.RATE_LIMIT, retry_after=6.2)
    claim = Claim(patience=5.0)
    with pytest.raises(
        UpstreamError, match=r"no account of openai-custom is free: openai-custom:a rests for 7 s"
    ) as error:
        await asyncio.wait_for(pool.lease(claim), 1)
    assert (error.value.kind, error.value.retry_after, claim.patience) == (Kind.RATE_LIMIT, 7, 5.0)


async def test_a_request_waits_for_another_one_to_end(made: Make) -> None:
    pool = made(member("a", concurrency=1))
    held = await pool.lease()
    second = asyncio.create_task(pool.lease(Claim(patience=WAITING)))
    await asyncio.sleep(0.01)
    assert not second.done()
    pool.addon.end(held)
    assert (await asyncio.wait_for(second, 0.5)).account.label == f"{OPENAI}:a"
    assert pool.state("a").in_flight == 1


async def test_of_many_that_wait_none_is_forgotten(made: Make) -> None:
    pool = made(member("a", concurrency=1))

    async def one() -> str:
        held = await pool.lease(Claim(patience=WAITING))
        assert pool.state("a").in_flight == 1
        await asyncio.sleep(0)
        pool.addon.end(held)
        return held.account.label

    assert await asyncio.wait_for(asyncio.gather(*(one() for _ in range(30))), WAITING) == [f"{OPENAI}:a"] * 30
    assert pool.state("a").in_flight == 0


async def test_while_one_request_tries_an_account_others_wait_for_its_success(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.SERVER)
    pool.now += 60
    probe = await pool.lease()
    others = [asyncio.create_task(pool.lease(Claim(patience=WAITING))) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in others)
    pool.addon.report(probe, None, "req_2")
    await asyncio.wait_for(asyncio.gather(*others), 0.5)
    assert pool.state("a").models == {}


async def test_nobody_waits_where_somebody_else_can_be_asked_or_the_client_has_left(made: Make) -> None:
    pool = made(member("a", concurrency=1))
    held = await pool.lease()
    for how in ({"waits": False}, {"is_wanted": lambda: False}):
        claim = Claim(patience=WAITING)
        with pytest.raises(UpstreamError, match="its limit"):
            await asyncio.wait_for(pool.lease(claim, **how), 0.5)
        assert claim.patience == WAITING
    pool.addon.end(held)


async def test_a_limit_of_ones_own_is_no_rate_limit_of_the_provider(made: Make) -> None:
    pool = made(member("a", concurrency=1))
    held = await pool.lease()
    with pytest.raises(UpstreamError) as error:
        await pool.lease(Claim(patience=0.01))
    assert (error.value.kind, error.value.retry_after) == (Kind.OVERLOADED, 1)
    pool.addon.end(held)


# --- in a hurry ---


@pytest.mark.parametrize(
    ("kind", "error", "is_asked"),
    [
        (Kind.SERVER, {}, True),
        (Kind.OVERLOADED, {}, True),
        (Kind.TIMEOUT, {}, True),
        (Kind.UNREACHABLE, {}, True),
        (Kind.BROKEN_STREAM, {}, True),
        (Kind.AUTH, {}, True),
        (Kind.OVERLOADED, {"retry_after": 30.0}, False),
        (Kind.SERVER, {"retry_after": 30.0}, False),
        (Kind.RATE_LIMIT, {}, False),
        (Kind.RATE_LIMIT, {"retry_after": 30.0}, False),
        (Kind.PAYMENT, {}, False),
    ],
)
async def test_a_rest_gives_way_when_nobody_else_is_there_unless_the_provider_asked_for_it(
    made: Make, kind: Kind, error: dict[str, float], is_asked: bool
) -> None:
    pool = made("a", request_base_delay=60_000)
    await pool.fails("a", kind, **error)
    assert pool.addon.standing(member("a")) is Standing.COOLING or pool.state("a").models
    if is_asked:
        assert await pool.name() == "a"
    else:
        with pytest.raises(UpstreamError):
            await pool.lease()


async def test_it_does_not_give_way_while_somebody_else_can_be_asked(made: Make) -> None:
    pool = made("a", "b")
    await pool.fails("a", Kind.SERVER)
    assert await pool.name() == "b"
    with pytest.raises(UpstreamError):  # of the same route's chain
        await pool.lease(Claim(tried={f"{OPENAI}:b": 3}), waits=False)


async def test_an_account_that_another_request_tries_is_asked_in_a_hurry(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.SERVER)
    pool.now += 60
    await pool.lease()
    assert await pool.name() == "a"


@pytest.mark.parametrize(("kind", "status"), [(Kind.PAYMENT, 402), (Kind.FORBIDDEN, 403)])
async def test_one_that_was_stopped_is_the_last_resort_once_a_request(made: Make, kind: Kind, status: int) -> None:
    pool = made("a", "b")
    await pool.fails("a", kind, status=status)
    assert pool.state("a").stop is not None
    assert await pool.name() == "b"
    await pool.fails("b", kind, status=status)
    claim = Claim(retries=9)
    assert [await pool.name(claim), await pool.name(claim)] == ["a", "b"]
    with pytest.raises(ConversionError, match="is stopped: the provider's words"):
        await pool.lease(claim)


async def test_one_that_was_suspended_is_never_asked(made: Make) -> None:
    pool = made("a")
    held = await pool.lease()
    pool.addon.report(held, UpstreamError(Kind.FORBIDDEN, "no"), "req_1", cause="suspended")
    with pytest.raises(ConversionError):
        await pool.lease()


def test_a_refusal_suspends_where_the_credential_says_so() -> None:
    account = member("a", credential=Login(state=State.SUSPENDED)).account
    assert cause_of(account, UpstreamError(Kind.FORBIDDEN, "x")) == "suspended"
    assert cause_of(member("b").account, UpstreamError(Kind.FORBIDDEN, "x")) == "forbidden"


# --- how often ---


async def test_retries_bound_the_tries_with_accounts_that_were_tried(made: Make) -> None:
    pool, claim = made("a", "b"), Claim(retries=1)
    assert [await pool.name(claim) for _ in range(3)] == ["a", "b", "a"]
    with pytest.raises(UpstreamError):
        await pool.lease(claim)
    assert claim.tried == {f"{OPENAI}:a": 2, f"{OPENAI}:b": 1}


async def test_the_tries_of_one_account_are_bounded(made: Make) -> None:
    pool, claim = made("a", account_tries=2), Claim(retries=9, patience=WAITING)
    assert [await pool.name(claim) for _ in range(2)] == ["a", "a"]
    with pytest.raises(UpstreamError, match="has been tried often enough"):
        await asyncio.wait_for(pool.lease(claim), 0.5)


async def test_another_one_is_one_that_was_not_tried(made: Make) -> None:
    pool, claim = made("a", "b"), Claim(retries=9)
    assert [await pool.name(claim), await pool.name(claim, another=True)] == ["a", "b"]
    with pytest.raises(UpstreamError):
        await pool.lease(claim, another=True)


# --- leases and readings of the settings ---


async def test_a_lease_ends_once_however_often_it_is_said(made: Make) -> None:
    pool = made("a")
    first, second = await pool.lease(), await pool.lease()
    for _ in range(3):
        pool.addon.end(first)
    assert pool.state("a").in_flight == 1
    pool.addon.end(second)
    assert pool.state("a").in_flight == 0


async def test_an_account_that_went_while_it_was_in_use_harms_nothing(made: Make) -> None:
    pool = made("a", "b")
    held = await pool.lease()
    pool.use(member("b"))
    pool.addon.report(held, UpstreamError(Kind.FORBIDDEN, "no"), "req_1")
    pool.addon.end(held)
    assert f"{OPENAI}:a" not in pool.states.states
    assert await pool.name() == "b"


async def test_what_an_old_account_did_is_not_held_against_the_new_one_of_its_label(made: Make) -> None:
    """A key that was refused is replaced while requests with the old one are under way."""
    pool = made(member("a", mark="old", concurrency=1))
    old = await pool.lease()
    pool.use(member("a", mark="new", concurrency=1))
    new = await pool.lease()
    pool.addon.report(old, UpstreamError(Kind.FORBIDDEN, "no"), "req_1")
    pool.addon.end(old)
    assert (pool.state("a").stop, pool.state("a").in_flight) == (None, 1)
    pool.addon.end(new)
    assert pool.state("a").in_flight == 0


async def test_an_account_that_is_the_same_as_before_keeps_its_state(made: Make) -> None:
    pool = made("a", "b")
    await pool.fails("a", Kind.AUTH)
    held = await pool.lease()
    pool.use(member("a", priority=0), member("b", priority=1, concurrency=1))
    assert (pool.state("a").rest is None, pool.state("b").in_flight) == (False, 1)
    pool.addon.end(held)
    assert pool.state("b").in_flight == 0


async def test_a_login_that_is_newer_than_its_refusal_begins_anew(made: Make, tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    file.write_text("{}")

    class InAFile(Login):
        source = str(file)

    pool = made(member("a", credential=InAFile()), member("b", priority=1))
    os.utime(file, (NOW - 9, NOW - 9))
    await pool.fails("a", Kind.FORBIDDEN)
    assert await pool.name() == "b"
    os.utime(file, (NOW + 9, NOW + 9))
    assert await pool.name() == "a"


@pytest.mark.parametrize("source", ["", "base64"])
async def test_a_login_that_is_in_no_file_is_never_newer(made: Make, source: str) -> None:
    """An empty path would be the current folder, which changes with every file in it."""

    class InNoFile(Login):
        @property
        def source(self) -> str:
            return source

    pool = made(member("a", credential=InNoFile()), member("b", priority=1))
    await pool.fails("a", Kind.FORBIDDEN)
    assert await pool.name() == "b"


def test_settings_say_how_long_and_how_often() -> None:
    found = limits_of(Settings(request_base_delay=250, account_tries=2, quota_rest_seconds=7))
    assert (found.base, found.tries, found.quota) == (0.25, 2, 7)
    assert limits_of(Settings()).error_cap == 30


# --- the file ---


async def test_a_rest_is_saved_in_the_background_and_the_usual_is_not(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.account_pool.SAVE_SECONDS", 0.01)
    pool = made("a")
    pool.addon.report(await pool.lease(), None, "req_1")
    await asyncio.sleep(0.05)
    assert not pool.path.exists()
    await pool.fails("a", Kind.AUTH)
    assert pool.states.unsaved
    for _ in range(500):
        await asyncio.sleep(0.01)
        if not pool.states.unsaved:
            break
    rest = json.loads(pool.path.read_text())["slots"][f"{OPENAI}:a"]["rest"]
    assert (rest["cause"], rest["reason"], rest["exchange"]) == ("auth", "the provider's words", "req_1")


async def test_what_is_not_saved_yet_is_saved_at_the_end(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.FORBIDDEN)
    assert not pool.path.exists()
    await pool.addon.done()
    assert Pool(pool.path, member("a")).state("a").stop is not None


async def test_a_file_that_cannot_be_written_is_told_once_and_stops_nobody(
    made: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.account_pool.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("addons.account_pool.AGAIN_SECONDS", 0.01)
    (tmp_path / "home").write_text("a file where the folder should be")
    pool = made("a", "b")
    for name in "ab":
        await pool.fails(name, Kind.SERVER)
        await asyncio.sleep(0.05)
    await pool.addon.done()
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert said == [f"the state of the accounts cannot be kept in {pool.path}: Not a directory"], (
        "one fault, one warning"
    )
    assert await pool.name() in "ab"


async def test_what_another_process_has_changed_is_seen_at_the_next_request(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.PAYMENT)
    await pool.addon.done()
    other = Pool(pool.path, member("a"))
    other.states.change(f"{OPENAI}:a", reset)
    assert await other.states.save()
    assert await pool.name() == "a"
    assert pool.addon.look() == {f"{OPENAI}:a": pool.state("a")}


def test_the_file_is_in_our_own_folder(own_environment: Path) -> None:
    assert state_file() == own_environment / "pool_state.json"


# --- what people are told ---


async def test_stops_rests_and_returns_are_told_without_a_line_for_each_success(
    made: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aiclient")
    pool = made("a")
    pool.addon.report(await pool.lease(), None, "req_1")
    await pool.fails("a", Kind.RATE_LIMIT, retry_after=60.0)
    await pool.fails("a", Kind.FORBIDDEN, model="other")
    held = await pool.lease(model="other")
    pool.now += 1
    pool.addon.report(held, None, "req_2")
    assert caplog.messages == [
        "openai-custom:a/m rests for 60.0 s (rate_limit)",
        "openai-custom:a is stopped (forbidden: the provider's words); when it is mended: aiclient pool reset openai-custom:a",
        "openai-custom:a is used again",
    ]


async def test_the_words_of_a_provider_are_cut(made: Make) -> None:
    pool = made("a")
    held = await pool.lease()
    pool.addon.report(held, UpstreamError(Kind.AUTH, "x"), "req_1", reason="x" * 5000)
    rest = pool.state("a").rest
    assert rest is not None
    assert len(rest.reason) == 300


async def test_a_client_that_left_says_nothing_of_the_account(made: Make) -> None:
    pool = made("a")
    await pool.fails("a", Kind.AUTH)
    pool.now += 400
    before = pool.state("a")
    held = await pool.lease()
    pool.addon.report(held, None, "req_2", cause="cancelled")
    pool.addon.end(held)
    assert pool.state("a").rest == before.rest, "the next request may try it"


async def test_a_lease_names_account_and_model(made: Make) -> None:
    held = await made("a").lease(model="gpt-5")
    assert held == Lease(Account(OPENAI, f"{OPENAI}:a", "https://a.test/v1", ApiKey("sk-key-of-a")), "gpt-5", NOW, "a")
    assert replace(held, over=True) != held

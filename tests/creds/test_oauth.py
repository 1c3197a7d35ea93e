"""A token shared with the owner's other tools: renewed in time, once, and never lost or deleted."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import asyncio
import json
import logging
import os
import re
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from creds.account import CredentialError, Scheme, State
from creds.lock_file import LockFile
from creds.oauth import PAUSE, OAuthCredential
from creds.store import write_private
from creds.token import Dead, Missing, Token, Unavailable
from creds.token_file import FileSource, Keys

NOW = 1_760_000_000.0
LOGIN = "aiclient login fake-oauth"
BEARER = Scheme.BEARER


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time


class Server:
    """A Refresh that rotates. answers: what comes before that. during: what happens while it is asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str | None] = []
        self.answers: list[Token | CredentialError] = []
        self.lifetime = 3600.0
        self.during: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def __call__(self, token: Token) -> Token:
        self.asked.append(token.refresh)
        await self.during()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, CredentialError):
                raise answer
            return answer
        n = len(self.asked)
        return Token(f"access-{n}", f"refresh-{n}", self.clock() + self.lifetime, {"id_token": f"id-{n}"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "oauth_creds.json"
    put(path, 3600)
    return path


def put(path: Path, seconds: float, access: str = "access-0", refresh: str | None = "refresh-0") -> None:
    """What the official tool writes: the whole file, in place."""
    document = {"access_token": access, "refresh_token": refresh, "expiry_date": (NOW + seconds) * 1000, "email": "me"}
    path.write_text(json.dumps(document))


def got(path: Path) -> tuple[object, object]:
    document = json.loads(path.read_text())
    assert document["email"] == "me"
    return document["access_token"], document["refresh_token"]


@pytest.fixture
def credential(path: Path, server: Server, clock: Clock) -> OAuthCredential:
    return credential_of(path, server, clock)


def credential_of(path: Path, server: Server, clock: Clock) -> OAuthCredential:
    return OAuthCredential("fake:default", FileSource(path, Keys()), server, clock, login=LOGIN)


# --- when it is renewed ---


async def test_a_token_that_lasts_is_used_as_it_is(credential: OAuthCredential, server: Server, path: Path) -> None:
    before = path.read_bytes()
    await credential.ready()
    assert credential.headers(BEARER) == [(b"authorization", b"Bearer access-0")]
    assert credential.headers(Scheme.X_GOOG_API_KEY) == [(b"authorization", b"Bearer access-0")]
    assert (server.asked, path.read_bytes(), credential.renewed_at) == ([], before, None)


@pytest.mark.parametrize(("left", "refreshes"), [(301, 0), (300, 1), (0, 1), (-9999, 1)])
async def test_it_is_renewed_five_minutes_before_its_end(
    left: float, refreshes: int, path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, left)
    await credential.ready()
    assert len(server.asked) == refreshes


async def test_a_new_token_is_in_the_file_before_it_is_used(path: Path, credential: OAuthCredential) -> None:
    put(path, 0)
    await credential.ready()
    assert got(path) == ("access-1", "refresh-1")
    assert json.loads(path.read_text())["id_token"] == "id-1"
    assert credential.token == Token("access-1", "refresh-1", NOW + 3600, {"email": "me", "id_token": "id-1"})
    assert credential.renewed_at == NOW
    assert os.listdir(path.parent) == [path.name]


async def test_nobody_gets_the_new_token_while_it_is_being_written(
    path: Path, credential: OAuthCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, 0)
    credential.status()
    seen: list[str] = []

    def watched(where: Path, content: bytes) -> None:
        credential.status()
        seen.append(credential.token.access)
        write_private(where, content)
        credential.status()
        seen.append(credential.token.access)

    monkeypatch.setattr("creds.token_file.write_private", watched)
    await credential.ready()
    assert seen == ["access-0", "access-0"]
    assert credential.token.access == "access-1"


async def test_24_waiters_are_one_refresh(path: Path, credential: OAuthCredential, server: Server) -> None:
    put(path, 0)
    await asyncio.gather(*(credential.ready() for _ in range(24)))
    assert server.asked == ["refresh-0"]


async def test_24_refused_exchanges_are_one_refresh(credential: OAuthCredential, server: Server) -> None:
    await credential.ready()
    assert await asyncio.gather(*(credential.renew() for _ in range(24))) == [True] * 24
    assert server.asked == ["refresh-0"]


async def test_24_waiters_share_one_failure(path: Path, credential: OAuthCredential, server: Server) -> None:
    put(path, 0)
    server.answers = [Unavailable("busy")]
    outcomes = await asyncio.gather(*(credential.ready() for _ in range(24)), return_exceptions=True)
    (said,) = {str(outcome) for outcome in outcomes}
    assert re.fullmatch(r".+: its token cannot be renewed just now \(busy\); try again later", said)
    assert len(server.asked) == 1


async def test_a_refresh_goes_on_when_the_one_who_waits_leaves(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    """A rotated refresh token that nobody keeps is a login lost."""
    put(path, 0)
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        asked.set()
        await go.wait()

    server.during = slow
    waiter = asyncio.create_task(credential.ready())
    await asked.wait()
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert credential.status().state is State.REFRESHING
    go.set()
    await credential.ready()
    assert (server.asked, got(path)) == (["refresh-0"], ("access-1", "refresh-1"))


def test_it_serves_one_loop_after_another(path: Path, credential: OAuthCredential, server: Server) -> None:
    for n in (1, 2):
        put(path, 0, refresh=f"r{n}")
        asyncio.run(credential.ready())
    assert server.asked == ["r1", "r2"]


async def test_a_token_that_lives_shorter_than_the_margin_is_not_renewed_before_every_use(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    put(path, 0)
    server.lifetime = 60
    for _ in range(60):
        await credential.ready()
        clock.time += 1
    assert len(server.asked) == 2


async def test_a_token_of_unknown_end_is_used_until_it_is_refused(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    path.write_text('{"access_token": "a", "refresh_token": "r", "email": "me"}')
    await credential.ready()
    assert (server.asked, credential.status().until) == ([], None)
    assert await credential.renew()
    assert server.asked == ["r"]


async def test_the_background_renews_with_a_margin_of_its_own(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, 900)
    await credential.keep(600)
    assert server.asked == []
    await credential.keep(901)
    assert server.asked == ["refresh-0"]


async def test_the_background_hears_of_failures_that_do_not_matter_yet(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, 200)
    server.answers = [Unavailable("busy")]
    with pytest.raises(Unavailable, match="busy"):
        await credential.keep(300)
    await credential.ready()


# --- the official tool's newer file wins ---


async def test_a_newer_file_wins_over_the_token_in_hand(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    await credential.ready()
    put(path, 3600, "his", "his-r")
    await credential.ready()
    assert (credential.token.access, server.asked) == ("his", [])


async def test_a_newer_file_wins_over_a_refresh(path: Path, credential: OAuthCredential, server: Server) -> None:
    put(path, 0)
    assert credential.token.access == "access-0"
    put(path, 3600, "his", "his-r")
    await credential.ready()
    assert (credential.token.access, server.asked, got(path)) == ("his", [], ("his", "his-r"))


async def test_a_file_that_became_newer_while_we_waited_for_the_lock_wins(
    path: Path, server: Server, clock: Clock
) -> None:
    put(path, 0)
    lock = path.with_suffix(".lock")
    lock.write_text("the official tool's")

    async def official(_: float) -> None:
        put(path, 3600, "his", "his-r")
        lock.unlink()

    source = FileSource(path, Keys(), lock=LockFile(lock, sleep=official))
    credential = OAuthCredential("fake:default", source, server, clock)
    await credential.ready()
    assert (credential.token.access, server.asked) == ("his", [])


async def test_after_a_401_a_newer_file_is_enough(path: Path, credential: OAuthCredential, server: Server) -> None:
    await credential.ready()
    put(path, 3600, "his", "his-r")
    assert await credential.renew()
    assert (credential.token.access, server.asked) == ("his", [])


async def test_a_login_that_came_during_the_refresh_stays_and_is_used(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, 0)

    async def login() -> None:
        put(path, 3600, "his", "his-r")

    server.during = login
    await credential.ready()
    assert (credential.token.access, got(path)) == ("his", ("his", "his-r"))


async def test_a_refused_refresh_token_is_looked_up_again_and_its_successor_used(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    """A tool without a lock used it first; its file has the next one and a token that lasts: no second try is needed."""
    put(path, 0)

    async def official() -> None:
        put(path, 3600, "his", "his-r")

    server.during, server.answers = official, [Dead("invalid_grant")]
    await credential.ready()
    assert (credential.token.access, server.asked, got(path)) == ("his", ["refresh-0"], ("his", "his-r"))
    assert credential.status().state is State.VALID


async def test_a_refused_refresh_token_with_an_expired_successor_is_tried_once_more(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, 0)

    async def official() -> None:
        if len(server.asked) == 1:
            put(path, -5, "his", "his-r")

    server.during, server.answers = official, [Dead("invalid_grant")]
    await credential.ready()
    assert (server.asked, got(path)) == (["refresh-0", "his-r"], ("access-2", "refresh-2"))


async def test_after_two_refusals_there_is_no_third_try(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, 0)

    async def official() -> None:
        put(path, -5, "his", f"his-{len(server.asked)}")

    server.during, server.answers = official, [Dead("invalid_grant")] * 3
    with pytest.raises(Dead):
        await credential.ready()
    assert server.asked == ["refresh-0", "his-1"]


# --- a dead login ---


async def test_a_dead_login_says_what_to_do_and_is_not_asked_again(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    put(path, 0)
    before = path.read_bytes()
    server.answers = [Dead("refused (invalid_grant)")]
    for _ in range(3):
        with pytest.raises(
            Dead, match=r"^fake:default: refused \(invalid_grant\); log in again: aiclient login fake-oauth$"
        ):
            await credential.ready()
        clock.time += 1000
    assert not await credential.renew()
    with pytest.raises(Dead):
        await credential.keep(60)
    assert (len(server.asked), path.read_bytes()) == (1, before)
    assert (credential.status().state, LOGIN in credential.status().advice) == (State.NEEDS_LOGIN, True)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("aiclient login fake-oauth", "aiclient login fake-oauth --account work"),
        ("aiclient login fake-oauth (it is retired)", "aiclient login fake-oauth --account work (it is retired)"),
        ("sign in to it, or aiclient login fake-oauth", "sign in to it, or aiclient login fake-oauth --account work"),
        ("other-cli login", "other-cli login"),
    ],
)
def test_the_command_that_mends_an_account_of_a_pool_names_it(path: Path, login: str, said: str) -> None:
    async def refresh(token: Token) -> Token:
        return token

    assert OAuthCredential("fake:work", FileSource(path, Keys()), refresh, lambda: NOW, login=login).login == said


async def test_a_new_login_wakes_a_dead_account(path: Path, credential: OAuthCredential, server: Server) -> None:
    put(path, 0)
    server.answers = [Dead("refused")]
    with pytest.raises(Dead):
        await credential.ready()
    put(path, 3600, "his", "his-r")
    assert credential.status().state is State.VALID
    await credential.ready()
    assert credential.token.access == "his"


async def test_a_token_without_a_refresh_token_is_used_to_its_end(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    put(path, 200, refresh=None)
    await credential.ready()
    assert credential.status().state is State.EXPIRING
    clock.time += 200
    with pytest.raises(CredentialError, match=f"holds no refresh token; log in again: {LOGIN}"):
        await credential.ready()
    assert (credential.status().state, server.asked) == (State.NEEDS_LOGIN, [])


async def test_no_file_is_no_login(path: Path, credential: OAuthCredential) -> None:
    path.unlink()
    for look in (credential.ready, lambda: credential.keep(5)):
        with pytest.raises(Missing, match=rf"^fake:default: there is no {path}; log in again: {LOGIN}$"):
            await look()
    with pytest.raises(Missing):
        credential.headers(BEARER)
    assert not await credential.renew()
    assert credential.status().state is State.NEEDS_LOGIN
    put(path, 3600)
    await credential.ready()


async def test_a_logout_ends_the_use_of_a_token_that_would_last(
    path: Path, credential: OAuthCredential, server: Server
) -> None:
    await credential.ready()
    path.unlink()
    with pytest.raises(Missing):
        await credential.ready()
    with pytest.raises(Missing):
        credential.headers(BEARER)


async def test_a_logout_during_a_refresh_is_not_undone(path: Path, credential: OAuthCredential, server: Server) -> None:
    put(path, 0)

    async def logout() -> None:
        path.unlink()

    server.during = logout
    await credential.ready()
    assert not path.exists()
    with pytest.raises(Missing):
        await credential.ready()


# --- no answer ---


async def test_a_token_server_that_is_down_does_not_matter_while_the_old_token_lasts(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    put(path, 200)
    server.answers = [Unavailable("HTTP 503")] * 9
    for _ in range(5):
        await credential.ready()
    assert credential.headers(BEARER) == [(b"authorization", b"Bearer access-0")]
    assert len(server.asked) == 1, "at most one try in ten seconds"
    assert credential.status().state is State.EXPIRING
    assert "(HTTP 503); try again later" in credential.status().advice
    clock.time += PAUSE
    await credential.ready()
    assert len(server.asked) == 2


async def test_a_token_server_that_is_down_matters_at_the_end_of_the_old_token_and_heals(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    put(path, 0)
    server.answers = [Unavailable("HTTP 503")]
    for _ in range(3):
        with pytest.raises(Unavailable, match="HTTP 503"):
            await credential.ready()
    assert credential.status().state is State.EXPIRED
    assert len(server.asked) == 1
    clock.time += PAUSE
    await credential.ready()
    assert (credential.status().state, credential.status().advice) == (State.VALID, "")


async def test_a_half_written_file_does_not_matter_while_the_old_token_lasts(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    await credential.ready()
    path.write_text('{"access_tok')
    await credential.ready()
    clock.time += 3400  # near its end: a refresh would have to write
    await credential.ready()
    assert (credential.token.access, server.asked) == ("access-0", [])
    clock.time += 3600
    with pytest.raises(CredentialError, match="half-written"):
        await credential.ready()
    assert path.read_text() == '{"access_tok'
    put(path, 36_000, "his")
    await credential.ready()
    assert credential.token.access == "his"


async def test_a_token_that_cannot_be_saved_is_used_and_saved_later(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, 0)
    with monkeypatch.context() as patched:

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr("creds.store.os.fsync", full)
        await credential.ready()
    assert credential.token.access == "access-1"
    assert got(path) == ("access-0", "refresh-0")
    assert (credential.status().state, "No space" in credential.status().advice) == (State.VALID, True)
    await credential.keep(60)
    assert got(path) == ("access-1", "refresh-1")
    assert (credential.status().advice, len(server.asked)) == ("", 1)


async def test_an_answer_that_no_header_can_carry_is_an_error(path: Path, server: Server, clock: Clock) -> None:
    put(path, 0)

    async def odd(_: Token) -> Token:
        return Token("hunter2\r\nx: y")

    credential = OAuthCredential("fake:default", FileSource(path, Keys()), odd, clock)
    with pytest.raises(CredentialError, match="line break"):
        await credential.ready()


# --- after a 401 ---


async def test_there_is_at_most_one_forced_refresh_in_ten_seconds(
    credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    """The refused exchanges that come late used the token before this one, so they may try again with it."""
    await credential.ready()
    for _ in range(50):
        assert await credential.renew()
        clock.time += 0.19
    assert len(server.asked) == 1
    clock.time += 1
    assert await credential.renew()
    assert len(server.asked) == 2


async def test_a_forced_refresh_that_fails_is_not_repeated_at_once(
    credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    await credential.ready()
    server.answers = [Unavailable("busy")] * 9
    for _ in range(50):
        assert not await credential.renew()
        clock.time += 0.19
    assert len(server.asked) == 1
    await credential.ready()


async def test_a_forced_refresh_that_is_refused_needs_a_login(credential: OAuthCredential, server: Server) -> None:
    await credential.ready()
    server.answers = [Dead("refused")]
    assert not await credential.renew()
    assert credential.status().state is State.NEEDS_LOGIN


async def test_a_suspended_account_rests_until_its_file_is_newer(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock
) -> None:
    await credential.ready()
    credential.suspend("The provider does not serve this account.")
    clock.time += 9999
    with pytest.raises(CredentialError, match="does not serve"):
        await credential.ready()
    assert not await credential.renew()
    assert credential.status().state is State.SUSPENDED
    assert credential.status().advice == "The provider does not serve this account."
    assert server.asked == []
    put(path, 99_999, "his", "his-r")
    await credential.ready()
    assert credential.status().state is State.VALID


# --- what is shown, and what is not ---


@pytest.mark.parametrize(
    ("left", "state"), [(3600, State.VALID), (300, State.EXPIRING), (1, State.EXPIRING), (0, State.EXPIRED)]
)
def test_its_state_is_known_without_asking_anybody(
    left: float, state: State, path: Path, credential: OAuthCredential, server: Server
) -> None:
    put(path, left)
    status = credential.status()
    assert (status.state, status.until, status.advice, server.asked) == (state, NOW + left, "", [])
    assert credential.source == str(path)


async def test_no_token_is_in_a_repr_an_error_or_the_log(
    path: Path, credential: OAuthCredential, server: Server, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    put(path, 0, "hunter2-access", "hunter2-refresh")
    server.answers = [Unavailable("busy"), Dead("refused")]
    shown = [repr(credential), str(credential), repr(credential.token), repr(credential.status())]
    for _ in range(2):
        try:
            await credential.ready()
        except CredentialError as e:
            shown += [str(e), "".join(traceback.format_exception(e)), repr(credential.status())]
        clock.time += PAUSE
    assert credential.status().state is State.NEEDS_LOGIN
    assert "hunter2" not in " ".join(shown) + caplog.text

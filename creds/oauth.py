"""An OAuth account's credential: a token that is kept in a file of somebody else's, shared with him, and renewed in time.

The file belongs to its owner's tools as well. So their newer file wins, one refresh runs at a time (in this process and,
by the lock file, among all of them), a new token is kept before it is used, and nothing is ever deleted.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from creds.account import CredentialError, Scheme, State, Status
from creds.token import Dead, Missing, Refresh, Source, Token, Unavailable

PAUSE = 10.0  # seconds between two refreshes that were not due, and after one that failed


class OAuthCredential:
    """Implements Credential with a Source and a Refresh.

    label: what errors call the account. now: unix seconds. near: how many seconds before its end a token is renewed.
    login: the command that mends a dead one.
    """

    def __init__(
        self,
        label: str,
        source: Source,
        refresh: Refresh,
        now: Callable[[], float],
        *,
        near: float = 300.0,
        login: str = "aiclient login gemini-cli-oauth",
    ) -> None:
        account = label.partition(":")[2]
        self.label, self.near = label, near
        self.login = login
        if account not in ("", "default"):  # what more is said of the command stays behind it
            self.login = re.sub("aiclient login [a-z-]+", lambda found: f"{found[0]} --account {account}", login)
        self._source, self._refresh, self._now = source, refresh, now
        self._token: Token | None = None
        self._lifetime: float | None = None  # of the current token, if it is from a refresh of ours
        self._renewed_at: float | None = None
        self._stopped: Status | None = None  # until the file is newer
        self._failure: tuple[float, CredentialError] | None = None
        self._saving = False
        self._unsaved = ""  # why the current token is in memory only
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def token(self) -> Token:
        """The current one, read on first use. Raises CredentialError when there is none."""
        if self._token is None:
            self._look()
        assert self._token is not None  # `_look` raises otherwise
        return self._token

    @property
    def source(self) -> str:
        """Where it is kept, for people."""
        return self._source.label

    @property
    def renewed_at(self) -> float | None:
        """When we last renewed it, in unix seconds; None: not in this process, or a newer file has replaced it since."""
        return self._renewed_at

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        """`Authorization: Bearer TOKEN`, whatever the wire does with keys."""
        return [(b"authorization", b"Bearer " + self.token.access.encode("ascii"))]

    async def ready(self) -> None:
        """A token that lasts. Raises CredentialError that says what to do."""
        try:
            await self._keep(self.near)
        except Dead:
            raise
        except CredentialError:
            # A token that still works is better than an error about the next one.
            if self._stopped or self._token is None or not self._token.lasts(self._now()):
                raise

    async def keep(self, margin: float) -> None:
        """Renew it if it ends within `margin` seconds. Raises CredentialError also when the old one still lasts: for the
        background, which may speak of it and try again later. One that could not be saved is saved again."""
        self._look()
        if self._unsaved and self._token and not self._running():
            await self._save(self._token)
        await self._keep(margin)

    async def _keep(self, margin: float) -> None:
        self._look()
        self._check_stopped()
        if not self._good(self.token, margin):
            await self._refreshed(margin, refused=None)

    async def renew(self) -> bool:
        """The provider refused it: a newer file, else a refresh, of which there is at most one in PAUSE seconds."""
        used = self._token.access if self._token else ""
        try:
            self._look()
            self._check_stopped()
            if self.token.access != used or self._within_pause(self._renewed_at):
                return True  # the refused one may have been its predecessor
            await self._refreshed(self.near, refused=used)
        except CredentialError:
            return False
        return self.token.access != used

    def suspend(self, reason: str) -> None:
        """The provider does not serve this account: no use and no refresh until a restart or a newer file."""
        self._stopped = Status(State.SUSPENDED, advice=reason)

    def status(self) -> Status:
        """What can be done with it now; looks at the file, asks nobody."""
        try:
            self._look()
            token = self.token
        except CredentialError as e:
            return Status(State.NEEDS_LOGIN, advice=str(e))
        if self._stopped:
            return self._stopped
        now, until = self._now(), token.expires_at or None
        if self._running():
            return Status(State.REFRESHING, until)
        advice = str(self._failure[1]) if self._failure else self._unsaved
        if token.lasts(now, self._margin(self.near)):
            return Status(State.VALID, until, advice)
        if token.refresh is None and not token.lasts(now):
            return Status(State.NEEDS_LOGIN, until, str(self._no_refresh_token()))
        return Status(State.EXPIRING if token.lasts(now) else State.EXPIRED, until, advice)

    def _look(self, *, strictly: bool = False) -> None:
        """Take a newer token from the source. A file in the middle of somebody's write is no reason to drop a token that
        lasts; `strictly`: but one that we shall write to must be readable."""
        if self._token is not None and (self._saving or not self._source.newer()):
            return
        try:
            token = self._source.read()
        except Missing as e:
            self._token = None
            raise Missing(self._say(f"{self.label}: {e}")) from None
        except CredentialError:
            if strictly or self._token is None or not self._token.lasts(self._now()):
                raise
            return
        self._token, self._lifetime, self._renewed_at = token, None, None
        self._stopped, self._failure, self._unsaved = None, None, ""

    def _check_stopped(self) -> None:
        if self._stopped:
            error = Dead if self._stopped.state is State.NEEDS_LOGIN else CredentialError
            raise error(self._stopped.advice)

    def _margin(self, margin: float) -> float:
        """A token that lives shorter than the margin would be renewed before every use."""
        return margin if self._lifetime is None else min(margin, self._lifetime / 2)

    def _good(self, token: Token, margin: float) -> bool:
        return token.lasts(self._now(), self._margin(margin))

    def _within_pause(self, moment: float | None) -> bool:
        return moment is not None and 0 <= self._now() - moment < PAUSE

    async def _refreshed(self, margin: float, refused: str | None) -> None:
        """Wait for the refresh that runs, or start it. It runs on when the one who waits leaves: a refresh token may work
        once only, and the answer holds the next."""
        task = self._running()
        if task is None:
            if self._failure and self._within_pause(self._failure[0]):
                raise self._failure[1].with_traceback(None)
            task = self._refreshing = asyncio.create_task(self._refresh_once(margin, refused))
            task.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # seen, though nobody waits for it
        await asyncio.shield(task)

    def _running(self) -> asyncio.Task[None] | None:
        """The refresh that runs. None also for one that a loop took with it when it was closed."""
        task = self._refreshing
        return task if task and not task.done() and not task.get_loop().is_closed() else None

    async def _refresh_once(self, margin: float, refused: str | None) -> None:
        try:
            async with self._source.lock():
                self._look(strictly=True)
                if self.token.access == refused or not self._good(self.token, margin):
                    await self._exchange(margin, refused)
        except Dead as e:
            self._stopped = Status(State.NEEDS_LOGIN, advice=self._say(f"{self.label}: {e}"))
            raise Dead(self._stopped.advice) from None
        except Unavailable as e:
            error = Unavailable(f"{self.label}: its token cannot be renewed just now ({e}); try again later")
            self._failure = (self._now(), error)
            raise error from None
        except CredentialError as e:
            self._failure = (self._now(), e)
            raise

    async def _exchange(self, margin: float, refused: str | None) -> None:
        old = self.token
        try:
            new = await self._ask(old)
        except Dead:
            # Somebody who takes no lock may have used the refresh token before us; his file has the next one.
            other = self._read_again()
            if other is None or other.refresh == old.refresh:
                raise
            self._token, self._lifetime, old = other, None, other
            if old.access != refused and old.lasts(self._now(), margin):
                return
            new = await self._ask(old)
        await self._save(new)
        self._token = new
        self._renewed_at, self._failure = self._now(), None
        self._lifetime = max(new.expires_at - self._renewed_at, 0.0) if new.expires_at else None
        with suppress(CredentialError):
            self._look()  # the owner logged in while we asked: his login stays

    async def _ask(self, token: Token) -> Token:
        if token.refresh is None:
            raise self._no_refresh_token()
        return token.renewed(await self._refresh(token))

    def _read_again(self) -> Token | None:
        try:
            return self._source.read()
        except CredentialError:
            return None

    async def _save(self, token: Token) -> None:
        """Keep it, before it is used. When that fails it is used all the same: the old one may be void already."""
        self._saving, self._unsaved = True, ""
        try:
            await asyncio.to_thread(self._source.write, token)
        except CredentialError as e:
            self._unsaved = str(e)
        finally:
            self._saving = False

    def _no_refresh_token(self) -> CredentialError:
        """Not Dead: what is left of the access token may be used."""
        return CredentialError(self._say(f"{self.label}: {self._source.label} holds no refresh token"))

    def _say(self, problem: CredentialError | str) -> str:
        return f"{problem}; log in again: {self.login}"

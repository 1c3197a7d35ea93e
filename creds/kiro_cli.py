"""The Kiro CLI's login, in its SQLite database. It is read and never written, and never refreshed.

Its refresh token may be void once it was used, and the CLI would be logged out if it were used without it. So its access token is
used while it lasts; the CLI renews it whenever it runs.
Source: what readers of the database agree on (amazon-q-developer-cli, kiro-gateway, kirollm; read 2026-11).
"""

import asyncio
import os
import sqlite3
import sys
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from pathlib import Path
from urllib.parse import quote

from creds.account import CredentialError
from creds.token import Missing, Token
from creds.token_file import Keys, parse_object

KEYS = Keys(
    access=("access_token", "accessToken"),
    refresh=("refresh_token", "refreshToken"),
    expiry=("expires_at", "expiresAt"),
)
# `odic` is their spelling. Older: Amazon Q's CLI, of which Kiro's is the successor.
NAMES = ("kirocli:social:token", "kirocli:odic:token", "kirocli:external-idp:token", "codewhisperer:odic:token")
RENEW = "run `kiro-cli` once: it renews its token, which is read again then (or set kiro_api_key)"
LOGIN = "kiro-cli login"
_QUERY = f"SELECT key, value FROM auth_kv WHERE key IN ({', '.join('?' * len(NAMES))})"  # noqa: S608
_SQLITE = b"SQLite format 3\x00"
_WAIT = 2.0  # seconds for a writer
_TRIES = 3

type Stamp = tuple[tuple[int, int], ...]


def cli_file() -> Path:
    """Where the Kiro CLI keeps its login, or Amazon Q's did, if only that is there."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    found, older = (base / folder / "data.sqlite3" for folder in ("kiro-cli", "amazon-q"))
    return older if older.exists() and not found.exists() else found


def is_database(path: Path) -> bool:
    """By its first bytes; by its name while it is not there."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return path.suffix in (".sqlite3", ".sqlite", ".db")


class CliSource:
    """Implements Source. The tokens it gives have no use for their refresh tokens: `run_the_cli` stands in for a refresh."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Stamp | None = None
        self._ahead: tuple[Stamp, Token] | None = None

    @property
    def label(self) -> str:
        return str(self._path)

    async def look_ahead(self) -> None:
        """Query the database in another thread if it has changed; `read` finds the answer at hand. Never raises: `read` does."""
        stamp = self._stamp()
        if stamp == self._seen or (self._ahead is not None and self._ahead[0] == stamp):
            return
        try:
            self._ahead = (stamp, await asyncio.to_thread(self._query))
        except CredentialError:
            self._ahead = None

    def read(self) -> Token:
        stamp = self._stamp()
        token = self._ahead[1] if self._ahead is not None and self._ahead[0] == stamp else self._query()
        self._seen, self._ahead = stamp, None
        return token

    def newer(self) -> bool:
        return self._stamp() != self._seen

    def write(self, token: Token) -> None:
        """It is not ours to write. (Nothing that could be written ever comes: nothing is refreshed.)"""

    def lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def _stamp(self) -> Stamp:
        """Of the database and its log: what a commit changes is mostly the second."""
        return tuple(_size_of(path) for path in (self._path, self._beside("-wal")))

    def _beside(self, ending: str) -> Path:
        return self._path.with_name(self._path.name + ending)

    def _query(self) -> Token:
        if not self._path.exists():
            raise Missing(f"there is no {self._path}")
        rows: dict[str, object] = {}
        problem: CredentialError | None = None
        for _ in range(_TRIES):
            stamp, problem = self._stamp(), None
            try:
                rows = self._rows()
            except sqlite3.Error as e:
                problem = CredentialError(f"cannot read {self._path}: {e}")
            if self._stamp() == stamp:
                break  # else the CLI wrote while we read
        if problem is not None:
            raise problem
        tokens = [self._token(rows[name], name) for name in NAMES if name in rows]
        if not tokens:
            raise Missing(f"{self._path} holds no login of the Kiro CLI")
        return max(tokens, key=lambda token: token.expires_at)

    def _rows(self) -> dict[str, object]:
        """Without a log, SQLite would make an empty one for whoever comes, also to read; `immutable` keeps it from that."""
        is_quiet = not any(_size_of(self._beside(ending))[1] for ending in ("-wal", "-journal"))
        uri = f"file:{quote(str(self._path))}?mode=ro{'&immutable=1' if is_quiet else ''}"
        with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT)) as database:
            return dict(database.execute(_QUERY, NAMES).fetchall())

    def _token(self, value: object, name: str) -> Token:
        where = f"{self._path}, {name}"
        content = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
        document = parse_object(content)
        if document is None:
            raise CredentialError(f"{where} is not a JSON object")
        return KEYS.load(document, where)


def _size_of(path: Path) -> tuple[int, int]:
    """(date, bytes); (0, 0) for a file that is not there."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


async def run_the_cli(token: Token) -> Token:
    """Implements Refresh, by not refreshing."""
    raise CredentialError(f"the Kiro CLI's access token has ended; {RENEW}")

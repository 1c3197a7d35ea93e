"""What the processes that share a port remember together: texts by key, in a file of SQLite, bounded as a dictionary would be."""

import logging
import math
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

log = logging.getLogger("aiclient")

BUSY_SECONDS = 1.0  # how long a call waits for another process's write, which takes far less
FRESH_SECONDS = 60.0  # what was used so lately is not noted as used again: most reads write nothing
_MAKE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",  # nothing here outlives the processes
    "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value TEXT, until REAL, used REAL)",
    "CREATE INDEX IF NOT EXISTS kept_used ON kept (used)",
)
_TRIM = """DELETE FROM kept WHERE key IN
    (SELECT key FROM kept ORDER BY used LIMIT max(0, (SELECT count(*) FROM kept) - ?))"""


class SharedTable:
    """path: the file, made at first use. most: keys, the least recently used goes first; seconds: how long one is kept. now: seconds,
    the same for all processes.

    A file that cannot be used costs what would have been remembered, and one warning; never a request.
    """

    def __init__(
        self, path: Path, most: int, seconds: float = math.inf, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._most, self._seconds, self._now = path, most, seconds, now
        self._database: sqlite3.Connection | None = None
        self._told = False

    def put(self, keys: Collection[str], value: str) -> None:
        """value: under each of the keys."""
        now = self._now()
        rows = [(_blob(key), value, now + self._seconds, now) for key in keys]
        try:
            with self._open() as database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", rows)
                database.execute(_TRIM, (self._most,))
        except sqlite3.Error as error:
            self._warn(error)

    def get(self, keys: Collection[str]) -> Mapping[str, str]:
        """Those that are there."""
        now = self._now()
        found: dict[str, str] = {}
        stale: list[tuple[float, bytes]] = []
        try:
            with self._open() as database:
                database.execute("BEGIN")
                for key in keys:
                    row = database.execute(
                        "SELECT value, used FROM kept WHERE key = ? AND until > ?", (_blob(key), now)
                    ).fetchone()
                    if row is not None:
                        found[key] = row[0]
                        if now - row[1] > FRESH_SECONDS:
                            stale.append((now, _blob(key)))
            if stale:
                with self._open() as database:
                    database.execute("BEGIN IMMEDIATE")
                    database.executemany("UPDATE kept SET used = ? WHERE key = ?", stale)
        except sqlite3.Error as error:
            self._warn(error)
        return found

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            for statement in _MAKE:
                database.execute(statement)
            self._database = database
        return self._database

    def _warn(self, error: sqlite3.Error) -> None:
        if not self._told:
            self._told = True
            log.warning("what the workers remember together cannot be kept in %s: %s", self._path, error)


def _blob(key: str) -> bytes:
    """Clients and providers write what they like."""
    return key.encode(errors="surrogatepass")

"""The Kiro CLI's database: read and never written, and its token never refreshed."""

import json
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.kiro_cli import CliSource, cli_file, is_database, run_the_cli
from creds.token import Missing, Token

SNAKE = {"access_token": "aoa1", "refresh_token": "aor1", "expires_at": "2026-11-22T10:00:00Z", "region": "eu-west-1"}
CAMEL = {"accessToken": "aoa2", "refreshToken": "aor2", "expiresAt": "2026-11-22T11:00:00.5Z"}


def database(path: Path, rows: dict[str, object], *, wal: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made, made:
        if wal:
            made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT)")
        written = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in rows.items()]
        made.executemany("INSERT OR REPLACE INTO auth_kv VALUES (?, ?)", written)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiro cli?#" / "data.sqlite3"


@pytest.mark.parametrize(
    ("name", "value", "access"),
    [
        ("kirocli:odic:token", SNAKE, "aoa1"),
        ("kirocli:social:token", CAMEL, "aoa2"),
        ("kirocli:external-idp:token", SNAKE, "aoa1"),
        ("codewhisperer:odic:token", CAMEL, "aoa2"),
    ],
)
def test_1_2_a_token_under_each_of_its_names(path: Path, name: str, value: object, access: str) -> None:
    token = CliSource(database(path, {name: value, "kirocli:odic:device-registration": "{}"})).read()
    assert token.access == access
    assert token.expires_at > 1_795_341_599


def test_the_token_that_lasts_longest_is_taken(path: Path) -> None:
    source = CliSource(database(path, {"kirocli:odic:token": SNAKE, "codewhisperer:odic:token": CAMEL}))
    assert source.read().access == "aoa2"


@pytest.mark.parametrize("wal", [False, True])
def test_nothing_is_written_and_no_file_is_made(path: Path, wal: bool) -> None:
    """A plain read of a database in WAL mode leaves two files behind."""
    database(path, {"kirocli:odic:token": SNAKE}, wal=wal)
    before = path.read_bytes()
    source = CliSource(path)
    source.read()
    source.write(Token("new", "new"))
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["data.sqlite3"]


async def test_what_the_cli_writes_is_seen_through_its_log(path: Path) -> None:
    """In WAL mode the database itself does not change."""
    database(path, {"kirocli:odic:token": SNAKE}, wal=True)
    with closing(sqlite3.connect(path)) as running:
        running.execute("SELECT 1 FROM auth_kv").fetchone()
        source = CliSource(path)
        assert source.read().access == "aoa1"
        assert not source.newer()
        running.execute("UPDATE auth_kv SET value = ?", (json.dumps(CAMEL),))
        running.commit()
        assert source.newer()
        await source.look_ahead()
        assert source.read().access == "aoa2"
        assert not source.newer()


async def test_the_query_runs_in_another_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, seen = CliSource(database(path, {"kirocli:odic:token": SNAKE})), []
    query = CliSource._query

    def noted(self: CliSource) -> Token:
        seen.append(threading.current_thread() is threading.main_thread())
        return query(self)

    monkeypatch.setattr(CliSource, "_query", noted)
    await source.look_ahead()
    await source.look_ahead()
    assert source.read().access == "aoa1"
    await source.look_ahead()
    assert seen == [False]


def test_what_the_cli_writes_while_we_read_is_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, rows, reads = CliSource(database(path, {"kirocli:odic:token": SNAKE})), CliSource._rows, []

    def meanwhile(self: CliSource) -> dict[str, object]:
        reads.append(found := rows(self))
        if len(reads) == 1:
            database(path, {"kirocli:odic:token": CAMEL, "filler": "x" * 10_000})
            raise sqlite3.DatabaseError("database disk image is malformed")
        return found

    monkeypatch.setattr(CliSource, "_rows", meanwhile)
    assert source.read().access == "aoa2"
    assert len(reads) == 2


@pytest.mark.parametrize(
    ("rows", "error", "problem"),
    [
        ({"kirocli:odic:device-registration": "{}"}, Missing, "holds no login of the Kiro CLI"),
        ({"kirocli:odic:token": "{half"}, CredentialError, "kirocli:odic:token is not a JSON object"),
        ({"kirocli:odic:token": {"region": "us-east-1"}}, CredentialError, "holds neither `access_token`"),
    ],
)
async def test_what_cannot_be_read_says_why(path: Path, rows: dict[str, object], error: type, problem: str) -> None:
    source = CliSource(database(path, rows))
    await source.look_ahead()  # never raises
    with pytest.raises(error, match=problem):
        source.read()


def test_no_database_and_what_is_none(path: Path) -> None:
    with pytest.raises(Missing, match="there is no"):
        CliSource(path).read()
    path.parent.mkdir(parents=True)
    path.write_text("no database at all, but long enough to be taken for one")
    with pytest.raises(CredentialError, match="cannot read"):
        CliSource(path).read()


def test_a_database_is_known_by_its_first_bytes(path: Path) -> None:
    assert is_database(path)
    database(path, {})
    assert is_database(path.rename(path.with_name("renamed.json")))
    path.write_text("{}")
    assert not is_database(path)
    assert not is_database(path.with_name("kiro-auth-token.json"))


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/share/kiro-cli"),
        ("darwin", "Library/Application Support/kiro-cli"),
        ("win32", "AppData/Roaming/kiro-cli"),
    ],
)
def test_1_2_where_the_database_is(monkeypatch: pytest.MonkeyPatch, platform: str, folder: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("APPDATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cli_file() == Path.home() / folder / "data.sqlite3"
    older = Path(str(cli_file()).replace("kiro-cli", "amazon-q"))
    database(older, {})
    assert cli_file() == older
    database(Path.home() / folder / "data.sqlite3", {})
    assert cli_file() == Path.home() / folder / "data.sqlite3"


async def test_its_refresh_token_is_left_to_the_cli() -> None:
    with pytest.raises(CredentialError, match="run `kiro-cli` once"):
        await run_the_cli(Token("aoa1", "aor1"))

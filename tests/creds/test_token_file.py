"""Files that belong to other tools: read whatever their form, written without loss, never half."""

import base64
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from creds import store
from creds.account import CredentialError
from creds.lock_file import LockFile
from creds.token import Missing, Token
from creds.token_file import Base64Source, FileSource, Keys, beside, parse_object, read_end, write_end

ROOT = Path(__file__).resolve().parents[2]
CAMEL = Keys(("accessToken",), ("refreshToken",), ("expiresAt",), iso=True)
GOOGLE = Keys(("access_token", "token"), expiry=("expiry_date", "expiry"))
DOCUMENT = {
    "access_token": "a1",
    "refresh_token": "r1",
    "expiry_date": 1_760_000_000_000,
    "scope": "b a",
    "nested": {"k": [1, None]},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tool" / "oauth_creds.json"
    path.parent.mkdir()
    put(path, DOCUMENT)
    return path


def put(path: Path, document: object) -> None:
    path.write_text(document if isinstance(document, str) else json.dumps(document))


def got(path: Path) -> dict[str, object]:
    document = json.loads(path.read_text())
    assert isinstance(document, dict)
    return document


def source(path: Path, keys: Keys | None = None) -> FileSource:
    return FileSource(path, keys or Keys())


# --- reading ---


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_760_000_000_000, 1_760_000_000),
        (1_760_000_000_123.5, 1_760_000_000.1235),
        (1_760_000_000, 1_760_000_000),
        (99_999_999_999, 99_999_999_999),
        ("1760000000000", 1_760_000_000),
        ("2025-10-09T08:53:20Z", 1_760_000_000),
        ("2025-10-09T16:53:20.123456789+08:00", 1_760_000_000.123456),
        ("2025-10-09T08:53:20", 1_760_000_000),
        ("0001-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+08:00", 0),
        ("soon", 0),
        ("9" * 5000, 0),
        (None, 0),
        (True, 0),
        (-5, 0),
        (10**400, 0),
        (float("inf"), 0),
        ([1], 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_end_of_a_token_in_every_form(value: object, seconds: float) -> None:
    """Qwen 3: milliseconds; seconds below 10^11; RFC 3339 in other tools' files."""
    assert read_end(value) == pytest.approx(seconds, abs=1e-6)


def test_a_file_is_a_token_and_whatever_else_it_holds(path: Path) -> None:
    token = source(path).read()
    assert (token.access, token.refresh, token.expires_at) == ("a1", "r1", 1_760_000_000)
    assert token.extra == {"scope": "b a", "nested": {"k": [1, None]}}


def test_googles_authorized_user_files_are_read_too(path: Path) -> None:
    put(path, {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"})
    token = source(path, GOOGLE).read()
    assert token == Token("", "r", 0, {"type": "authorized_user", "client_id": "c", "client_secret": "s"})
    put(path, {"token": "a", "refresh_token": "r", "expiry": "2025-10-09T08:53:20.000000Z"})
    assert source(path, GOOGLE).read() == Token("a", "r", 1_760_000_000, {})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"access_token": "hunter2", "refr', "not a JSON object; it may be half-written"),
        ("", "half-written"),
        ('["hunter2"]', "not a JSON object"),
        ('"hunter2"', "not a JSON object"),
        ("[" * 60_000, "not a JSON object"),
        ('{"x": "hunter2"}', "holds neither `access_token` nor `refresh_token`"),
        ('{"access_token": 5, "refresh_token": null}', "holds neither"),
        ('{"access_token": "hunter2\\nx: y"}', "a blank, a line break"),
        (" " * 70_000, "larger than 65536 bytes"),
    ],
    ids=["half", "empty", "list", "text", "deep", "no token", "odd types", "line break", "large"],
)
def test_a_file_that_is_no_token_is_named_and_not_quoted(content: str, why: str, path: Path) -> None:
    put(path, content)
    with pytest.raises(CredentialError) as caught:
        source(path).read()
    assert not isinstance(caught.value, Missing)
    assert str(path) in str(caught.value)
    assert why in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__!r}"


def test_bytes_that_are_no_text_and_a_byte_order_mark(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(CredentialError, match="not a JSON object"):
        source(path).read()
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode())
    assert source(path).read().access == "a1"


def test_a_file_that_is_not_there_is_missing_and_one_that_cannot_be_read_is_not(path: Path) -> None:
    with pytest.raises(CredentialError, match=r"cannot read .*Is a directory") as caught:
        source(path.parent).read()
    assert not isinstance(caught.value, Missing)
    path.unlink()
    with pytest.raises(Missing, match=r"there is no .*oauth_creds\.json"):
        source(path).read()


# --- whose is newer ---


def test_a_file_is_newer_until_it_is_read_and_after_somebody_wrote_it(path: Path) -> None:
    kept = source(path)
    assert kept.newer()
    kept.read()
    assert not kept.newer()
    put(path, DOCUMENT | {"access_token": "a2"})
    assert kept.newer()
    assert kept.read().access == "a2"
    kept.write(Token("a3", "r1"))
    assert not kept.newer()


def test_the_date_the_size_or_the_file_itself_tells(path: Path) -> None:
    kept = source(path)
    kept.read()
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert kept.newer()
    kept.read()
    path.write_text(path.read_text() + " ")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert kept.newer()
    kept.read()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    other.replace(path)
    assert kept.newer()


def test_a_half_written_file_stays_newer_until_it_can_be_read(path: Path) -> None:
    kept = source(path)
    kept.read()
    put(path, '{"acc')
    with pytest.raises(CredentialError):
        kept.read()
    assert kept.newer()


def test_a_file_that_went_is_newer_and_one_that_never_was_is_not(path: Path) -> None:
    kept, never = source(path), source(path.with_name("never.json"))
    kept.read()
    path.unlink()
    assert (kept.newer(), never.newer()) == (True, False)


# --- writing ---


def test_a_write_keeps_unknown_keys_and_the_old_refresh_token(path: Path) -> None:
    kept = source(path)
    kept.read()
    kept.write(Token("a2", None, 1_760_003_600.5, {"scope": "b a", "id_token": "new"}))
    assert got(path) == DOCUMENT | {"access_token": "a2", "expiry_date": 1_760_003_600_500, "id_token": "new"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_its_owner_changed_meanwhile_stays_changed(path: Path) -> None:
    kept = source(path)
    token = kept.read()
    put(path, DOCUMENT | {"scope": "his", "more": 1})
    kept.write(replace(token, access="a2"))
    assert got(path) == DOCUMENT | {"access_token": "a2", "scope": "his", "more": 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1_760_000_000_000, 1_760_003_600_500),
        (1_760_000_000, 1_760_003_600),
        ("2025-10-09T16:53:20+08:00", "2025-10-09T09:53:20Z"),
        (None, 1_760_003_600_500),
        (0, 1_760_003_600_500),
    ],
    ids=str,
)
def test_the_end_is_written_in_the_form_it_had(before: object, after: object) -> None:
    assert write_end(1_760_003_600.5, before) == after


def test_other_names_are_written_where_they_were_read(path: Path) -> None:
    put(path, {"accessToken": "a", "refreshToken": "r", "clientIdHash": "h"})
    kept = source(path, CAMEL)
    kept.read()
    kept.write(Token("a2", "r2", 1_760_003_600))
    assert got(path) == {
        "accessToken": "a2",
        "refreshToken": "r2",
        "clientIdHash": "h",
        "expiresAt": "2025-10-09T09:53:20Z",
    }
    put(path, {"token": "a", "refresh_token": "r", "expiry": "2025-10-09T08:53:20Z"})
    kept = source(path, GOOGLE)
    kept.read()
    kept.write(Token("a2", None, 1_760_003_600))
    assert got(path) == {"token": "a2", "refresh_token": "r", "expiry": "2025-10-09T09:53:20Z"}


def test_the_old_end_does_not_stay_with_a_token_of_unknown_end(path: Path) -> None:
    kept = source(path)
    kept.read()
    kept.write(Token("a2", "r1", 0))
    assert "expiry_date" not in got(path)


def test_another_login_that_came_meanwhile_stays(path: Path) -> None:
    kept = source(path)
    kept.read()
    put(path, {"access_token": "his", "refresh_token": "his-r"})
    kept.write(Token("a2", "r1"))
    assert got(path) == {"access_token": "his", "refresh_token": "his-r"}
    assert kept.newer()


def test_a_file_that_is_half_written_is_not_written_over(path: Path) -> None:
    kept = source(path)
    kept.read()
    put(path, '{"access_tok')
    with pytest.raises(CredentialError, match="half-written"):
        kept.write(Token("a2", "r2"))
    assert path.read_text() == '{"access_tok'


def test_a_refresh_does_not_bring_back_a_file_that_its_owner_removed(path: Path) -> None:
    kept = source(path)
    kept.read()
    path.unlink()
    with pytest.raises(Missing):
        kept.write(Token("a2", "r2"))
    assert not path.exists()


def test_a_login_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / ".qwen" / "oauth_creds.json"
    source(path).write(Token("a", "r", 1_760_000_000, {"resource_url": "portal.qwen.ai"}))
    assert got(path) == {
        "access_token": "a",
        "refresh_token": "r",
        "expiry_date": 1_760_000_000_000,
        "resource_url": "portal.qwen.ai",
    }
    assert [entry.stat().st_mode & 0o777 for entry in (path.parent, path)] == [0o700, 0o600]


def test_a_login_over_an_old_one_replaces_its_tokens(path: Path) -> None:
    source(path).write(Token("new", "new-r", 1_760_003_600))
    assert got(path) == DOCUMENT | {"access_token": "new", "refresh_token": "new-r", "expiry_date": 1_760_003_600_000}


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    kept = source(link)
    kept.read()
    kept.write(Token("a2", "r1"))
    assert link.is_symlink()
    assert got(path)["access_token"] == "a2"
    assert not kept.newer()


def test_a_disk_that_is_full_leaves_the_old_file_and_says_which(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = source(path)
    kept.read()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("creds.store.os.fsync", full)
    with pytest.raises(CredentialError, match=r"cannot be saved in .*oauth_creds\.json: No space") as caught:
        kept.write(Token("hunter2", "r2"))
    assert "hunter2" not in str(caught.value)
    assert got(path) == DOCUMENT


def test_somebody_who_writes_right_after_us_is_newer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = source(path)
    kept.read()
    write = store.write_private

    def and_then(where: Path, content: bytes) -> None:
        write(where, content)
        put(where, DOCUMENT | {"access_token": "his"})

    monkeypatch.setattr("creds.token_file.write_private", and_then)
    kept.write(Token("a2", "r1"))
    assert kept.newer()
    assert kept.read().access == "his"


KILLING = """
import json, os, random, signal, sys, time
from pathlib import Path
from creds.token import Token
from creds.token_file import FileSource, Keys
path, seed = Path(sys.argv[1]), int(sys.argv[2])
chance, pad = random.Random(seed), "x" * 30_000
whole = {("a" + n * 9_000, "r" + n * 9_000) for n in "123"}
path.write_text(json.dumps({"access_token": "a" + "1" * 9_000, "refresh_token": "r" + "1" * 9_000, "pad": pad}))
found = set()
for _ in range(24):
    reading, writing = os.pipe()
    if not (child := os.fork()):
        kept = FileSource(path, Keys())
        kept.read()
        os.write(writing, b"!")
        while True:
            for n in "231":
                kept.write(Token("a" + n * 9_000, "r" + n * 9_000, 0, {"pad": pad}))
    os.read(reading, 1)
    time.sleep(chance.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    document = json.loads(path.read_text())
    assert document["pad"] == pad and set(document) == {"access_token", "refresh_token", "pad"}, "parts"
    pair = document["access_token"], document["refresh_token"]
    assert pair in whole, "neither the old nor the new"
    found.add(pair)
print("whole", len(found))
"""


def test_a_writer_killed_at_24_random_moments_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    seed = random.randrange(10**6)
    run = subprocess.run(
        [sys.executable, "-c", KILLING, str(path), str(seed)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.stdout.startswith("whole"), (seed, run.stderr)
    assert int(run.stdout.split()[1]) > 1, f"seed {seed}: nothing was ever written"


# --- locks ---


async def test_the_lock_is_the_official_tools_own(path: Path) -> None:
    async with source(path).lock():
        assert sorted(os.listdir(path.parent)) == ["oauth_creds.json", "oauth_creds.lock"]
    assert os.listdir(path.parent) == ["oauth_creds.json"]


def test_the_lock_never_is_the_file_itself() -> None:
    assert [beside(Path(name)).name for name in ("creds", "a.json", "odd.lock")] == [
        "creds.lock",
        "a.lock",
        "odd.lock.lock",
    ]


async def test_a_folder_that_cannot_be_written_stops_a_refresh_that_would_void_the_file(path: Path) -> None:
    nowhere = LockFile(path / "no folder" / "x.lock")
    with pytest.raises(CredentialError, match="not renewed: that would log out the tool"):
        async with FileSource(path, Keys(), lock=nowhere).lock():
            pytest.fail("locked")


async def test_a_folder_that_cannot_be_written_does_not_stop_one_that_voids_nothing(path: Path) -> None:
    nowhere, passed = LockFile(path / "no folder" / "x.lock"), False
    async with FileSource(path, Keys(), rotates=False, lock=nowhere).lock():
        passed = True
    assert passed


async def test_the_lock_is_freed_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with source(path).lock():
            raise ZeroDivisionError
    assert not beside(path).exists()


# --- base64 ---


@pytest.mark.parametrize("form", ["standard", "url", "unpadded", "wrapped"])
def test_base64_in_every_form_people_paste(form: str) -> None:
    content = json.dumps({"access_token": "a??>>~~", "refresh_token": "r?>", "pad": "ÿ"}, ensure_ascii=False).encode()
    text = base64.b64encode(content).decode()
    text = {
        "standard": text,
        "url": base64.urlsafe_b64encode(content).decode(),
        "unpadded": text.rstrip("="),
        "wrapped": text[:10] + "\n  " + text[10:] + "\n",
    }[form]
    assert Base64Source(text, Keys()).read() == Token("a??>>~~", "r?>", 0, {"pad": "ÿ"})


@pytest.mark.parametrize("text", ["", "hunter2!", "aHVudGVyMg==", "eyJhIjo=", "ключ"])
def test_base64_of_anything_else_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(CredentialError, match=r"gemini_oauth_creds_base64.*(JSON object|neither)") as caught:
        Base64Source(text, Keys(), "gemini_oauth_creds_base64").read()
    assert "hunter2" not in str(caught.value)


async def test_base64_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = Base64Source(base64.b64encode(json.dumps(DOCUMENT).encode()).decode(), Keys())
    assert (kept.label, kept.read().access, kept.newer()) == ("base64", "a1", False)
    async with kept.lock():
        kept.write(Token("a2", "r2"))
    assert (kept.read(), kept.newer()) == (Token("a2", "r2"), False)
    assert os.listdir(tmp_path) == []


def test_a_json_object_and_nothing_else_is_parsed() -> None:
    assert parse_object(b'{"a": 1}') == {"a": 1}
    assert [parse_object(text) for text in (b"", b"[]", b"null", b"{", b"<html>", b"\xff")] == [None] * 6

"""Private files: old or new, never half, and for the owner alone."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from creds import store
from creds.account import CredentialError
from creds.store import make_private_dir, resolve_secret, write_private

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_private_whatever_the_umask_and_the_old_mode(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_private(path, b"new")
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    assert os.listdir(tmp_path) == ["key"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "key", tmp_path / "key"
    target.write_text("old")
    link.symlink_to(target)
    write_private(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_nothing_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "key"
    link.symlink_to(tmp_path / "target")
    write_private(link, b"new")
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["key"]


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    whole = {letter * 100_000 for letter in (b"a", b"b")}
    path.write_bytes(b"a" * 100_000)
    program = (
        "import sys; from pathlib import Path; from creds.store import write_private; print('on', flush=True)\n"
        "while True:\n for letter in (b'a', b'b'): write_private(Path(sys.argv[1]), letter * 100_000)"
    )
    for pause in (0.0, 0.003, 0.01):
        writer = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert writer.stdout
        writer.stdout.readline()
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert path.read_bytes() in whole


def test_a_folder_is_private_when_it_is_made_and_left_alone_when_it_is_there(tmp_path: Path) -> None:
    make_private_dir(tmp_path / "a" / "home")
    assert mode(tmp_path / "a" / "home") == 0o700
    (tmp_path / "mine").mkdir(mode=0o755)
    make_private_dir(tmp_path / "mine")
    assert mode(tmp_path / "mine") == 0o755


def test_a_secret_may_stand_in_a_variable_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    assert resolve_secret("sk-1", "openai_api_key", {}) == "sk-1"
    assert resolve_secret("env:MY_KEY", "openai_api_key", {"MY_KEY": "sk-env"}) == "sk-env"
    assert resolve_secret(f"file:{tmp_path / 'key'}", "openai_api_key", {}) == "sk-file"


def test_a_file_path_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("sk-file")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_secret("file:~/key", "openai_api_key", {}) == "sk-file"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot read"),
        (b"\xff\xfehunter2", "not text"),
        (b"hunter2" * 10_000, "larger than"),
        (b"", "is empty"),
        (b" \n", "is empty"),
    ],
)
def test_a_secret_that_cannot_be_read_names_the_setting_and_the_file(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CredentialError) as caught:
        resolve_secret(f"file:{path}", "claude_api_key", {})
    assert "claude_api_key" in str(caught.value)
    assert str(path) in str(caught.value)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "lack"), [({}, "not set"), ({"MY_KEY": ""}, "empty"), ({"MY_KEY": " \n"}, "empty")]
)
def test_a_variable_with_nothing_in_it_is_named(environ: dict[str, str], lack: str) -> None:
    with pytest.raises(CredentialError, match=f"is `env:MY_KEY`, but the variable MY_KEY is {lack}"):
        resolve_secret("env:MY_KEY", "openai_api_key", environ)


def test_blanks_around_a_variables_content_are_no_part_of_the_secret() -> None:
    """As of a file and of what a program prints: `export KEY="$(cat key) "`."""
    assert resolve_secret("env: MY_KEY", "openai_api_key", {"MY_KEY": " sk-env\n"}) == "sk-env"


def test_a_home_folder_that_nobody_has_is_said() -> None:
    with pytest.raises(CredentialError, match="openai_api_key: cannot read ~no-such-user/key: nobody has such a home"):
        resolve_secret("file:~no-such-user/key", "openai_api_key", {})


def test_files_are_known_that_a_secret_was_looked_for_in(tmp_path: Path) -> None:
    """One that was not there may come."""
    here, missing = tmp_path / "key", tmp_path / "other"
    here.write_text("sk-file")
    assert resolve_secret(f"file:{here}", "openai_api_key", {}) == "sk-file"
    with pytest.raises(CredentialError):
        resolve_secret(f"file:{missing}", "openai_api_key", {})
    assert {here, missing} <= store.secret_files

"""Secrets that a program prints."""

import shlex
import sys
import time
from pathlib import Path

import pytest

from creds import secret_command
from creds.account import CredentialError
from creds.secret_command import output_of
from creds.store import resolve_secret


@pytest.fixture(autouse=True)
def _nothing_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_command, "_printed", {})


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


def complaint(command: str, seconds: float = 10) -> str:
    with pytest.raises(CredentialError) as caught:
        output_of(command, "openai_api_key", seconds)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_it_prints_is_the_secret() -> None:
    command = python("print('  sk-printed\\n')")
    assert resolve_secret(f"command:{command}", "openai_api_key", {}, may_run=True) == "sk-printed"


def test_no_shell_reads_it(tmp_path: Path) -> None:
    words = f"$HOME `id`; > {tmp_path / 'made'} | cat"
    program = "import sys; print(repr(sys.argv[1:]))"
    assert output_of(f"{python(program)} {words}", "x") == repr(words.split())
    assert list(tmp_path.iterdir()) == []


def test_words_are_split_as_a_shell_would(tmp_path: Path) -> None:
    program = "import sys; print(sys.argv[1:])"
    assert output_of(python(program) + " 'one word' two", "x") == "['one word', 'two']"


def test_a_program_may_be_named_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "print-key").write_text("#!/bin/sh\necho sk-home\n")
    (tmp_path / "print-key").chmod(0o755)
    assert output_of("~/print-key", "x") == "sk-home"


def test_it_is_run_once_and_again_only_after_a_failure(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = (
        f"import sys; f = open({str(count)!r}, 'a'); f.write('x'); f.close();"
        f" n = len(open({str(count)!r}).read()); print(n); sys.exit(n == 1)"
    )
    command = python(program)
    assert complaint(command).endswith("ended with exit code 1")
    assert [output_of(command, "x") for _ in range(3)] == ["2", "2", "2"]
    assert output_of(command + " other", "x") == "3"


def test_one_that_does_not_end_is_ended_and_its_children_with_it(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import time\nwhile True: open({str(alive)!r}, 'a').write('x'); time.sleep(0.02)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    began = time.monotonic()
    assert complaint(python(program), 1).endswith("did not end within 1 s")
    assert time.monotonic() - began < 5
    time.sleep(0.1)
    size = alive.stat().st_size
    time.sleep(0.2)
    assert alive.stat().st_size == size > 0


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-program-here", "cannot run no-such-program-here: No such file"),
        ("'open", "is not a command line: No closing quotation"),
        ("  ", "names no program"),
        (python("pass"), "printed nothing"),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), "is not text"),
        (python("print('hunter2'); exit(3)"), "exit code 3"),
    ],
    ids=["no program", "quote", "no words", "nothing", "no text", "failed"],
)
def test_what_went_wrong_is_said_and_not_what_was_printed(command: str, why: str) -> None:
    said = complaint(command)
    assert said.startswith("openai_api_key: ")
    assert why in said
    assert "hunter2" not in said


def test_who_may_not_run_programs_is_told_where_it_can_stand(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(
        CredentialError, match=r"counts only in flags, in variables and in aiclient\.toml in AICLIENT_HOME"
    ):
        resolve_secret(f"command:touch {mark}", "openai_api_key", {})
    assert not mark.exists()


@pytest.mark.parametrize("ends", ["", "; time.sleep(60)"])
def test_one_that_prints_far_too_much_is_ended_and_not_kept(ends: str) -> None:
    """`cat` of the wrong file, or `yes`."""
    program = f"import sys, time\nfor _ in range(2000): sys.stdout.write('hunter2' * 10_000)\nsys.stdout.flush(){ends}"
    began = time.monotonic()
    said = complaint(python(program))
    assert said.endswith("printed more than 65536 bytes; is it the right program?")
    assert "hunter2" not in said
    assert time.monotonic() - began < 8
    assert secret_command._printed == {}


def test_one_that_has_closed_its_output_and_goes_on_is_ended() -> None:
    program = "import os, time; print('sk', flush=True); os.close(1); time.sleep(60)"
    assert complaint(python(program), 1).endswith("did not end within 1 s")

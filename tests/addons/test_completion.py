"""Completion scripts: made of the parser, whole, and working where the shell is at hand."""

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from addons.cli import make_parser
from addons.completion import SHELLS, Words, script, words_of
from addons.settings import NAMES
from addons.settings_sources import flag
from tests.addons.test_cli import Capture, run

# Files are completed where a value or a word may be one: `my file`, and no file where none is meant.
FILE = "my file.toml"
CASES: list[tuple[list[str], list[str]]] = [
    (["aiclient", "acc"], ["accounts"]),
    (["aiclient", "serve", "--open"], [flag(name) for name in NAMES if name.startswith("open")]),
    (["aiclient", "config", "sch"], ["schema"]),
    (["aiclient", "completion", "z"], ["zsh"]),
    (["aiclient", "dataset", "exp"], ["export"]),
    (["aiclient", "log", "show", "--"], ["--dir", "--help", "--json"]),
    (["aiclient", "route", "x", "--protocol", "ge"], ["gemini"]),
    (["aiclient", "serve", "--strict-conversion", "t"], ["true"]),
    (["aiclient", "serve", "--kiro-wire", "aws"], ["aws-json-1.0"]),
    (["aiclient", "key", "--port"], []),
]
FILE_CASES = [["serve", "--system-prompt-file", "my"], ["config", "import", "my"], ["replay", "my"]]


def has(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shell in SHELLS:
        (tmp_path / f"aiclient.{shell}").write_text(script(shell, make_parser()))
    (tmp_path / FILE).write_text("")
    return tmp_path


def ran(folder: Path, *command: str, typed: str = "") -> str:
    found = subprocess.run(command, cwd=folder, input=typed, capture_output=True, text=True, timeout=20, check=True)
    assert found.stderr == ""
    return found.stdout


@pytest.mark.parametrize(("words", "expected"), CASES, ids=lambda value: "-".join(value))
def test_bash_completes(words: list[str], expected: list[str], folder: Path) -> None:
    has("bash")
    asked = (
        f"source aiclient.bash; COMP_WORDS=({shlex.join(words)}); "
        f'COMP_CWORD={len(words) - 1}; _aiclient; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    found = ran(folder, "bash", "--norc", "-c", asked).split()
    assert sorted({*found} - {"-h"}) == sorted(expected)


@pytest.mark.parametrize("words", FILE_CASES, ids="-".join)
def test_bash_completes_files_itself(words: list[str], folder: Path) -> None:
    """Then blanks are quoted and folders end with a slash."""
    has("bash")
    words = ["aiclient", *words]
    asked = (
        f"source aiclient.bash; complete -p aiclient; COMP_WORDS=({shlex.join(words)}); "
        f'COMP_CWORD={len(words) - 1}; _aiclient; printf "%s" "${{COMPREPLY[@]}}"'
    )
    assert ran(folder, "bash", "--norc", "-c", asked) == "complete -o default -F _aiclient aiclient\n"


@pytest.mark.parametrize(("words", "expected"), CASES, ids=lambda value: "-".join(value))
def test_fish_completes(words: list[str], expected: list[str], folder: Path) -> None:
    has("fish")
    asked = f"source aiclient.fish; complete -C {shlex.quote(' '.join(words))}"
    found = [line.partition("\t")[0] for line in ran(folder, "fish", "--no-config", "-c", asked).splitlines()]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("words", FILE_CASES, ids="-".join)
def test_fish_completes_files(words: list[str], folder: Path) -> None:
    has("fish")
    asked = f"source aiclient.fish; complete -C {shlex.quote(' '.join(['aiclient', *words]))}"
    assert ran(folder, "fish", "--no-config", "-c", asked).splitlines() == [FILE]


ZSH = """
fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D
# What is offered goes to a file as well, and nothing is put on the screen that would have to be answered.
compadd () {{
  local -a found
  builtin compadd -O found "$@"
  (( $#found )) && print -l -- "${{found[@]}}" >>{folder}/said
  builtin compadd "$@"
}}
"""


@pytest.mark.slow
def test_zsh_completes(folder: Path) -> None:
    """In a terminal, for its completion is of its line editor."""
    has("zsh")
    (folder / ".zshrc").write_text(ZSH.format(folder=folder))
    (folder / "aiclient.zsh").rename(folder / "_aiclient")
    environment = {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb", "HOME": str(folder)}
    said = folder / "said"
    main, side = pty.openpty()
    with subprocess.Popen(["zsh", "-i"], cwd=folder, env=environment, stdin=side, stdout=side, stderr=side) as shell:
        try:
            wait_for(main, said.with_name(FILE), 5.0)
            for words, expected in [*CASES, *((["aiclient", *words], [FILE]) for words in FILE_CASES)]:
                said.write_text("")
                os.write(main, f"{' '.join(words)}\t".encode())
                assert wait_for(main, said) - {"-h"} == {*expected}, words
                os.write(main, b"\x15")  # clears the line
        finally:
            shell.kill()


def wait_for(main: int, said: Path, seconds: float = 1.0) -> set[str]:
    """What was offered, when nothing more comes to the screen for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([main], [], [], 0.1)[0]:
            os.read(main, 65536)
            end = min(end, time.monotonic() + 0.5)
    return set(said.read_text().split("\n")) - {""}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_holds_every_command_and_every_flag(shell: str, capsys: Capture) -> None:
    code, out, err = run(capsys, "completion", shell)
    assert (code, err) == (0, "")
    assert out == script(shell, make_parser())

    def check(words: Words) -> None:
        for name, inner in words.inner.items():
            assert name in out
            check(inner)
        for name in words.flags:
            assert name.lstrip("-") in out

    check(words_of(make_parser()))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_one_that_its_shell_can_read(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    path = tmp_path / "script"
    path.write_text(script(shell, make_parser()))
    subprocess.run([shell, "-n", str(path)], timeout=20, check=True)


def test_a_shell_that_is_not_known_is_wrong_usage(capsys: Capture) -> None:
    assert run(capsys, "completion", "tcsh")[0] == 2

"""Completion scripts: made of the parser, whole, and working where the shell is at hand."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from addons.cli import make_parser
from addons.completion import SHELLS, Words, script, words_of
from addons.settings import NAMES
from addons.settings_sources import flag
from tests.addons.test_cli import Capture, run


def offered(words: list[str], tmp_path: Path) -> list[str]:
    """What bash would offer for the last word."""
    (tmp_path / "aiclient.bash").write_text(script("bash", make_parser()))
    asked = (
        f"source {shlex.quote(str(tmp_path / 'aiclient.bash'))}; COMP_WORDS=({shlex.join(words)}); "
        f'COMP_CWORD={len(words) - 1}; _aiclient; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    ran = subprocess.run(
        ["bash", "--norc", "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True
    )
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["aiclient", "acc"], ["accounts"]),
        (["aiclient", "serve", "--open"], [flag(name) for name in NAMES if name.startswith("open")]),
        (["aiclient", "config", "sch"], ["schema"]),
        (["aiclient", "completion", "z"], ["zsh"]),
        (["aiclient", "dataset", "exp"], ["export"]),
        (["aiclient", "route", "x", "--protocol", "ge"], ["gemini"]),
        (["aiclient", "serve", "--strict-conversion", "t"], ["true"]),
        (["aiclient", "serve", "--system-prompt-file", "aicl"], ["aiclient.bash"]),
        (["aiclient", "key", "--port"], []),
    ],
    ids=lambda value: "-".join(value),
)
def test_bash_completes(words: list[str], expected: list[str], tmp_path: Path) -> None:
    assert sorted(offered(words, tmp_path)) == sorted(expected)


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

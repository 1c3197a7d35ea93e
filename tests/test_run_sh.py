"""run.sh, with a fake `uv` that makes a fake Python: what it runs, when it installs, what it says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("bash", "sh", "cat", "cksum", "dirname", "head", "mkdir", "mv", "printf", "readlink", "rm", "sleep", "tail")

# A Python that says what it was started with; its version can be changed by a file beside the venv.
PYTHON = """#!/bin/sh
case "$*" in
  *"print(sys.version)"*) echo 3.13.0 ;;
  *sys.version_info*|*import\\ addons*) ;;
  --version) echo Python 3.13.0 ;;
  *) echo "ran: $*"; echo "in: $PWD"; echo "venv: ${VIRTUAL_ENV-none} ${PYTHONPATH-none} ${PIP_TARGET-none}" ;;
esac
"""
UV = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$1" in
  venv)
    for last; do :; done
    mkdir -p "$last/bin"
    cp "$FAKE_PYTHON" "$last/bin/python" ;;
  pip)
    [ -z "${UV_SLEEP-}" ] || sleep "$UV_SLEEP"
    case "$*" in *fast*) [ -z "${NO_UVLOOP-}" ] || exit 1 ;; esac
    [ -z "${NO_NETWORK-}" ] || { echo "no route to the index"; exit 1; } ;;
esac
"""


class Clone:
    """A clone of aiclient in a folder with a blank in its name, with none of its packages."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my clone"
        self.elsewhere = folder / "elsewhere"
        self.calls = folder / "calls"
        tools = folder / "bin"
        for new in (self.root, self.elsewhere, tools):
            new.mkdir()
        shutil.copy(ROOT / "run.sh", self.root)
        (self.root / "pyproject.toml").write_text("one")
        (folder / "python").write_text(PYTHON)
        (tools / "uv").write_text(UV)
        (tools / "uv").chmod(0o755)
        (folder / "python").chmod(0o755)
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "PYTHON"},
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "FAKE_PYTHON": str(folder / "python"),
        }

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "run.sh"), *words],
            cwd=self.elsewhere,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environ: str) -> tuple[int, str, str]:
        """Exit code, output, error output."""
        process = self.start(*words, **environ)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self) -> list[str]:
        """The calls of `uv pip install` so far."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith("pip install")]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def ran(out: str) -> str:
    found = re.search(r"^ran: (.*)$", out, re.MULTILINE)
    assert found, out
    return found[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "-OP -m addons serve"),
        (("--port", "4000"), "-OP -m addons serve --port 4000"),
        (("web", "--open"), "-OP -m addons web --open"),
        (("config", "show"), "-OP -m addons config show"),
        (("--help",), "-OP -m addons --help"),
        (("--version",), "-OP -m addons version"),
        (("bench", "chat"), "-P -m bench chat"),
        (
            ("test",),
            "-P -m pytest -q -m not slow -n 2 --dist loadfile --ignore=tests/clients --ignore=tests/datasets --ignore=tests/soak",
        ),
        (("test", "pools", "-x"), "-P -m pytest -q -n 2 --dist loadfile tests/e2e/pools -x"),
        (("test", "attack", "-x"), "-P -m pytest -q tests/attack -x"),
        (("test", "soak", "-x"), "-P -m pytest tests/soak -x"),
        (("test", "soak", "-x", "tests/soak/test_plateau.py"), "-P -m pytest -x tests/soak/test_plateau.py"),
        (("test", "attack", "tests/attack/a b.py"), "-P -m pytest -q tests/attack/a b.py"),
        (("test", "-k", "a b"), "-P -m pytest -k a b"),
    ],
)
def test_words_become_commands(clone: Clone, words: tuple[str, ...], expected: str) -> None:
    code, out, _ = clone.run(*words)
    assert (code, ran(out)) == (0, expected)


def test_it_serves_from_the_folder_it_was_called_in_and_tests_in_its_own(clone: Clone) -> None:
    assert f"in: {clone.elsewhere}" in clone.run()[1]
    assert f"in: {clone.root}" in clone.run("test")[1]


def test_it_can_be_called_through_a_link(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "aic").symlink_to("my clone/run.sh")
    done = subprocess.run([tmp_path / "aic", "key"], env=clone.environ, capture_output=True, text=True, check=True)
    assert ran(done.stdout) == "-OP -m addons key"


def test_the_second_start_installs_nothing_and_says_nothing(clone: Clone) -> None:
    first, second = clone.run(), clone.run()
    assert "aiclient: installing packages" in first[2]
    assert (second[0], second[2]) == (0, "")
    assert [line.rpartition("my clone")[2] for line in clone.installs()] == ["[fast]"]


def test_tests_need_more_packages_and_serving_after_that_no_others(clone: Clone) -> None:
    clone.run()
    clone.run("test")
    clone.run()
    clone.run("test")
    assert [line.rpartition("my clone")[2] for line in clone.installs()] == ["[fast]", "[fast,dev]"]


def test_new_requirements_are_installed_and_those_for_tests_stay(clone: Clone) -> None:
    clone.run("test")
    (clone.root / "pyproject.toml").write_text("two")
    clone.run()
    clone.run("test")
    assert [line.rpartition("my clone")[2] for line in clone.installs()] == ["[fast,dev]"] * 2


def test_an_install_that_was_cut_off_is_done_again_from_nothing(clone: Clone) -> None:
    clone.run()
    (clone.root / ".venv" / "aiclient-installing").write_text("")
    (clone.root / ".venv" / "half").write_text("")
    code, _, err = clone.run()
    assert code == 0
    assert "made .venv" in err
    assert not (clone.root / ".venv" / "half").exists()
    assert clone.run()[2] == ""


def test_without_uvloop_it_goes_on(clone: Clone) -> None:
    code, out, err = clone.run(NO_UVLOOP="1")
    assert (code, ran(out)) == (0, "-OP -m addons serve")
    assert "without the optional uvloop" in err
    assert clone.installs()[-1].endswith("my clone")


def test_an_install_that_fails_shows_why_and_is_tried_again(clone: Clone) -> None:
    code, out, err = clone.run(NO_NETWORK="1")
    assert (code, out) == (1, "")
    assert "no route to the index" in err
    assert "aiclient-install.log" in err
    assert not (clone.root / ".venv.lock").exists()
    assert clone.run()[0] == 0


def test_two_first_starts_at_once_install_once(clone: Clone) -> None:
    processes = [clone.start("key", UV_SLEEP="0.5") for _ in range(3)]
    done = [process.communicate(timeout=60) for process in processes]
    assert [ran(out) for out, _ in done] == ["-OP -m addons key"] * 3
    assert len(clone.installs()) == 1


def test_a_lock_whose_owner_is_gone_is_taken_over(clone: Clone) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (clone.root / ".venv.lock").mkdir()
    (clone.root / ".venv.lock" / "pid").write_text(str(gone.pid))
    assert clone.run("key")[0] == 0
    assert not (clone.root / ".venv.lock").exists()


def test_an_activated_venv_and_pip_settings_do_not_count(clone: Clone) -> None:
    out = clone.run("key", VIRTUAL_ENV="/other", PYTHONPATH="/other", PIP_TARGET="/other")[1]
    assert "venv: none none none" in out


def test_tests_with_clients_say_that_there_are_none(clone: Clone) -> None:
    code, _, err = clone.run("test", "clients")
    assert (code, err.splitlines()[-1]) == (1, "aiclient: there are no tests with real clients yet")
    (clone.root / "tests" / "clients").mkdir(parents=True)
    assert ran(clone.run("test", "clients", "-x")[1]) == "-P -m pytest tests/clients -x"


def test_without_a_python_it_says_what_to_install(clone: Clone, tmp_path: Path) -> None:
    script = clone.root / "run.sh"  # nor may there be one in the places where it looks
    script.write_text(re.sub(r"/(opt/homebrew|usr/local|home/linuxbrew|Library)/", "/nowhere/", script.read_text()))
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in TOOLS:
        if path := shutil.which(tool):
            (bare / tool).symlink_to(path)
    (bare / "python3").write_text("#!/bin/sh\nexit 1\n")  # as an old one, or a shim that only complains
    (bare / "python3").chmod(0o755)
    code, _, err = clone.run("key", PATH=str(bare), HOME=str(tmp_path), PYENV_ROOT=str(tmp_path / "none"))
    assert code == 1
    assert "needs Python 3.12 or newer" in err
    assert "brew install" in err
    assert not (clone.root / ".venv.lock").exists()

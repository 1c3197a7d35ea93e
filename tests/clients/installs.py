"""Clients from npm and PyPI, at fixed versions, in a folder of their own: `$AICLIENT_TEST_CLIENTS`, or one in the system's temp folder.

No install script is run and nothing is installed globally. npm's packages for one platform are taken where a client has them.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import override

PLATFORMS = {  # npm's word, and the compiler's
    ("Linux", "x86_64"): ("linux-x64", "x86_64-unknown-linux-musl"),
    ("Linux", "aarch64"): ("linux-arm64", "aarch64-unknown-linux-musl"),
    ("Darwin", "x86_64"): ("darwin-x64", "x86_64-apple-darwin"),
    ("Darwin", "arm64"): ("darwin-arm64", "aarch64-apple-darwin"),
}
INSTALL_SECONDS = 600
_QUIET = "--ignore-scripts --omit=optional --no-audit --no-fund --no-save --loglevel=error".split()


class NotInstalledError(Exception):
    """This client cannot be had here; the message says why."""


@dataclass(frozen=True)
class Install(ABC):
    """version: of the client. program: how to start it, as paths in its folder; `{platform}` and `{triple}` are filled in."""

    name: str
    version: str
    program: tuple[str, ...]

    @abstractmethod
    def put_in(self, folder: Path) -> None: ...

    def command(self) -> list[str]:
        """What starts it, after installing it if it is not there. Raises NotInstalledError."""
        folder = _own_folder() / f"{self.name}-{self.version}"
        stamp = folder / "complete"
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self.put_in(folder)
            stamp.touch()
        return [str(folder / _filled_in(part)) for part in self.program]


@dataclass(frozen=True)
class FromNpm(Install):
    """packages: as npm names them, with the same to fill in."""

    packages: tuple[str, ...]

    @override
    def put_in(self, folder: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise NotInstalledError("npm is not installed")
        names = [_filled_in(package) for package in self.packages]
        _ran([npm, "install", "--prefix", str(folder), *_QUIET, *names])


@dataclass(frozen=True)
class FromPyPI(Install):
    """In a venv made with a Python older than `below`."""

    below: tuple[int, int] = (4, 0)

    @override
    def put_in(self, folder: Path) -> None:
        python = next((python for python in _pythons() if self._fits(python)), None)
        if python is None:
            raise NotInstalledError(f"there is no Python 3.10 or newer, and below {self.below[0]}.{self.below[1]}")
        _ran([python, "-m", "venv", str(folder)])
        _ran([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"{self.name}=={self.version}"])

    def _fits(self, python: str) -> bool:
        code = f"import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] < {self.below})"
        try:
            return not subprocess.run([python, "-I", "-c", code], capture_output=True, check=False).returncode
        except OSError:
            return False


def _own_folder() -> Path:
    """Nobody else may write there: what is in it gets run."""
    named = os.environ.get("AICLIENT_TEST_CLIENTS")
    folder = Path(named).expanduser() if named else Path(tempfile.gettempdir()) / f"aiclient-test-clients-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise NotInstalledError(f"{folder} belongs to somebody else")
    return folder


def _filled_in(text: str) -> str:
    found = PLATFORMS.get((platform.system(), platform.machine()))
    if found is None:
        raise NotInstalledError(f"no build for {platform.system()} {platform.machine()}")
    return text.format(platform=found[0], triple=found[1])


def _pythons() -> Iterator[str]:
    yield sys.executable
    yield from ("python3.13", "python3.12", "python3.11", "python3.10")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from (str(path) for path in sorted(pyenv.glob("3.1[0-9].*/bin/python"), reverse=True))


def _ran(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(f"{command[0]} took longer than {INSTALL_SECONDS} s") from error
    if done.returncode:
        raise NotInstalledError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-400:]}")

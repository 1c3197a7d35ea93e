"""The programs of a load test: the proxy in its two ways of starting, the paced provider, the crowd; and what they use up."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from addons.settings import NAMES
from tests.e2e.proxy import READY_SECONDS, ROOT, Proxy, _healthy, free_port, launch
from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY, OPENAI_KEY
from tests.soak.crowd import Order, Report

DESCRIPTORS = 8192
FEW = 4  # descriptors that are opened at need and kept, such as the files of records
NO_DUMP = ("-w", "")  # `launch` writes one; without it mitmdump keeps no flow
PROGRAMS = ("mitmdump", "serve")
# A provider that fails puts its only account to rest, and the requests behind it would wait.
RESTLESS = {name.upper(): "0" for name in NAMES if name.endswith("_rest_seconds")}
UNRECORDED = {"RECORD": "false"} if "record" in NAMES else {}


def mitmdump(home: Path, settings: Mapping[str, str]) -> Proxy:
    """As the end-to-end tests start it, without a dump."""
    return launch(home, settings, more=NO_DUMP)


def serve(home: Path, settings: Mapping[str, str]) -> Proxy:
    """As `run.sh` and the console script start it: `python -O`, uvloop, one line a request."""
    home.mkdir(parents=True)
    port, log = free_port(), home / "output.txt"
    foreign = ("AICLIENT_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "KIRO_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {f"AICLIENT_{name}": value for name, value in settings.items()}
    environment |= {"AICLIENT_HOME": str(home / "aiclient"), "HOME": str(home), "AICLIENT_PORT": str(port)}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-O", "-m", "addons", "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=output, stderr=subprocess.STDOUT)
    proxy = Proxy(process, port, log, home / "no dump")
    deadline = time.monotonic() + READY_SECONDS
    while not _healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"the proxy did not come up:\n{log.read_text()}")
        time.sleep(0.05)
    return proxy


START: Mapping[str, Callable[[Path, Mapping[str, str]], Proxy]] = {"mitmdump": mitmdump, "serve": serve}


def settings_for(port: int) -> dict[str, str]:
    """Both accounts at the paced provider."""
    base = f"http://127.0.0.1:{port}"
    return {
        "API_KEY": CLIENT_KEY,
        "OPENAI_API_KEY": OPENAI_KEY,
        "OPENAI_BASE_URL": f"{base}/v1",
        "CLAUDE_API_KEY": ANTHROPIC_KEY,
        "CLAUDE_BASE_URL": base,
        **RESTLESS,
    }


@contextmanager
def paced_provider() -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-P", "-m", "tests.soak.paced"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@contextmanager
def crowd(order: Order) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-P", "-m", "tests.soak.crowd", json.dumps(asdict(order))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def report_of(process: "subprocess.Popen[bytes]") -> Report:
    """Waits for the crowd's end."""
    told, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return Report(**json.loads(told))


def enough_descriptors() -> None:
    """For this process and its children. Skips where the system does not give them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS:
        if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
            pytest.skip(f"{DESCRIPTORS} file descriptors are needed, `ulimit -Hn` allows {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))


# --- what a process uses up ---


class Watched:
    """A process, seen through /proc."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")

    @property
    def rss(self) -> int:
        """Kilobytes of memory that it has now."""
        return self._kilobytes("VmRSS")

    @property
    def peak(self) -> int:
        """The most it had since `forget_peak`, in kilobytes."""
        return self._kilobytes("VmHWM")

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    @property
    def descriptors(self) -> int:
        return len(os.listdir(self._proc / "fd"))

    @property
    def cpu(self) -> float:
        """Seconds so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _kilobytes(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

    def settled(self, descriptors: int, seconds: float = 10) -> int:
        """The number of descriptors, once it is back to so many, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.descriptors > descriptors and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.descriptors


class Sampler:
    """Looks every second. rows: (seconds since the start, kilobytes, descriptors)."""

    def __init__(self, watched: Watched, every: float = 1.0) -> None:
        self.rows: list[tuple[float, int, int]] = []
        self._watched, self._every = watched, every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _look(self) -> None:
        began = time.monotonic()
        while not self._stopped.wait(self._every):
            self.rows.append((time.monotonic() - began, self._watched.rss, self._watched.descriptors))


def share(values: list[float], part: float) -> float:
    """The value that `part` of them do not exceed: 0.5 is the median."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]

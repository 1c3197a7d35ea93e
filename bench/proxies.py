"""The processes that are measured, and how much CPU they have used."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
KEY = "bench-key-0123456789"
READY_SECONDS = 30
_MITMDUMP = ("-c", "from mitmproxy.tools.main import mitmdump; mitmdump()")
_NO_MORE: Mapping[str, str] = {}
_FOREIGN = ("AICLIENT_", "OPENAI_", "ANTHROPIC_", "PYTHON")


class Cpu(NamedTuple):
    """Time that a process used, user and system, on its main thread and on all others. Seconds where nothing else is said."""

    main: float
    others: float

    @property
    def total(self) -> float:
        return self.main + self.others


@dataclass(frozen=True, slots=True)
class Proxy:
    pid: int
    port: int

    def cpu(self) -> Cpu:
        """So far: to the nanosecond where the kernel tells, else in ticks and all of it on the main thread."""
        try:
            tasks = os.listdir(f"/proc/{self.pid}/task")
            spent = {
                int(task): int(Path(f"/proc/{self.pid}/task/{task}/schedstat").read_text().split()[0]) / 1e9
                for task in tasks
            }
        except FileNotFoundError:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return Cpu((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 0.0)
        main = spent.pop(self.pid)
        return Cpu(main, sum(spent.values()))


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def bare(fake_port: int, home: Path) -> Iterator[Proxy]:
    """mitmdump as anybody would start it: it streams what is longer than 2 kB, and prints nothing."""
    port = _free_port()
    mode = f"reverse:http://127.0.0.1:{fake_port}@127.0.0.1:{port}"
    options = ("--set", "flow_detail=0", "--set", "stream_large_bodies=2k", "--set", f"confdir={home / 'bare'}")
    with _started([sys.executable, *_MITMDUMP, "--mode", mode, *options], port, home, {}) as proxy:
        yield proxy


@contextlib.contextmanager
def product(fake_port: int, home: Path) -> Iterator[Proxy]:
    """All our addons, in a mitmdump started in the same way."""
    port = _free_port()
    arguments = (
        "-s",
        str(ROOT / "addons" / "aiclient.py"),
        "--mode",
        f"reverse:https://api.openai.com@127.0.0.1:{port}",
    )
    options = ("--set", "flow_detail=0", "--set", f"confdir={home / 'product'}")
    settings = _settings(fake_port, home / "product-home")
    with _started([sys.executable, *_MITMDUMP, *arguments, *options], port, home, settings) as proxy:
        yield proxy


@contextlib.contextmanager
def launched(
    fake_port: int, home: Path, *, settings: Mapping[str, str] = _NO_MORE, arguments: Sequence[str] = ()
) -> Iterator[Proxy]:
    """As `run.sh` and the console script start it, with `python -O`. settings: variables that win over those of every run.
    arguments: for mitmproxy."""
    port = _free_port()
    all_settings = _settings(fake_port, home / "launched-home") | {"AICLIENT_PORT": str(port)} | dict(settings)
    command = [sys.executable, "-O", "-m", "addons", "serve", *(("--", *arguments) if arguments else ())]
    with _started(command, port, home, all_settings) as proxy:
        yield proxy


def base_urls(scheme: str, fake_port: int) -> dict[str, str]:
    base = f"{scheme}://127.0.0.1:{fake_port}/v1"
    return {"AICLIENT_OPENAI_BASE_URL": base, "AICLIENT_CLAUDE_BASE_URL": base}


def _settings(fake_port: int, home: Path) -> dict[str, str]:
    """No records: their cost is measured by itself (`bench.records`)."""
    home.mkdir(exist_ok=True)
    return base_urls("http", fake_port) | {
        "AICLIENT_HOME": str(home),
        "AICLIENT_API_KEY": KEY,
        "AICLIENT_RECORD": "false",
        "AICLIENT_OPENAI_API_KEY": "sk-bench",
        "AICLIENT_CLAUDE_API_KEY": "sk-bench",
    }


@contextlib.contextmanager
def _started(command: list[str], port: int, home: Path, settings: dict[str, str]) -> Iterator[Proxy]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    environment |= settings | {"PYTHONPATH": str(ROOT)}
    log = home / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} did not come up:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield Proxy(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False

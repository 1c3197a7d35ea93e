"""The processes that are measured, and how much CPU they have used."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = "bench-key-0123456789"
READY_SECONDS = 30
_MITMDUMP = ("-c", "from mitmproxy.tools.main import mitmdump; mitmdump()")
_FOREIGN = ("AICLIENT_", "OPENAI_", "ANTHROPIC_", "PYTHON")


@dataclass(frozen=True, slots=True)
class Proxy:
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, to the nanosecond where the kernel tells, else in ticks."""
        try:
            tasks = [Path(f"/proc/{self.pid}/task/{task}/schedstat") for task in os.listdir(f"/proc/{self.pid}/task")]
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        except FileNotFoundError:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
def launched(fake_port: int, home: Path, *, record: bool | None = False) -> Iterator[Proxy]:
    """As `run.sh` and the console script start it, with `python -O`. record: as `_settings` takes it."""
    port = _free_port()
    settings = _settings(fake_port, home / "launched-home", record=record) | {"AICLIENT_PORT": str(port)}
    with _started([sys.executable, "-O", "-m", "addons", "serve"], port, home, settings) as proxy:
        yield proxy


def _settings(fake_port: int, home: Path, *, record: bool | None = False) -> dict[str, str]:
    """record: every exchange; its cost is measured by itself (`bench.records`). None: as `aiclient.toml` in `home` says."""
    home.mkdir(exist_ok=True)
    base = f"http://127.0.0.1:{fake_port}/v1"
    return {
        "AICLIENT_HOME": str(home),
        "AICLIENT_API_KEY": KEY,
        **({} if record is None else {"AICLIENT_RECORD": str(record).lower()}),
        "AICLIENT_OPENAI_API_KEY": "sk-bench",
        "AICLIENT_OPENAI_BASE_URL": base,
        "AICLIENT_CLAUDE_API_KEY": "sk-bench",
        "AICLIENT_CLAUDE_BASE_URL": base,
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

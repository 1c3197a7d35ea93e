"""A real `mitmdump -s addons/aiclient.py` as a child process."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30
# asyncio of early Python 3.12 reports a client that is still connected at the very end as an error; later ones do not.
OLD_ASYNCIO = re.compile(
    r"Exception in callback StreamReaderProtocol\.connection_made.*?\nasyncio\S*CancelledError\n", re.DOTALL
)


@dataclass
class Proxy:
    """port: where it listens. log: its stdout and stderr. dump: its `-w` file."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    dump: Path
    _read: int = 0

    def news(self) -> str:
        """What was logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
            self._read += len(text)
        return OLD_ASYNCIO.sub("", text.decode(errors="replace"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, seconds: float = 25) -> int:
        """SIGTERM, if it still runs; the exit status. Killed, and a failure, when it is still there after `seconds`."""
        if self.process.poll() is not None:
            return self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def launch(
    home: Path,
    settings: Mapping[str, str],
    *,
    knock_early: bool = False,
    mode: str = "reverse:https://api.openai.com",
    program: str = "mitmdump",
    more: Sequence[str] = (),
) -> Proxy:
    """Start it and wait until `/health` answers. settings: without their `AICLIENT_` prefix. mode: mitmproxy's, without
    the address. more: arguments for the program.

    knock_early: ask for `/health` from the first moment on, as an impatient client does; else only when it says it listens.
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log, dump = free_port(), home / "output.txt", home / "dump.flow"
    foreign = (
        "AICLIENT_",
        "OPENAI_",
        "ANTHROPIC_",
        "GEMINI_",
        "GOOGLE_",
        "KIRO_",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {f"AICLIENT_{name}": value for name, value in settings.items()}
    environment |= {"AICLIENT_HOME": str(home / "aiclient"), "HOME": str(home)}
    environment["PYTHONUNBUFFERED"] = "1"  # its log is a file, and is read while it is written
    script = str(ROOT / "addons" / "aiclient.py")
    command = [
        str(Path(sys.executable).parent / program),
        "-s",
        script,
        "--mode",
        f"{mode}@127.0.0.1:{port}",
        "-w",
        str(dump),
        *more,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=output, stderr=subprocess.STDOUT)
    proxy = Proxy(process, port, log, dump)
    deadline = time.monotonic() + READY_SECONDS
    while not ((knock_early or b"listening at" in log.read_bytes()) and _healthy(port)):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"the proxy did not come up:\n{log.read_text()}")
        time.sleep(0.05)
    return proxy


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()

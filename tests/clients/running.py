"""What a command-line agent is, and one run of one."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.installs import Install

type JsonObject = dict[str, object]

RUN_SECONDS = 120
NOWHERE = "http://127.0.0.1:9"  # proxy for everything that is not the loopback: no agent may call home from a test


@dataclass(frozen=True)
class Place:
    """base: the proxy, with the provider's prefix, without `/v1`. home and work: fresh folders; the agent runs in work."""

    base: str
    key: str
    model: str
    home: Path
    work: Path


@dataclass(frozen=True)
class Setup:
    """arguments: after the program. files: written before the run."""

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadTool:
    """The agent's own tool that reads a file, and its arguments for a path."""

    name: str
    arguments: Callable[[str], JsonObject]


@dataclass(frozen=True)
class Agent:
    """speaks: the client protocol. reads: None if it has no tools.

    unfit: models that refuse what it sends over their own protocol (a limit under the old name, a temperature): such bytes
    pass as they came. needs_newest: so does what only the newest backends of its own protocol pass over.
    only_with: how the models begin that it gives its tools to.
    """

    name: str
    speaks: str
    install: Install
    setup: Callable[[Place, str], Setup]
    reads: ReadTool | None = None
    unfit: tuple[str, ...] = ()
    needs_newest: bool = False
    only_with: str = ""

    def has_tools(self, model: str) -> bool:
        return self.reads is not None and model.startswith(self.only_with)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def run(agent: Agent, place: Place, prompt: str) -> Outcome:
    """Its process group is killed in the end. Raises NotInstalledError, and subprocess.TimeoutExpired."""
    setup = agent.setup(place, prompt)
    for path, text in setup.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = agent.install.command()
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.home), "LANG": "C.UTF-8", "TERM": "dumb"}
    environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    process = subprocess.Popen(
        [*command, *setup.arguments],
        env=environment | setup.environment,
        cwd=place.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=RUN_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return Outcome(process.returncode, out, err)

"""Four ways to set everything at once, each a real proxy: flags, variables, a file, mitmproxy options."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import override

import httpx

from addons.settings import NAMES, Settings
from addons.settings_sources import flag, variable
from addons.toml_text import toml_line
from tests.e2e.conftest import Upstreams
from tests.e2e.oauth.logins import Stage
from tests.e2e.proxy import READY_SECONDS, ROOT, free_port
from tests.fakes.samples import CLIENT_KEY, png
from tests.fakes.server import FakeServer, Line, Recorded

WAYS = ("flag", "environment", "file", "option")
HOST = (
    "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
)  # elsewhere the rest of 127/8 is no address of the machine
WORKERS = "2" if sys.platform == "linux" else "1"  # elsewhere one port has one process
# What a proxy has made of its settings, told from inside: for those that have no effect by one of the ways.
PROBE = """
import json
from pathlib import Path
from mitmproxy import ctx
from addons.settings import NAMES, SECRETS, written

class Probe:
    def running(self):
        settings = ctx.master.addons.get("proxysetup").settings
        said = {name: written(getattr(settings, name)) for name in NAMES if name not in SECRETS}
        Path(__file__).with_name("parsed.json").write_text(json.dumps(said))

addons = [Probe()]
"""


class Beside(FakeServer):
    """What is one proxy's alone: a picture, and for all else an empty list of models."""

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        if request.path == "/picture.png":
            await line.answer(200, {"content-type": "image/png"}, png(1))
        else:
            await line.answer(200, {"content-type": "application/json"}, b'{"object": "list", "data": []}')


@dataclass
class Place:
    """What values are made of: where a proxy of this way listens and keeps its files, and whom it asks."""

    way: str
    folder: Path
    port: int
    upstreams: Upstreams
    stage: Stage
    beside: Beside

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


@dataclass
class Started:
    """A proxy that runs. parsed: each setting but secrets as it has it. environment: its own, for commands beside it."""

    place: Place
    process: subprocess.Popen[bytes]
    web: httpx.Client
    environment: Mapping[str, str]

    @property
    def parsed(self) -> Mapping[str, str]:
        found: dict[str, str] = json.loads((self.place.folder / "parsed.json").read_text())
        return found

    @property
    def log(self) -> str:
        return (self.place.folder / "output.txt").read_text(errors="replace")


def begin(place: Place, values: Mapping[str, str], stack: ExitStack) -> Started:
    """Starts it; it may not listen yet. Stopped when `stack` is closed."""
    probe = place.file("probe.py", PROBE)
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AICLIENT_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "KIRO_"))
        and not name.lower().endswith("_proxy")
    }
    environment |= {"AICLIENT_HOME": str(place.folder / "home"), "HOME": str(place.folder), "PYTHONPATH": str(ROOT)}
    words: list[str] = []
    match place.way:
        case "flag":
            words = [part for name, text in values.items() for part in (flag(name), text)]
        case "environment":
            environment |= {variable(name): text for name, text in values.items()}
        case "file":
            lines = (toml_line(name, _native(name, text)) for name, text in values.items())
            environment["AICLIENT_CONFIG"] = place.file("my.toml", "\n".join(lines))
    if place.way == "option":
        options = [part for name, text in values.items() for part in ("--set", f"aiclient_{name}={text}")]
        mode = f"reverse:https://api.openai.com@{HOST}:{place.port}"
        script = str(ROOT / "addons" / "aiclient.py")
        command = [str(Path(sys.executable).parent / "mitmdump"), "-s", script, "-s", probe, "--mode", mode, *options]
    else:
        command = [sys.executable, "-P", "-m", "addons", "serve", *words, "--", "-s", probe]
    with (place.folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=place.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    stack.callback(_stop, process)
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    web = stack.enter_context(
        httpx.Client(
            base_url=place.url, headers=headers, trust_env=False, timeout=20, limits=httpx.Limits(max_connections=None)
        )
    )
    return Started(place, process, web, environment)


def wait(started: Started) -> None:
    """Until it answers and the probe has told."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if started.web.get("/health").status_code == 200 and started.parsed:
                return
        except (httpx.TransportError, OSError, ValueError):
            pass
        if started.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{started.place.way}: the proxy did not come up:\n{started.log}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _native(name: str, text: str) -> object:
    """As a person would write it in TOML."""
    assert name in NAMES
    kind = Settings.model_fields[name].annotation
    if kind is bool:
        return text == "true"
    if kind in (int, float):
        return float(text) if "." in text else int(text)
    return text.split(",") if str(kind).startswith("tuple") else text


def new_place(way: str, folder: Path, upstreams: Upstreams, stack: ExitStack) -> Place:
    folder.mkdir()
    beside = Beside()
    stack.enter_context(beside)
    return Place(way, folder, free_port(), upstreams, Stage(folder / "logins", stack), beside)

"""Command-line agents, each set up as docs/clients.md says, and one run of one of them."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.installs import FromNpm, FromPyPI, Install

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
    pass as they came.
    """

    name: str
    speaks: str
    install: Install
    setup: Callable[[Place, str], Setup]
    reads: ReadTool | None = None
    unfit: tuple[str, ...] = ()


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


# --- the agents ---

_CLAUDE_CODE = FromNpm(
    name="claude-code",
    version="2.1.330",
    program=("node_modules/@anthropic-ai/claude-code-{platform}/claude",),
    packages=("@anthropic-ai/claude-code-{platform}@2.1.330",),
)
_QWEN_CODE = FromNpm(
    name="qwen-code",
    version="0.24.4",
    program=("node_modules/node-{platform}/bin/node", "node_modules/@qwen-code/qwen-code/cli-entry.js"),
    packages=("@qwen-code/qwen-code@0.24.4", "node-{platform}@24.21.0"),  # it wants Node 22
)
_OPENCODE = FromNpm(
    name="opencode",
    version="1.18.33",
    program=("node_modules/opencode-{platform}/bin/opencode",),
    packages=("opencode-{platform}@1.18.33",),
)
_CLINE = FromNpm(
    name="cline",
    version="3.0.65",
    program=("node_modules/@cline/cli-{platform}/bin/cline",),
    packages=("@cline/cli-{platform}@3.0.65",),
)
_LLM = FromPyPI(name="llm", version="0.36", program=("bin/llm",))
_AIDER = FromPyPI(name="aider-chat", version="0.86.2", program=("bin/aider",), below=(3, 13))


def _claude_code(place: Place, prompt: str) -> Setup:
    return Setup(
        ["-p", prompt, "--model", place.model, "--allowedTools", "Read"],
        {
            "ANTHROPIC_BASE_URL": place.base,
            "ANTHROPIC_AUTH_TOKEN": place.key,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    )


def _qwen_chat(place: Place, prompt: str) -> Setup:
    environment = {
        "OPENAI_BASE_URL": f"{place.base}/v1",
        "OPENAI_API_KEY": place.key,
        "OPENAI_MODEL": place.model,
    }
    return Setup(["-p", prompt, "--auth-type", "openai"], environment)


def _qwen_anthropic(place: Place, prompt: str) -> Setup:
    entry = {"id": place.model, "baseUrl": place.base, "envKey": "AIC_KEY"}
    settings = {"modelProviders": {"anthropic": [entry]}}
    return Setup(
        ["-p", prompt, "--auth-type", "anthropic", "--model", place.model],
        {"AIC_KEY": place.key},
        {place.home / ".qwen" / "settings.json": json.dumps(settings)},
    )


def _opencode(package: str) -> Callable[[Place, str], Setup]:
    def setup(place: Place, prompt: str) -> Setup:
        provider = {
            "npm": package,
            "name": "aiclient",
            "options": {"baseURL": f"{place.base}/v1", "apiKey": "{env:AIC_KEY}"},
            "models": {place.model: {}},
        }
        config = {"provider": {"aiclient": provider}, "model": f"aiclient/{place.model}"}
        environment = {"AIC_KEY": place.key, "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
        return Setup(["run", prompt], environment, {place.work / "opencode.json": json.dumps(config)})

    return setup


def _cline(provider: str, suffix: str) -> Callable[[Place, str], Setup]:
    """What `cline auth` writes; that command takes no base URL for Anthropic."""

    def setup(place: Place, prompt: str) -> Setup:
        account = {
            "provider": provider,
            "apiKey": place.key,
            "model": place.model,
            "baseUrl": f"{place.base}{suffix}",
        }
        entry = {"settings": account, "updatedAt": "2026-11-22T00:00:00.000Z", "tokenSource": "manual"}
        providers = {"version": 1, "lastUsedProvider": provider, "modes": {}, "providers": {provider: entry}}
        options = {"telemetryOptOut": True, "autoUpdateEnabled": False}
        folder = place.home / "cline" / "settings"
        # In `auto` mode it may leave a background process behind.
        environment = {"CLINE_DATA_DIR": str(folder.parent), "CLINE_SESSION_BACKEND_MODE": "local"}
        files = {folder / "providers.json": json.dumps(providers), folder / "global-settings.json": json.dumps(options)}
        return Setup([prompt], environment | {"CLINE_NO_AUTO_UPDATE": "1"}, files)

    return setup


_LLM_TOOL = """
def read_file(path: str) -> str:
    "Read a file"
    return open(path).read()
"""


def _llm(place: Place, prompt: str) -> Setup:
    folder = place.home / "llm"
    model = {
        "model_id": "aiclient",
        "model_name": place.model,
        "api_base": f"{place.base}/v1",
        "api_key_name": "aiclient",
        "supports_tools": True,
    }
    files = {
        folder / "keys.json": json.dumps({"aiclient": place.key}),
        folder / "extra-openai-models.yaml": json.dumps([model]),
    }
    return Setup(["-m", "aiclient", "--functions", _LLM_TOOL, prompt], {"LLM_USER_PATH": str(folder)}, files)


_AIDER_SWITCHES = """
--no-git --yes-always --no-check-update --no-show-release-notes --no-show-model-warnings --no-analytics --no-pretty
""".split()


def _aider_chat(place: Place, prompt: str) -> Setup:
    environment = {"OPENAI_API_BASE": f"{place.base}/v1", "OPENAI_API_KEY": place.key}
    return Setup(["--model", f"openai/{place.model}", "--message", prompt, *_AIDER_SWITCHES], environment)


def _aider_anthropic(place: Place, prompt: str) -> Setup:
    environment = {"ANTHROPIC_API_BASE": place.base, "ANTHROPIC_API_KEY": place.key}
    return Setup(["--model", f"anthropic/{place.model}", "--message", prompt, *_AIDER_SWITCHES], environment)


_READ_FILE = ReadTool("read_file", lambda path: {"file_path": path})
_READ = ReadTool("read", lambda path: {"filePath": path})
_READ_FILES = ReadTool("read_files", lambda path: {"files": [{"path": path}]})

AGENTS = (
    Agent("claude-code", "anthropic", _CLAUDE_CODE, _claude_code, ReadTool("Read", lambda path: {"file_path": path})),
    Agent("qwen-code", "chat", _QWEN_CODE, _qwen_chat, _READ_FILE, ("gpt-5.4",)),
    Agent("qwen-code-anthropic", "anthropic", _QWEN_CODE, _qwen_anthropic, _READ_FILE, ("claude-opus-4-7",)),
    Agent("opencode", "chat", _OPENCODE, _opencode("@ai-sdk/openai-compatible"), _READ, ("gpt-5.4",)),
    Agent("opencode-anthropic", "anthropic", _OPENCODE, _opencode("@ai-sdk/anthropic"), _READ),
    Agent("cline", "chat", _CLINE, _cline("openai-compatible", "/v1"), _READ_FILES),
    Agent("cline-anthropic", "anthropic", _CLINE, _cline("anthropic", ""), _READ_FILES),
    Agent("llm", "chat", _LLM, _llm, ReadTool("read_file", lambda path: {"path": path})),
    Agent("aider", "chat", _AIDER, _aider_chat),
    Agent("aider-anthropic", "anthropic", _AIDER, _aider_anthropic, unfit=("claude-opus-4-7",)),
)

"""The agents, each set up as docs/clients.md says."""

import json
from collections.abc import Callable

from tests.clients.installs import FromNpm, FromPyPI
from tests.clients.running import Agent, Place, ReadTool, Setup

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
_CODEX = FromNpm(
    name="codex",
    version="0.169.0",
    program=("node_modules/@openai/codex/vendor/{triple}/bin/codex",),
    packages=("@openai/codex@0.169.0-{platform}",),
)
_GEMINI_CLI = FromNpm(
    name="gemini-cli",
    version="0.61.0",
    program=("node_modules/node-{platform}/bin/node", "node_modules/@google/gemini-cli/bundle/gemini.js"),
    packages=("@google/gemini-cli@0.61.0", "node-{platform}@24.21.0"),  # it wants Node 20
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


def _qwen(auth_type: str, suffix: str = "") -> Callable[[Place, str], Setup]:
    def setup(place: Place, prompt: str) -> Setup:
        entry = {"id": place.model, "baseUrl": f"{place.base}{suffix}", "envKey": "AIC_KEY"}
        settings = {"modelProviders": {auth_type: [entry]}}
        return Setup(
            ["-p", prompt, "--auth-type", auth_type, "--model", place.model],
            {"AIC_KEY": place.key},
            {place.home / ".qwen" / "settings.json": json.dumps(settings)},
        )

    return setup


def _opencode(package: str, suffix: str = "/v1") -> Callable[[Place, str], Setup]:
    def setup(place: Place, prompt: str) -> Setup:
        provider = {
            "npm": package,
            "name": "aiclient",
            "options": {"baseURL": f"{place.base}{suffix}", "apiKey": "{env:AIC_KEY}"},
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


# Its own sandbox needs rights that a container may not give.
_CODEX_SWITCHES = ["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access"]


def _codex(*, websockets: bool = False) -> Callable[[Place, str], Setup]:
    def setup(place: Place, prompt: str) -> Setup:
        lines = [
            f'model = "{place.model}"',
            'model_provider = "aiclient"',
            "[model_providers.aiclient]",
            'name = "aiclient"',
            f'base_url = "{place.base}/v1"',
            'env_key = "AIC_KEY"',
            'wire_api = "responses"',
            f"supports_websockets = {str(websockets).lower()}",
        ]
        config = {place.home / ".codex" / "config.toml": "\n".join(lines)}
        return Setup([*_CODEX_SWITCHES, prompt], {"AIC_KEY": place.key}, config)

    return setup


def _codex_built_in(place: Place, prompt: str) -> Setup:
    """Its own provider, moved: this one always asks for a WebSocket."""
    config = f'model = "{place.model}"\nopenai_base_url = "{place.base}/v1"\n'
    files = {place.home / ".codex" / "config.toml": config}
    return Setup([*_CODEX_SWITCHES, prompt], {"CODEX_API_KEY": place.key}, files)


def _gemini_cli(place: Place, prompt: str) -> Setup:
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    return Setup(
        ["-p", prompt, "-m", place.model, "--skip-trust"],
        {"GOOGLE_GEMINI_BASE_URL": place.base, "GEMINI_API_KEY": place.key},
        {place.home / ".gemini" / "settings.json": json.dumps(settings)},
    )


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


def _aider_gemini(place: Place, prompt: str) -> Setup:
    environment = {"GEMINI_API_BASE": f"{place.base}/v1beta", "GEMINI_API_KEY": place.key}
    return Setup(["--model", f"gemini/{place.model}", "--message", prompt, *_AIDER_SWITCHES], environment)


_READ_FILE = ReadTool("read_file", lambda path: {"file_path": path})
_READ = ReadTool("read", lambda path: {"filePath": path})
_READ_FILES = ReadTool("read_files", lambda path: {"files": [{"path": path}]})
_SHELL = ReadTool("exec_command", lambda path: {"cmd": f"cat {path}"})

AGENTS = (
    Agent("claude-code", "anthropic", _CLAUDE_CODE, _claude_code, ReadTool("Read", lambda path: {"file_path": path})),
    Agent("codex", "responses", _CODEX, _codex(), _SHELL, ("gpt-4.1",)),
    Agent("gemini-cli", "gemini", _GEMINI_CLI, _gemini_cli, _READ_FILE, needs_newest=True),
    Agent("qwen-code", "chat", _QWEN_CODE, _qwen_chat, _READ_FILE, ("gpt-5.4",)),
    Agent("qwen-code-responses", "responses", _QWEN_CODE, _qwen("openai-responses", "/v1"), _READ_FILE),
    Agent("qwen-code-anthropic", "anthropic", _QWEN_CODE, _qwen("anthropic"), _READ_FILE, ("claude-opus-4-7",)),
    Agent("qwen-code-gemini", "gemini", _QWEN_CODE, _qwen("gemini"), _READ_FILE, needs_newest=True),
    Agent("opencode", "chat", _OPENCODE, _opencode("@ai-sdk/openai-compatible"), _READ, ("gpt-5.4",)),
    Agent("opencode-responses", "responses", _OPENCODE, _opencode("@ai-sdk/openai"), _READ),
    Agent("opencode-anthropic", "anthropic", _OPENCODE, _opencode("@ai-sdk/anthropic"), _READ),
    Agent("opencode-gemini", "gemini", _OPENCODE, _opencode("@ai-sdk/google", "/v1beta"), _READ, needs_newest=True),
    Agent("cline", "chat", _CLINE, _cline("openai-compatible", "/v1"), _READ_FILES),
    Agent("cline-responses", "responses", _CLINE, _cline("openai-native", "/v1"), _READ_FILES),
    Agent("cline-anthropic", "anthropic", _CLINE, _cline("anthropic", ""), _READ_FILES),
    Agent("cline-gemini", "gemini", _CLINE, _cline("gemini", ""), _READ_FILES, only_with="gemini-3"),
    Agent("llm", "chat", _LLM, _llm, ReadTool("read_file", lambda path: {"path": path})),
    Agent("aider", "chat", _AIDER, _aider_chat),
    Agent("aider-anthropic", "anthropic", _AIDER, _aider_anthropic, unfit=("claude-opus-4-7",)),
    Agent("aider-gemini", "gemini", _AIDER, _aider_gemini),
)
CODEX_WITH_WEBSOCKETS = (
    Agent("codex-websockets", "responses", _CODEX, _codex(websockets=True), _SHELL),
    Agent("codex-built-in", "responses", _CODEX, _codex_built_in, _SHELL),
)

"""The seed project's two files, as a user has them, imported with the command and served by a real proxy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import KEYS, PROVIDERS, RIGHT, checked_answer, plain
from tests.e2e.proxy import ROOT, Proxy
from tests.fakes.samples import CLIENT_KEY

PROMPT = "You are a careful clerk."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Path:
    """Where that program was started: relative paths, null, `none`, its own state, and a provider that we do not have."""
    folder = tmp_path_factory.mktemp("seed")
    (folder / "input_system_prompt.txt").write_text(PROMPT + "\n")
    config = {
        "REQUIRED_API_KEY": CLIENT_KEY,
        "SERVER_PORT": 3456,
        "HOST": "localhost",
        "MODEL_PROVIDER": "claude-custom,gemini-antigravity",
        "OPENAI_API_KEY": KEYS["openai-custom"],
        "OPENAI_BASE_URL": f"{upstreams.of('openai-custom').url}/v1",
        "CLAUDE_API_KEY": None,
        "CLAUDE_BASE_URL": None,
        "GEMINI_OAUTH_CREDS_BASE64": None,
        "GEMINI_OAUTH_CREDS_FILE_PATH": "none",
        "PROJECT_ID": "",
        "SYSTEM_PROMPT_FILE_PATH": "input_system_prompt.txt",
        "SYSTEM_PROMPT_MODE": "append",
        "PROMPT_LOG_BASE_NAME": "prompt_log",
        "PROMPT_LOG_MODE": "none",
        "REQUEST_MAX_RETRIES": 3,
        "REQUEST_BASE_DELAY": 20,
        "CRON_NEAR_MINUTES": 1,
        "CRON_REFRESH_TOKEN": False,
        "PROVIDER_POOLS_FILE_PATH": "provider_pools.json",
        "USE_SYSTEM_PROXY_CLAUDE": True,
    }
    account = {
        "CLAUDE_API_KEY": KEYS["claude-custom"],
        "CLAUDE_BASE_URL": f"{upstreams.of('claude-custom').url}/v1",
        "uuid": "5f2c",
        "checkModelName": None,
        "checkHealth": False,
        "isHealthy": True,
        "usageCount": 3,
        "errorCount": 0,
        "lastErrorTime": None,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "provider_pools.json").write_text(json.dumps({"claude-custom": [account], "gemini-antigravity": [{}]}))
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    command = [sys.executable, "-P", "-m", "addons", "config", "import", "config.json", "provider_pools.json"]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("AICLIENT_")}
    environment |= {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def proxy(start: Launch, folder: Path, printed: str) -> Proxy:
    return start("imported", {"CONFIG": str(folder / "aiclient.toml")})


def test_what_is_not_taken_over_is_said_line_by_line(printed: str) -> None:
    said = [line.removeprefix("not taken over: ") for line in printed.splitlines() if line.startswith("not taken")]
    assert [line.split(":")[0] for line in said] == [
        "'gemini-antigravity' is no provider here",
        "MODEL_PROVIDER",
        "USE_SYSTEM_PROXY_CLAUDE",
    ]


@pytest.mark.parametrize("provider", ["openai-custom", "claude-custom"])
def test_its_accounts_key_and_prompt_serve(
    proxy: Proxy, upstreams: Upstreams, web: httpx.Client, provider: str
) -> None:
    protocol, fake = PROVIDERS[provider], upstreams.of(provider)
    model = {"openai-custom": "gpt-4.1-text", "claude-custom": "claude-sonnet-4-5-text"}[provider]
    asked = plain(protocol, model, "Hi")
    answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    assert checked_answer(protocol, answer.content).text == "Hello, world!"
    assert PROMPT in fake.requests[-1].body.decode()


def test_the_first_of_its_providers_is_the_default(proxy: Proxy, upstreams: Upstreams, web: httpx.Client) -> None:
    before = len(upstreams.of("claude-custom").requests)
    asked = plain("anthropic", "claude-sonnet-4-5-text", "Hi")
    assert web.post(f"{proxy.url}{asked.path}", json=asked.body, headers=RIGHT).status_code == 200
    assert len(upstreams.of("claude-custom").requests) == before + 1

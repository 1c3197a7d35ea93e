"""Makes the recordings of tests/recordings anew: a real proxy between plain HTTP clients and our fakes, `aiclient record` on each exchange.

    python -m tests.make_recordings            all of them, in the place of those that are there
    python -m tests.make_recordings NAME ...   these

Recordings are made anew when a case is new or the protocols have changed, never to make a red replay green.
"""

import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from addons.cli import main as aiclient
from addons.records.reader import Records
from tests.e2e.conftest import FAKES, Upstreams
from tests.e2e.oauth.logins import Stage
from tests.e2e.plain import ALL_KEYS, KEYS, PLAIN_MODEL, REASONING_MODEL, RIGHT, plain
from tests.e2e.proxy import launch
from tests.fakes.scripts import Delivery, Reply, Script

FOLDER = Path(__file__).parent / "recordings"
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
_WHAT = {"name": "get_weather", "description": "The weather in a city."}
# Fields of a request that declare a tool, and that ask for thinking.
TOOL: dict[str, dict[str, Any]] = {
    "chat": {"tools": [{"type": "function", "function": {**_WHAT, "parameters": _SCHEMA}}]},
    "responses": {"tools": [{"type": "function", "strict": False, **_WHAT, "parameters": _SCHEMA}]},
    "anthropic": {"tools": [{**_WHAT, "input_schema": _SCHEMA}]},
    "gemini": {"tools": [{"functionDeclarations": [{**_WHAT, "parameters": _SCHEMA}]}]},
}
THINKING: dict[str, dict[str, Any]] = {
    "chat": {"reasoning_effort": "high"},
    "responses": {"reasoning": {"effort": "high", "summary": "auto"}},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000},
    "gemini": {
        "generationConfig": {
            "maxOutputTokens": 4000,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
        }
    },
}


@dataclass(frozen=True)
class Case:
    """One exchange. script: what the provider plays. provider "": the route that `model` names decides."""

    name: str
    protocol: str
    provider: str
    script: str
    stream: bool = True
    tool: bool = False
    thinking: bool = False
    model: str = ""

    @property
    def folder(self) -> str:
        return f"{self.provider or 'routes'}/{self.name}"


def _tool(name: str, protocol: str, provider: str, script: str = "tool", *, stream: bool = True) -> Case:
    return Case(name, protocol, provider, script, stream, tool=True)


def _thinks(name: str, protocol: str, provider: str, script: str = "thinking", *, stream: bool = True) -> Case:
    return Case(name, protocol, provider, script, stream, thinking=True)


CASES = (
    Case("chat_text", "chat", "openai-custom", "text"),
    _tool("responses_tool_call", "responses", "openai-custom"),
    _thinks("anthropic_thinking", "anthropic", "openai-custom"),
    Case("gemini_stream_that_breaks_off", "gemini", "openai-custom", "midcut"),
    Case("anthropic_refused_then_answered", "anthropic", "openai-custom", "flaky500"),
    _tool("chat_tool_call", "chat", "openaiResponses-custom"),
    _thinks("responses_thinking", "responses", "openaiResponses-custom"),
    Case("anthropic_bytes_one_by_one", "anthropic", "openaiResponses-custom", "bytes"),
    Case("gemini_too_many_requests", "gemini", "openaiResponses-custom", "e429", stream=False),
    _thinks("chat_thinking", "chat", "claude-custom"),
    Case("responses_stream_without_its_end", "responses", "claude-custom", "midunfinished"),
    _tool("anthropic_parallel_calls", "anthropic", "claude-custom", "parallel"),
    _tool("gemini_tool_call_whole", "gemini", "claude-custom", stream=False),
    _tool("gemini_call_that_is_cut", "gemini", "claude-custom", "toolcut"),
    Case("chat_error_inside_the_stream", "chat", "claude-custom", "miderror"),
    Case("chat_cut_inside_characters", "chat", "gemini-custom", "unicodesevens"),
    _tool("responses_tool_call_whole", "responses", "gemini-custom", stream=False),
    _thinks("anthropic_thinking_and_call", "anthropic", "gemini-custom", "thinkingtool"),
    Case("gemini_length", "gemini", "gemini-custom", "length"),
    Case("chat_text", "chat", "gemini-cli-oauth", "text"),
    Case("responses_length_whole", "responses", "gemini-cli-oauth", "length", stream=False),
    _tool("anthropic_tool_call", "anthropic", "gemini-cli-oauth"),
    Case("gemini_text", "gemini", "gemini-cli-oauth", "text"),
    _tool("chat_tool_call", "chat", "claude-kiro-oauth"),
    Case("responses_text", "responses", "claude-kiro-oauth", "text"),
    _thinks("anthropic_thinking", "anthropic", "claude-kiro-oauth", "thoughts"),
    Case("gemini_stream_that_breaks_off", "gemini", "claude-kiro-oauth", "midcut"),
    Case("chat_text", "chat", "openai-qwen-oauth", "text"),
    _thinks("responses_thinking", "responses", "openai-qwen-oauth"),
    _tool("anthropic_tool_call", "anthropic", "openai-qwen-oauth"),
    Case("gemini_does_not_exist", "gemini", "openai-qwen-oauth", "e404", stream=False),
    Case("anthropic_failover", "anthropic", "", "", model="best"),
)
# The first provider of the chain is overloaded, the second one answers.
ROUTES = "best=openai-custom:gpt-4.1-e503,gemini-custom:gemini-2.5-flash-text"


def make(names: list[str], folder: Path = FOLDER, kept: Path | None = None) -> None:
    """names: of cases, as `provider/name`; [] for all. kept: where the proxy's records and its dump go, to be looked at."""
    cases = [case for case in CASES if not names or case.folder in names]
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        home = Path(scratch)
        fakes = {name: stack.enter_context(kind(KEYS[name])) for name, kind in FAKES.items()}
        upstreams, stage = Upstreams(fakes), Stage(home / "logins", stack)
        _register(upstreams, stage)
        settings = {**upstreams.settings, **stage.settings, "ROUTES": ROUTES, "CRON_REFRESH_TOKEN": "false"}
        proxy = launch(home / "proxy", {**settings, "RECORD": "true", "REQUEST_MAX_RETRIES": "1"})
        stack.callback(proxy.stop)
        records = Records(home / "proxy" / "aiclient" / "records")
        for case in cases:
            id_ = _ask(proxy.url, case, stage)
            _await(records, id_)
            target = folder / case.folder
            shutil.rmtree(target, ignore_errors=True)
            if aiclient(["record", str(records.folder), str(target), "--id", id_]):
                raise SystemExit(f"{case.folder} could not be recorded")
            _refuse_secrets(target)
        if kept is not None:
            proxy.stop()
            shutil.copytree(records.folder, kept / "records")
            shutil.copy(proxy.dump, kept / "dump.flow")


def _register(upstreams: Upstreams, stage: Stage) -> None:
    """Scripts of these recordings alone."""
    words = ("Grüße, ", "日本", "語 😀")
    cut = Script(Reply(text=words), delivery=Delivery(slices="sevens", pace=0.004))  # else the network joins the pieces
    for fake in (*upstreams.fakes.values(), *(login.fake for login in stage.logins)):
        fake.scripts["unicodesevens"] = cut


def _ask(url: str, case: Case, stage: Stage) -> str:
    """The exchange's id."""
    more: dict[str, Any] = {}
    if case.tool:
        more |= TOOL[case.protocol]
    if case.thinking:
        more |= THINKING[case.protocol]
    asked = plain(case.protocol, case.model or _model(case, stage), "Weather in Zürich?", stream=case.stream, **more)
    prefix = f"/{case.provider}" if case.provider else ""
    with (
        httpx.Client(trust_env=False, timeout=60) as web,
        web.stream(
            "POST",
            f"{url}{prefix}{asked.path}",
            content=asked.raw,
            headers=RIGHT | {"content-type": "application/json"},
        ) as answer,
    ):
        for _ in answer.iter_raw():
            pass
        return answer.headers["x-request-id"]


def _model(case: Case, stage: Stage) -> str:
    if case.provider in PLAIN_MODEL:
        models = REASONING_MODEL if case.thinking else PLAIN_MODEL
        return f"{models[case.provider]}-{case.script}"
    login = stage.of(case.provider)
    return f"{login.thinking_model if case.thinking else login.model}-{case.script}"


def _await(records: Records, id_: str) -> None:
    """The recorder writes behind the exchange."""
    deadline = time.monotonic() + 10
    while True:
        try:
            records.find(id_)
        except ValueError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _refuse_secrets(folder: Path) -> None:
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    found = [key[:6] for key in ALL_KEYS if key.encode() in written]
    if found:
        raise SystemExit(f"{folder} holds keys: {found}")


if __name__ == "__main__":
    make(sys.argv[1:])

"""The operator's system prompt through a real proxy: whom it is for, a file that changes, what the provider gets and what is kept."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from addons.flow_dump import read_dump
from addons.prompt_archive import Archive
from addons.records.files import lines_of, record_files
from addons.records.objects import Objects
from addons.records.reader import Records
from addons.replay.judge import Verdict
from addons.replay.sources import exchanges
from addons.replay_legs import verdicts
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import Recorded

CLAUDE_CODE = "claude-cli/2.1.330 (external, sdk-cli)"
ATTRIBUTION = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cch=1f2e3;"}
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
OWN = "You are Claude Code. " * 30
SYSTEM = [ATTRIBUTION, {"type": "text", "text": OWN, **MARK}, {"type": "text", "text": "Folder: x", **MARK}]
CHAT, CLAUDE = "openai-custom", "claude-custom"


@dataclass
class Prompted:
    """A proxy with rules, and the file of one of them."""

    proxy: Proxy
    upstreams: Upstreams
    file: Path
    web: httpx.Client
    asked: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.proxy.log.parent / "aiclient"

    def ask(self, protocol: str, provider: str, model: str, agent: str, **more: Any) -> Recorded:
        """What the provider that answered was sent."""
        words = f"Question {len(self.asked)}."
        self.asked.append(words)
        asked = plain(protocol, model, words, **more)
        headers = {"authorization": f"Bearer {CLIENT_KEY}", "user-agent": agent}
        path = f"/{provider}{asked.path}" if provider else asked.path
        answer = self.web.post(self.proxy.url + path, json=asked.body, headers=headers)
        assert answer.status_code == 200, answer.text
        return self.sent(words)[-1][1]

    def sent(self, words: str) -> list[tuple[str, Recorded]]:
        """(provider, request), in the order that they came in."""
        found = [
            (name, request)
            for name, fake in self.upstreams.fakes.items()
            for request in fake.requests
            if words.encode() in request.body
        ]
        order = [CHAT, "openaiResponses-custom", CLAUDE, "gemini-custom"]
        return sorted(found, key=lambda each: order.index(each[0]))


@pytest.fixture(scope="module")
def prompted(start: Launch, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prompted]:
    file = tmp_path_factory.mktemp("prompts") / "one.md"
    file.write_text("First text.")
    rules = {
        f"client:claude-cli+provider:{CLAUDE}": f"append:{file}",
        "client:claude-cli": {"mode": "overwrite", "text": "For Claude Code elsewhere."},
        f"route:fast+provider:{CHAT}": {"mode": "prepend", "text": "Fast, at OpenAI."},
        "route:fast": {"mode": "overwrite", "text": "Fast, elsewhere."},
        "provider:gemini-custom": {"mode": "replace", "replacements": [["cat", "dog"]]},
        "client:bare": "none",
    }
    given = {
        "SYSTEM_PROMPTS": json.dumps(rules),
        "SYSTEM_PROMPT_FILE": str(file),
        "SYSTEM_PROMPT_MODE": "overwrite",
        "ROUTES": f"fast={CHAT}:gpt-4.1-e503,{CLAUDE}:claude-sonnet-4-5-text",
        "REQUEST_MAX_RETRIES": "0",
        "RECORD_COMPRESS": "false",
    }
    with httpx.Client(trust_env=False, timeout=30) as web:
        yield Prompted(start("prompted", {**upstreams.settings, **given}), upstreams, file, web)


def told(request: Recorded) -> list[str]:
    """The texts of the system part."""
    body = request.json
    if "systemInstruction" in body:
        return [part["text"] for part in body["systemInstruction"]["parts"]]
    if "instructions" in body:
        return [body["instructions"]]
    if "system" in body:
        system = body["system"]
        return [system] if isinstance(system, str) else [block["text"] for block in system]
    return [message["content"] for message in body["messages"] if message["role"] == "system"]


def test_claude_code_at_anthropic_keeps_attribution_marks_and_blocks_and_the_file_is_read_again(
    prompted: Prompted,
) -> None:
    def ask() -> Recorded:
        return prompted.ask("anthropic", CLAUDE, "claude-sonnet-4-5-text", CLAUDE_CODE, system=SYSTEM)

    assert ask().json["system"] == [*SYSTEM, {"type": "text", "text": "First text."}]
    prompted.file.write_text("Second text, another one.\n")
    assert ask().json["system"] == [*SYSTEM, {"type": "text", "text": "Second text, another one."}]
    prompted.file.rename(prompted.file.with_suffix(".away"))
    assert ask().json["system"] == [*SYSTEM, {"type": "text", "text": "Second text, another one."}]
    prompted.file.with_suffix(".away").rename(prompted.file)
    prompted.file.write_text("First text.")
    assert ask().json["system"][-1] == {"type": "text", "text": "First text."}


@pytest.mark.parametrize(
    ("protocol", "provider", "model", "agent", "more", "expected"),
    [
        ("anthropic", CHAT, "gpt-4.1-text", CLAUDE_CODE, {"system": SYSTEM}, ["For Claude Code elsewhere."]),
        ("anthropic", CLAUDE, "claude-sonnet-4-5-text", "other/1", {"system": OWN}, ["First text."]),
        ("anthropic", "gemini-custom", "gemini-2.5-flash-text", "other/1", {"system": "A cat."}, ["A dog."]),
        ("anthropic", CHAT, "gpt-4.1-text", "Bare/1", {"system": "A cat."}, ["A cat."]),
        ("chat", CHAT, "gpt-4.1-text", "other/1", {}, ["First text."]),
        ("chat", CHAT, "gpt-4.1-text", "bare/1", {}, []),
        ("responses", "openaiResponses-custom", "gpt-4.1-text", "other/1", {"instructions": "Own."}, ["First text."]),
        ("gemini", "gemini-custom", "gemini-2.5-flash-text", "other/1",
         {"systemInstruction": {"parts": [{"text": "One cat."}, {"text": "Two."}]}}, ["One dog.", "Two."]),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_decides(
    prompted: Prompted, protocol: str, provider: str, model: str, agent: str, more: dict[str, Any], expected: list[str]
) -> None:
    assert told(prompted.ask(protocol, provider, model, agent, **more)) == expected


def test_failover_changes_the_prompt(prompted: Prompted) -> None:
    prompted.ask("chat", "", "fast", "other/1")
    (first, at_openai), (second, at_anthropic) = prompted.sent(prompted.asked[-1])
    assert (first, told(at_openai)) == (CHAT, ["Fast, at OpenAI."])
    assert (second, told(at_anthropic)) == (CLAUDE, ["Fast, elsewhere."])


def until[T](read: Callable[[], T], good: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + 10
    while not good(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_what_is_kept_is_the_clients_own_prompt(prompted: Prompted) -> None:
    """In the file for the seed's users, in the one of each client, in the archive, and in the record, beside the operator's."""
    own = f"Of the client alone. {OWN}"
    prompted.ask("anthropic", CHAT, "gpt-4.1-text", CLAUDE_CODE, system=own)
    prompts, records = prompted.home / "prompts", prompted.home / "records"
    latest = prompts / "fetch_system_prompt.txt"
    assert until(lambda: latest.read_text() if latest.exists() else "", lambda text: text == own)
    assert (prompts / "claude-cli" / "system_prompt.txt").read_text() == own

    lines = [line for file in record_files(records) for line in lines_of(file.path) if line]
    archive = Archive(lines, Objects(records / "objects"))
    assert archive.text(archive.find("claude-cli", "system")[-1]) == own
    assert all("elsewhere" not in archive.text(prompt) for prompt in archive.all() if prompt.kind == "system")

    *_, record = Records(records).each()
    assert record["system_prompt"] == {"mode": "overwrite", "text": "For Claude Code elsewhere.", "replacements": []}
    assert record["conversation"]["system"] == [{"type": "text", "text": own}]  # type: ignore[call-overload, index]


@pytest.mark.parametrize("kind", ["records", "dump"])
def test_all_of_it_is_replayed_as_it_was(prompted: Prompted, kind: str) -> None:
    prompted.ask("anthropic", CLAUDE, "claude-sonnet-4-5-text", CLAUDE_CODE, system=SYSTEM)
    prompted.ask("chat", "", "fast", "other/1")
    words = prompted.asked[-1].encode()
    path = prompted.home / "records" if kind == "records" else prompted.proxy.dump

    def read() -> list[Any]:
        return list(exchanges([path], read_dump))

    found = until(read, lambda all_: any(words in getattr(each, "body", b"") for each in all_))
    judged = [verdict for verdict in verdicts(found) if isinstance(verdict, Verdict)]
    assert len(judged) >= 2
    assert [verdict.differences for verdict in judged if verdict.differences] == []

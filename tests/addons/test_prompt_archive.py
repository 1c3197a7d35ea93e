"""System prompts and tool sets of clients, by version, and what changed between them."""

import json
import time
from pathlib import Path

import pytest

from addons.prompt_archive import Archive, client_of, diff, sighting, system_text
from addons.records.facts import Facts
from addons.records.objects import Objects
from addons.records.record import RecordMaker
from addons.redact import Redactor
from tests.addons.records.samples import BEGAN, TOOLS, anthropic_body, exchange, maker

OLD, NEW = "claude-cli/2.1.4 (external, cli)", "claude-cli/2.1.5 (external, cli)"


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("claude-cli/2.1.5 (external, cli)", ("claude-cli", "2.1.5")),
        ("codex_cli_rs/0.169.0 (Ubuntu 24.4.0; x86_64) xterm", ("codex_cli_rs", "0.169.0")),
        ("GeminiCLI/0.9.0/gemini-2.5-pro (linux; x64)", ("GeminiCLI", "0.9.0")),
        ("OpenAI/Python 2.1.0", ("OpenAI/Python", "2.1.0")),
        ("OpenAI/JS 5.20.1", ("OpenAI/JS", "5.20.1")),
        ("python-httpx/0.28.1", ("python-httpx", "0.28.1")),
        ("opencode/v1.0.2", ("opencode", "1.0.2")),
        ("curl", ("curl", "")),
        ("", ("unknown", "")),
    ],
)
def test_a_user_agent_names_client_and_version(agent: str, client: tuple[str, str]) -> None:
    assert client_of(agent) == client


def asked(number: int, agent: str = OLD, system: object = "Be brief. " * 80, **more: object) -> Facts:
    body = anthropic_body(system=system, **more)
    return exchange(number, body=body, attempts=[], agent=agent)


def archive(folder: Path, *facts: Facts) -> Archive:
    record_maker = maker(folder)
    return Archive([record_maker.line(each) for each in facts], Objects(folder / "objects"))


def test_each_distinct_prompt_is_there_once_a_version_with_its_times(tmp_path: Path) -> None:
    found = archive(tmp_path, asked(1), asked(5), asked(9, NEW), asked(3, NEW, "Be long. " * 80)).all()
    rows = [(p.kind, p.version, p.first - BEGAN, p.last - BEGAN, p.count) for p in found if p.kind == "system"]
    assert rows == [("system", "2.1.4", 1, 5, 2), ("system", "2.1.5", 3, 3, 1), ("system", "2.1.5", 9, 9, 1)]
    assert [(p.kind, p.version, p.count) for p in found if p.kind == "tools"] == [
        ("tools", "2.1.4", 2),
        ("tools", "2.1.5", 2),
    ]
    assert found[0].id == found[2].id  # the same prompt in both versions


def test_short_prompts_that_stand_in_the_record_itself_count_as_well(tmp_path: Path) -> None:
    found = archive(tmp_path, asked(1, system="Short.", tools=[]))
    (prompt,) = found.all()
    assert found.text(prompt) == "Short."


def test_a_line_of_another_writer_says_the_same(tmp_path: Path) -> None:
    line = maker(tmp_path).line(asked(1))
    sorted_line = json.dumps(json.loads(line), sort_keys=True).encode()
    assert sighting(sorted_line) == sighting(line) != None  # noqa: E711


@pytest.mark.parametrize(
    "line",
    [b"", b'{"schema":"aiclient.record/1"', b"[1]", b'{"conversation":null}'],
    ids=["nothing", "torn", "no object", "no conversation"],
)
def test_a_line_that_holds_nothing_is_passed_by(line: bytes) -> None:
    assert sighting(line) is None


def test_what_clients_write_cannot_pass_for_the_conversation(tmp_path: Path) -> None:
    trap = '{"began":1,"client":{"action":"generate","agent":"x/1"},"conversation":{"system":[],"tools":[]'
    line = maker(tmp_path).line(asked(1, messages=[{"role": "user", "content": trap}]))
    seen = sighting(line)
    assert seen is not None
    assert (seen.client, seen.began) == ("claude-cli", BEGAN + 1)


def test_counting_calls_are_not_seen(tmp_path: Path) -> None:
    facts = asked(1)
    facts.action = "count"
    assert sighting(maker(tmp_path).line(facts)) is None


def test_prompts_are_found_by_client_version_and_id_the_latest_last(tmp_path: Path) -> None:
    found = archive(tmp_path, asked(1), asked(2, NEW, "Be long. " * 80))
    assert [prompt.version for prompt in found.find("claude-cli", "system")] == ["2.1.4", "2.1.5"]
    (old,) = found.find("claude-cli@2.1.4", "system")
    assert found.find(old.id[:6], "system") == [old]
    with pytest.raises(ValueError, match=r"there is no system 'codex': name a client \(claude-cli\)"):
        found.find("codex", "system")


def test_the_diff_shows_what_changed(tmp_path: Path) -> None:
    words = "One line.\n" * 60
    tools = [*TOOLS, {"name": "new_tool", "description": "New.", "input_schema": {"type": "object"}}]
    found = archive(tmp_path, asked(1, system=words + "Old."), asked(2, NEW, words + "New.", tools=tools))
    before, after = found.find("claude-cli", "system")
    changed = [line for line in diff(found.text(before), found.text(after), ("a", "b")) if line[0] in "+-"]
    assert changed == ["--- a", "+++ b", "-Old.", "+New."]
    one, other = found.find("claude-cli", "tools")
    assert "+## new_tool" in list(diff(found.text(one), found.text(other), ("a", "b")))
    assert list(diff("x", "x", ("a", "b"))) == []


def test_an_object_that_is_gone_is_told(tmp_path: Path) -> None:
    found = archive(tmp_path, asked(1))
    (prompt,) = found.find("claude-cli", "system")
    Objects(tmp_path / "objects").path("sha256:" + prompt.id).unlink()
    with pytest.raises(ValueError, match="is missing"):
        found.text(prompt)


def test_blocks_of_a_system_prompt_are_paragraphs() -> None:
    assert system_text([{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]) == "One.\n\nTwo."


def test_many_records_take_seconds(tmp_path: Path) -> None:
    """20,000 with a long history each, so that the test stays short; five times as many are what it must bear."""
    record_maker = RecordMaker(Redactor(), Objects(tmp_path / "objects"), b"salt" * 8)
    history = [{"role": "user", "content": "A long text. " * 700}]
    line = record_maker.line(asked(1, messages=history))
    began = time.process_time()
    assert Archive((line for _ in range(20_000)), Objects(tmp_path / "objects")).all()[0].count == 20_000
    assert time.process_time() - began < 5  # ten times what it takes

"""The last system prompt of each client, as a file."""

from datetime import date
from pathlib import Path

import pytest

from addons.last_prompt import LastPrompt
from addons.recorder import Recorder
from addons.records.objects import Objects
from addons.settings import Settings
from creds.store import write_private
from tests.addons.records.samples import exchange, maker
from tests.addons.test_prompt_archive import NEW, asked

TODAY = date(2026, 11, 23)


def sink(folder: Path) -> LastPrompt:
    return LastPrompt(folder / "prompts", Objects(folder / "objects"))


def test_each_client_has_its_own_and_the_latest_is_where_it_always_was(tmp_path: Path) -> None:
    record_maker, last = maker(tmp_path), sink(tmp_path)
    for facts in (asked(1, NEW, "Of Claude. " * 80), asked(2, "codex_cli_rs/0.1", "Of Codex.")):
        last.extend([record_maker.line(facts)], TODAY)
    folder = tmp_path / "prompts"
    assert (folder / "claude-cli" / "system_prompt.txt").read_text() == "Of Claude. " * 80
    assert (folder / "codex_cli_rs" / "system_prompt.txt").read_text() == "Of Codex."
    assert (folder / "fetch_system_prompt.txt").read_text() == "Of Codex."
    assert (folder / "fetch_system_prompt.txt").stat().st_mode & 0o777 == 0o600


def test_the_same_prompt_again_touches_no_file(tmp_path: Path) -> None:
    record_maker, last = maker(tmp_path), sink(tmp_path)
    last.extend([record_maker.line(asked(1))], TODAY)
    file = tmp_path / "prompts" / "fetch_system_prompt.txt"
    before = file.stat()
    last.extend([record_maker.line(asked(2))], TODAY)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_prompt_that_another_process_wrote_meanwhile_is_not_the_last_one_any_more(tmp_path: Path) -> None:
    record_maker, last = maker(tmp_path), sink(tmp_path)
    last.extend([record_maker.line(asked(1))], TODAY)
    file = tmp_path / "prompts" / "fetch_system_prompt.txt"
    said = file.read_text()
    write_private(file, b"Another client's.")
    last.extend([record_maker.line(asked(2))], TODAY)
    assert file.read_text() == said
    last.extend([record_maker.line(asked(3, system="Another."))], TODAY)
    assert file.read_text() == "Another."


@pytest.mark.parametrize("agent", ["../../evil/1.0", "..", "a/b\x00c/1", ""], ids=["path", "dots", "null", "none"])
def test_a_clients_name_leads_nowhere_else(agent: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    last = LastPrompt(home / "prompts", Objects(tmp_path / "objects"))
    last.extend([maker(tmp_path).line(asked(1, agent, "Short."))], TODAY)
    written = sorted(path.relative_to(home).parts for path in home.rglob("*.txt"))
    assert len(written) == 2
    assert {parts[0] for parts in written} == {"prompts"}
    assert max(map(len, written)) == 3


def test_a_request_without_a_system_prompt_leaves_the_last_one(tmp_path: Path) -> None:
    record_maker, last = maker(tmp_path), sink(tmp_path)
    last.extend([record_maker.line(asked(1, system="Kept."))], TODAY)
    last.extend([record_maker.line(asked(2, system=[]))], TODAY)
    assert (tmp_path / "prompts" / "fetch_system_prompt.txt").read_text() == "Kept."


def test_a_disk_that_says_no_is_told_and_the_next_prompt_is_written_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file")
    last, line = sink(tmp_path), maker(tmp_path).line(asked(1))
    with pytest.raises(OSError, match="prompts"):
        last.extend([line], TODAY)
    (tmp_path / "prompts").unlink()
    last.extend([line], TODAY)
    assert (tmp_path / "prompts" / "fetch_system_prompt.txt").exists()


def test_what_has_no_conversation_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.last_prompt.sighting", lambda line: pytest.fail("it was read"))
    nothing_said = maker(tmp_path).line(asked(2, system=[]))
    sink(tmp_path).extend([maker(tmp_path).line(exchange(body=b"{")), nothing_said], TODAY)


def test_the_last_prompt_of_each_client_counts_of_those_that_come_together(tmp_path: Path) -> None:
    record_maker = maker(tmp_path)
    said = [("one/1", "First."), ("two/1", "Second."), ("one/1", "Third."), ("one/1", [])]
    sink(tmp_path).extend([record_maker.line(asked(n, *each)) for n, each in enumerate(said)], TODAY)
    folder = tmp_path / "prompts"
    assert (folder / "one" / "system_prompt.txt").read_text() == "Third."
    assert (folder / "two" / "system_prompt.txt").read_text() == "Second."
    assert (folder / "fetch_system_prompt.txt").read_text() == "Third."


def test_the_recorder_keeps_them_beside_its_records(tmp_path: Path, own_environment: Path) -> None:
    settings = Settings(record_dir=str(tmp_path / "records"))
    recorder = Recorder(lambda: settings)
    writer = recorder._current()
    assert writer is not None
    writer.put(asked(1, system="From the proxy. " * 40))
    recorder.done()
    assert (own_environment / "prompts" / "fetch_system_prompt.txt").read_text() == "From the proxy. " * 40

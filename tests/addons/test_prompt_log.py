"""Transcripts on the console and in files."""

from datetime import date, datetime
from pathlib import Path

import pytest

from addons.prompt_log import PromptFile, PromptLog, in_file, on_console, prompt_log_path
from tests.addons.records.samples import exchange, maker, streamed

DAY = date(2026, 11, 23)
STARTED = datetime(2026, 11, 23, 10, 15, 0)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("prompt_log", "prompt_log-20261123-101500.log"),
        ("logs/talk.txt", "logs/talk.txt-20261123-101500.log"),
        ("", "prompt_log-20261123-101500.log"),
    ],
)
def test_the_file_is_named_after_the_start(base: str, path: str) -> None:
    assert Path(path) == prompt_log_path(base, STARTED)


def test_a_home_folder_may_be_named() -> None:
    assert prompt_log_path("~/x", STARTED) == Path.home() / "x-20261123-101500.log"


def test_each_exchange_is_told(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "x.log"
    log, record_maker = in_file(path), maker(tmp_path)
    assert not path.exists()
    for facts in (exchange(1), streamed(id="req_" + "2" * 24)):
        log.append(record_maker.line(facts), DAY)
    log.tidy(DAY)
    log.close()
    text = path.read_text()
    assert text.count("[user]\nWeather in Zürich?\n[assistant]\nIt rains.\n") == 2
    assert "req_" + "2" * 24 in text
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_calls_without_words_are_not_told(tmp_path: Path) -> None:
    written: list[str] = []
    facts = exchange(action="models", generates=False, body=b"", attempts=[], answer=b"{}")
    PromptLog(written.append).append(maker(tmp_path).line(facts), DAY)
    assert written == []
    PromptLog(written.append).append(
        maker(tmp_path).line(exchange(body=b"", attempts=[], error="no key", status=401)), DAY
    )
    assert "[error] no key" in written[0]


def test_the_console_is_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on_console().append(maker(tmp_path).line(exchange()), DAY)
    assert "[assistant]\nIt rains.\n" in capsys.readouterr().out


def test_secrets_are_not_told(tmp_path: Path) -> None:
    written: list[str] = []
    PromptLog(written.append).append(maker(tmp_path).line(exchange(error="key sk-abcdefgh12345")), DAY)
    assert "[error] key [redacted:key]" in written[0]


def test_two_processes_may_have_the_same_file_and_no_text_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "prompt_log.log"
    one, other = PromptFile(path), PromptFile(path)
    for _ in range(3):
        one.write("1" * 20_000 + "\n")
        other.write("2" * 20_000 + "\n")
    one.close()
    other.close()
    assert {len(line) for line in path.read_text().splitlines()} == {20_000}
    assert path.stat().st_mode & 0o777 == 0o600

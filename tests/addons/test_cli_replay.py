"""`aiclient replay` and `aiclient record`: what they print, what they make, and how they end."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addons.cli import main
from addons.replay.recording import is_recording, read
from addons.replay_legs import verdicts
from tests.addons.records import samples
from tests.addons.replay.broken import RECORDINGS

ROOT = Path(__file__).parents[2]
GOOD = RECORDINGS / "openai-custom/chat_text"


def status(*words: str | Path) -> int:
    """The exit status, however it is told."""
    try:
        return main([str(word) for word in words])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else -1


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Three whole exchanges, one after the other."""
    folder = tmp_path / "records"
    folder.mkdir()
    maker = samples.maker(folder)
    (folder / "2026-11-23.jsonl").write_bytes(b"".join(maker.line(fit(samples.exchange(n))) for n in (1, 2, 3)))
    return folder


def fit(facts: Any) -> Any:
    """With the heads that a request has."""
    for made in facts.attempts:
        heads = {"accept": "application/json", "content-type": "application/json", "anthropic-version": "2023-06-01"}
        made.headers = [(name.encode(), value.encode()) for name, value in heads.items()]
    return facts


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A recording whose answer is no longer what comes of it."""
    folder = tmp_path / "bad"
    shutil.copytree(RECORDINGS / "gemini-custom/responses_tool_call_whole", folder)
    file = folder / "client_answer.json"
    file.write_text(file.read_text().replace("get_weather", "get_whether"))
    return folder


# --- replay ---


def test_recordings_that_hold_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("replay", GOOD) == 0
    assert capsys.readouterr().out == "1 exchanges replayed: 1 the same, 0 different\n"


def test_records_are_replayed(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("replay", records) == 0
    assert status("replay", records / "2026-11-23.jsonl", "--id", "0" * 23 + "2", "--verbose") == 0
    out = capsys.readouterr().out
    assert "3 exchanges replayed: 3 the same, 0 different" in out
    assert f"req_{2:024x}  anthropic -> claude-custom/claude-x  ({records}/2026-11-23.jsonl:2): the same" in out


def test_a_difference_exits_with_1_and_is_shown(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("replay", GOOD, bad) == 1
    out = capsys.readouterr().out
    assert "client answer: output[1].name" in out
    assert 'recorded  "get_whether"' in out
    assert 'today     "get_weather"' in out
    assert out.endswith("2 exchanges replayed: 1 the same, 1 different\n")


def test_programs_get_a_line_each(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("replay", "--json", GOOD, bad) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["result"] for row in rows] == ["same", "different"]
    assert any(each["path"] == "output[1].name" for each in rows[1]["differences"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nowhere"], "nowhere is not there"),
        (["."], "holds no records and no recordings"),
        ([str(GOOD), "--id", "zzz"], "there is no such exchange"),
    ],
    ids=["nowhere", "empty", "id"],
)
def test_where_nothing_can_be_replayed_it_exits_with_2(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("replay", *words) == 2
    assert reason in capsys.readouterr().err


def test_where_all_lack_a_leg_it_exits_with_2_and_says_which(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(records / "objects")
    assert status("replay", records) == 2
    shown = capsys.readouterr()
    assert "cannot be replayed: the client's request is missing" in shown.out
    assert "nothing could be replayed" in shown.err


def test_a_file_of_no_known_kind_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert status("replay", tmp_path / "notes.txt") == 2
    assert "neither records nor a dump" in capsys.readouterr().err


def test_wrong_settings_are_no_difference(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AICLIENT_KIRO_THINKING", "maybe")
    assert status("replay", GOOD) == 2
    assert "AICLIENT_KIRO_THINKING" in capsys.readouterr().err


def test_who_reads_only_the_first_lines_hears_no_complaint(tmp_path: Path) -> None:
    """`aiclient replay --verbose PATH | head -1`"""
    command = [sys.executable, "-m", "addons", "replay", "--verbose", str(RECORDINGS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert b"the same" in running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141, "as for a program that SIGPIPE ended"


def test_settings_of_this_machine_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_STRICT_CONVERSION", "true")
    assert status("replay", RECORDINGS) == 1


# --- record ---


def test_the_last_exchange_becomes_a_test(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tests" / "rain"
    assert status("record", records, folder, "--says", "It rains.") == 0
    assert f"req_{3:024x}" in capsys.readouterr().out
    assert is_recording(folder)
    assert "It rains." in (folder / "README.md").read_text()
    assert status("replay", folder) == 0


def test_an_exchange_is_chosen_by_its_id(records: Path, tmp_path: Path) -> None:
    assert status("record", records, tmp_path / "two", "--id", "0" * 23 + "2") == 0
    assert read(tmp_path / "two").id == f"req_{2:024x}"


def test_without_a_path_the_records_of_the_settings_are_meant(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICLIENT_RECORD_DIR", str(records))
    assert status("record", tmp_path / "one") == 0


def test_patterns_of_the_settings_are_redacted(records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every leg, so that the replay still is the same."""
    monkeypatch.setenv("AICLIENT_REDACT_PATTERNS", "Zürich")
    assert status("record", records, tmp_path / "one") == 0
    assert all("Zürich" not in path.read_text() for path in (tmp_path / "one").rglob("*") if path.is_file())
    [verdict] = verdicts([read(tmp_path / "one")])
    assert not getattr(verdict, "differences", None)


def test_a_folder_that_is_there_is_not_written_over(records: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert status("record", records, tmp_path / "one") == 1
    assert list((tmp_path / "one").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["--id", "zzz"], "there is no record 'zzz'"), (["--id", "0"], "more than one record")],
    ids=["none", "several"],
)
def test_an_id_of_none_or_several_is_said(
    records: Path, tmp_path: Path, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("record", records, tmp_path / "one", *words) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "one").exists()


def test_a_folder_without_records_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("record", tmp_path, tmp_path / "one") == 1
    assert "holds no records" in capsys.readouterr().err


def test_an_exchange_that_cannot_be_a_test_is_said(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(records / "objects")
    assert status("record", records, tmp_path / "one") == 1
    assert "this exchange cannot be a test: the client's request is missing" in capsys.readouterr().err


def test_a_call_that_is_not_converted_makes_no_folder(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = samples.maker(records).line(samples.exchange(4, action="models", generates=False, attempts=[]))
    with (records / "2026-11-23.jsonl").open("ab") as file:
        file.write(line)
    assert status("record", records, tmp_path / "one") == 1
    assert "cannot be a test: a call for 'models' is not converted" in capsys.readouterr().err
    assert not (tmp_path / "one").exists()


def test_a_recording_that_is_red_from_the_start_is_told(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maker = samples.maker(records)
    line = maker.line(fit(samples.exchange(4, answer=samples.whole_answer("It snows."))))
    with (records / "2026-11-23.jsonl").open("ab") as file:
        file.write(line)
    assert status("record", records, tmp_path / "one") == 1
    shown = capsys.readouterr()
    assert "client answer: content[0].text" in shown.out
    assert "differs from it already" in shown.err

"""`aiclient log`: rows, filters, transcripts, sums."""

import argparse
import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from addons import cli_log
from addons.cli import main
from addons.cli_log import moment, row_of
from addons.records.reader import Records
from converters.events import Usage
from tests.addons.records.samples import BEGAN, exchange, maker, streamed

type Capture = pytest.CaptureFixture[str]
NOW = datetime(2026, 11, 23, 12, 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_maker = maker(tmp_path)
    cases = [
        exchange(1),
        exchange(2, asked="gpt-5", target="gpt-5", served="gpt-5-2026", usage=Usage(1_234_567, 1000, None, 89)),
        exchange(
            3, status=429, state="failed", error="slow\n\x1b[2Jdown", attempts=exchange().attempts * 3, usage=Usage()
        ),
        streamed(id=f"req_{4:024x}", began=BEGAN + 90_000),
    ]
    (tmp_path / "2026-11-23.jsonl").write_bytes(b"".join(map(record_maker.line, cases)) + b'{"torn')
    return tmp_path


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    status = main(["log", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def ids(text: str) -> list[str]:
    return [json.loads(line)["id"][-1] for line in text.splitlines()]


def test_the_list_is_a_table_with_aligned_columns(folder: Path, capsys: Capture) -> None:
    status, out, err = run(capsys, "list", "--dir", str(folder))
    lines = out.splitlines()
    assert status == 0
    assert len(lines) == 5
    assert lines[0].split() == ["time", "id", "client", "model", "asked", "of", "status", "in", "out", "s"]
    end = lines[0].index(" in") + 3
    assert [line[:end].split()[-1] for line in lines[1:]] == ["11", "1,234,567", "x3", "11"]
    assert lines[1].endswith("It rains.")
    assert "slow" in lines[3]
    assert "\x1b" not in out
    assert "1 torn lines were skipped" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["1", "2", "3", "4"]),
        (["-n", "2"], ["3", "4"]),
        (["-n", "0"], ["1", "2", "3", "4"]),
        (["--model", "gpt*"], ["2"]),
        (["--status", "4xx"], ["3"]),
        (["--provider", "demo"], []),
        (["--since", datetime.fromtimestamp(BEGAN + 80_000).isoformat()], ["4"]),
        (["--until", datetime.fromtimestamp(BEGAN + 1.5).isoformat()], ["1"]),
    ],
    ids=str,
)
def test_filters_choose_rows(words: list[str], expected: list[str], folder: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "list", "--dir", str(folder), "--json", *words)
    assert (status, ids(out)) == (0, expected)


def test_the_terminals_width_is_kept(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_log, "terminal_width", lambda: 126)
    lines = run(capsys, "list", "--dir", str(folder))[1].splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) == 126


def test_calls_that_are_none_of_a_model_say_so(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "2026-11-23.jsonl").write_bytes(maker(tmp_path).line(exchange(1, action="count_tokens")))
    assert "claude-x (count_tokens)" in run(capsys, "list", "--dir", str(tmp_path))[1]


@pytest.mark.parametrize("word", ["list", "stats", "search"])
def test_times_that_no_calendar_knows_are_dashes(word: str, tmp_path: Path, capsys: Capture) -> None:
    lines = [f'{{"schema":"aiclient.record/1","id":"x","began":{began}}}\n' for began in ("1e18", "-1e15", "null")]
    (tmp_path / "2026-11-23.jsonl").write_text("".join(lines))
    status, out, _ = run(capsys, word, *(["x"] if word == "search" else []), "--dir", str(tmp_path))
    assert (status, out.splitlines()[1].split()[0]) == (0, "-")


def test_records_of_another_version_are_told_of(folder: Path, capsys: Capture) -> None:
    (folder / "2026-11-24.jsonl").write_text('{"schema":"aiclient.record/2","id":"x"}\n')
    _, out, err = run(capsys, "list", "--dir", str(folder))
    assert len(out.splitlines()) == 5
    assert err == "(1 torn lines and 1 records of another version of aiclient were skipped)\n"


@pytest.mark.parametrize("word", ["stats", "list"])
def test_an_empty_list_says_so_whatever_is_listed(word: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(capsys, word, "--dir", str(tmp_path))[1] == "no exchange fits\n"


def test_an_output_that_cannot_write_all_letters_gets_json_all_the_same(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    assert main(["log", "show", "last", "--json", "--dir", str(folder)]) == 0
    assert main(["log", "show", "last", "--dir", str(folder)]) == 0
    narrow.flush()
    written = narrow.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    shown, end = json.JSONDecoder().raw_decode(written)
    assert shown["conversation"]["messages"][0]["parts"][0]["text"] == "Weather in Zürich?"
    assert "Weather in Z?rich?" in written[end:]


def test_an_empty_list_says_so(folder: Path, capsys: Capture) -> None:
    assert run(capsys, "list", "--dir", str(folder), "--model", "none")[1] == "no exchange fits\n"


def test_a_search_shows_the_place(folder: Path, capsys: Capture) -> None:
    _, out, _ = run(capsys, "search", "in zürich", "--dir", str(folder))
    assert all("Weather in Zürich?" in line for line in out.splitlines()[1:])
    assert len(out.splitlines()) == 5
    assert run(capsys, "search", "nowhere", "--dir", str(folder))[1] == "no exchange fits\n"


def test_one_is_shown_as_a_transcript(folder: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "show", f"{2:024x}", "--dir", str(folder))
    assert status == 0
    assert "[system]\nBe brief." in out
    assert "[user]\nWeather in Zürich?\n[assistant]\nIt rains.\n" in out
    assert "req_" + f"{4:024x}" in run(capsys, "show", "last", "--dir", str(folder))[1]


def test_one_is_shown_as_json_with_its_tools(folder: Path, capsys: Capture) -> None:
    shown = json.loads(run(capsys, "show", f"{2:024x}", "--json", "--dir", str(folder))[1])
    assert shown["conversation"]["tools"][0]["name"] == "get_weather"


@pytest.mark.parametrize(("id_", "why"), [("f", "no record 'f'"), ("00", "more than one")])
def test_an_id_that_names_none_or_several_is_an_error(id_: str, why: str, folder: Path, capsys: Capture) -> None:
    status, _, err = run(capsys, "show", id_, "--dir", str(folder))
    assert status == 1
    assert why in err


def test_stats_count_by_day_and_model(folder: Path, capsys: Capture) -> None:
    _, out, _ = run(capsys, "stats", "--dir", str(folder), "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    by_model = {(row["model"], row["requests"]): row for row in rows}
    assert by_model["gpt-5-2026", 1] | {"day": ""} == {
        "day": "",
        "model": "gpt-5-2026",
        "requests": 1,
        "failed": 0,
        "in": 1_234_567,
        "cached": 1000,
        "out": 89,
    }
    assert by_model["m-1", 2]["failed"] == 1
    assert len({row["day"] for row in rows}) == 2
    last = run(capsys, "stats", "--dir", str(folder))[1].splitlines()[-1]
    assert last.split() == ["total", "4", "1", "1,234,589", "1,000", "103"]


def test_what_ends_is_followed(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(records: Records, wanted: object, sleep: object) -> list[object]:
        return list(records.each())[:2]

    monkeypatch.setattr(cli_log.Records, "follow", follow)
    assert run(capsys, "follow", "--dir", str(folder))[1].count("[assistant]\nIt rains.\n") == 2
    assert ids(run(capsys, "follow", "--json", "--dir", str(folder))[1]) == ["1", "2"]


def test_a_folder_without_records_is_an_error_that_says_how_they_begin(tmp_path: Path, capsys: Capture) -> None:
    status, _, err = run(capsys, "list", "--dir", str(tmp_path / "none"))
    assert status == 1
    assert "begin with the first exchange" in err
    assert run(capsys, "list")[0] == 1  # the folder that the settings name


def test_an_empty_folder_has_no_last_record(tmp_path: Path, capsys: Capture) -> None:
    assert "no records" in run(capsys, "show", "last", "--dir", str(tmp_path))[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", datetime(2026, 11, 23, 10, 30)),
        ("2d", datetime(2026, 11, 21, 12, 0)),
        ("1w", datetime(2026, 11, 16, 12, 0)),
        ("2026-11-20", datetime(2026, 11, 20)),
        ("2026-11-20T08:30", datetime(2026, 11, 20, 8, 30)),
    ],
)
def test_times_are_dates_or_ages(text: str, expected: datetime) -> None:
    assert expected.timestamp() == moment(text, NOW)


def test_a_zone_may_be_meant_and_is_overruled_by_one_that_is_named() -> None:
    assert moment("2026-11-20T01:00", zone=timezone(timedelta(hours=1))) == moment("2026-11-20T00:00Z")
    assert moment("2026-11-20T00:00Z", zone=timezone(timedelta(hours=1))) == moment("2026-11-20T00:00Z")


@pytest.mark.parametrize("text", ["yesterday", "5", "", "2026-13-01", "999999w", "0001-01-01"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no time"):
        moment(text)


def test_a_row_of_a_record_that_lacks_all_is_empty() -> None:
    assert row_of({"id": "x"})["seconds"] is None

"""`aiclient dataset`: recorded exchanges as training files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from addons import cli, cli_dataset
from addons.dataset_export.formats.table import FORMATS
from tests.addons.dataset_export.talk import READ, Agent, Record, assistant, record, thinking, user

type Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def configured(own_environment: Path) -> None:
    """No settings of the person who runs the tests."""


def kept(records: list[Record], folder: Path) -> Path:
    """A folder of records, their tools in the object store."""
    folder.mkdir()
    with (folder / "2026-11-23.jsonl").open("w") as out:
        for one in records:
            content = json.dumps(one["conversation"]["tools"]).encode()
            digest = hashlib.sha256(content).hexdigest()
            path = folder / "objects" / digest[:2] / f"{digest}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            stored = one | {"conversation": one["conversation"] | {"tools": {"ref": f"sha256:{digest}"}}}
            out.write(json.dumps(stored, separators=(",", ":")) + "\n")
    return folder


@pytest.fixture
def records(tmp_path: Path) -> Path:
    agent = Agent("a", tools=[READ], began=1_795_392_000.0)
    agent.ask("Hi.", assistant(thinking("hm"), "Hello."))
    agent.ask("Go on.", "Well.", model="large")
    more = [record("c", [user("x")], assistant("half"), state="cut", began=1_795_500_000.0)]
    return kept([*agent.made, *more], tmp_path / "records")


def run(capsys: Capture, *words: object) -> tuple[int, str, str]:
    code = cli.main(["dataset", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_export_with_all_that_lies_beside_it(capsys: Capture, records: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, err = run(capsys, "export", records, "--out", out)
    assert code == 0
    assert said == f"{out}: rows train 1; 2 turns of 1 conversations\n  left out or changed: reasoning (1)\n"
    assert err == "3 records read\n3 records read again\n"
    (row,) = rows(out / "data/train.jsonl")
    assert [message["content"] for message in row["messages"]] == ["Hi.", "Hello.", "Go on.", "Well."]
    assert row["tools"][0]["function"]["name"] == "read"
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "axolotl.yaml",
        "data",
        "dataset_info.json",
        "provenance.jsonl",
    ]
    assert str(out / "data/train.jsonl") in (out / "axolotl.yaml").read_text()
    assert "openai-custom: those that you accepted" in (out / "README.md").read_text()
    assert {path.stat().st_mode & 0o77 for path in out.rglob("*")} == {0}


@pytest.mark.parametrize(
    ("words", "turns"),
    [
        (["--state", "any"], 3),
        (["--state", "cut"], 1),
        (["--model", "l*"], 1),
        (["--provider", "openai-*"], 2),
        (["--since", "2026-11-24"], 0),
        (["--until", "2026-11-24T00:00+00:00"], 2),
        (["--tool-use", "without"], 2),
        (["--tool-use", "with"], 0),
        (["--protocol", "anthropic"], 0),
        (["--successful"], 2),
        (["--dedupe", "prompts"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_filters(capsys: Capture, records: Path, tmp_path: Path, words: list[str], turns: int) -> None:
    code, said, err = run(
        capsys, "export", records, "--format", "hf-prompt-completion", "--out", tmp_path / "o", *words
    )
    assert f"; {turns} turns of" in said
    assert code == (0 if turns else 1)
    assert ("no row came of 3 records" in err) == (turns == 0)
    assert (tmp_path / "o").exists() == (turns > 0), "what holds nothing does not stand in the way of the next try"


def test_ages_are_times_too(capsys: Capture, records: Path, tmp_path: Path) -> None:
    assert run(capsys, "export", records, "--out", tmp_path / "o", "--until", "3000d")[0] == 1
    assert run(capsys, "export", records, "--out", tmp_path / "o", "--since", "3000d")[0] == 0


def test_an_export_that_breaks_off_leaves_nothing(
    capsys: Capture, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "o"
    out.mkdir()
    monkeypatch.setattr(cli_dataset, "card", full)
    code, _, err = run(capsys, "export", records, "--out", out)
    assert (code, err.splitlines()[-1]) == (1, f"aiclient: cannot read or write {out}: No space left on device")
    assert not out.exists()


def test_pairs_that_are_not_there_have_a_reason_of_their_own(capsys: Capture, records: Path, tmp_path: Path) -> None:
    assert "answered twice" in run(capsys, "export", records, "--out", tmp_path / "o", "--format", "hf-dpo")[2]


def test_a_single_file_is_read_with_its_folders_objects_and_a_torn_end_is_passed_over(
    capsys: Capture, records: Path, tmp_path: Path
) -> None:
    file = records / "2026-11-23.jsonl"
    file.write_text(file.read_text() + '{"schema": "aiclient.rec')
    with file.open("a") as out:
        out.write('\n{"schema": "aiclient.record/99", "id": "future"}\n{"other": "json"}\n')
    code, said, _ = run(capsys, "export", file, "--out", tmp_path / "o", "--json-strings", "all")
    assert code == 0
    assert "skipped: lines that are no record of this version (3)" in said
    assert "- lines that are no record of this version: 3" in (tmp_path / "o/README.md").read_text()
    assert json.loads(rows(tmp_path / "o/data/train.jsonl")[0]["tools"])[0]["function"]["name"] == "read"


def test_splits_and_parquet(capsys: Capture, records: Path, tmp_path: Path) -> None:
    split = ["--split", "train=0.5,test=0.5"]
    assert run(capsys, "export", records, "--out", tmp_path / "o", "--format", "parquet", *split)[0] == 0
    assert [path.name for path in (tmp_path / "o/data").iterdir()] == ["day=2026-11-23"]
    assert not (tmp_path / "o/axolotl.yaml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "sharegpt", "--reasoning", "thinking"], "sharegpt has no place for --reasoning thinking"),
        (["--chosen", "x"], "--chosen and --same-model are for pairs"),
        (["--format", "hf-dpo", "--rows", "turns"], "--rows is not for hf-dpo"),
    ],
    ids=["reasoning", "chosen", "rows"],
)
def test_what_does_not_go_together_is_refused(
    capsys: Capture, records: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    code, _, err = run(capsys, "export", records, "--out", tmp_path / "o", *words)
    assert (code, message in err) == (1, True)
    assert not (tmp_path / "o").exists()


def test_folders_that_are_missing_or_full_are_refused(capsys: Capture, records: Path, tmp_path: Path) -> None:
    assert "is not there" in run(capsys, "export", tmp_path / "none", "--out", tmp_path / "o")[2]
    code, _, err = run(capsys, "export", records, "--out", records)
    assert (code, "is not an empty folder: name another" in err) == (1, True)


@pytest.mark.parametrize(
    "words", [["--split", "a=2"], ["--split", "a=0.5,a=0.5"], ["--split", "../x=1"], ["--since", "soon"]]
)
def test_wrong_values_are_wrong_usage(capsys: Capture, words: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["dataset", "export", "p", "--out", "o", *words])
    assert stop.value.code == 2
    assert words[1] in capsys.readouterr().err


def test_formats_are_listed_for_programs(capsys: Capture) -> None:
    code, said, _ = run(capsys, "formats", "--json")
    assert code == 0
    assert [row["format"] for row in json.loads(said)] == [*FORMATS]


def test_formats_are_listed(capsys: Capture) -> None:
    code, said, _ = run(capsys, "formats")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()] == [
        "hf-messages",
        "hf-prompt-completion",
        "openai-sft",
        "sharegpt",
        "hf-dpo",
        "parquet",
    ]

"""`aiclient prompts list|show|diff`."""

import json
from pathlib import Path

import pytest

from addons.cli import main
from tests.addons.records.samples import maker
from tests.addons.test_prompt_archive import NEW, asked

type Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_maker = maker(tmp_path)
    lines = "A line.\n" * 60
    cases = [asked(1, system=lines + "Old."), asked(2, NEW, lines + "New."), asked(3, "codex_cli_rs/0.1", "Be brief.")]
    (tmp_path / "2026-11-23.jsonl").write_bytes(b"".join(map(record_maker.line, cases)))
    return tmp_path


def run(capsys: Capture, folder: Path, *words: str) -> tuple[int, str, str]:
    status = main(["prompts", *words, "--dir", str(folder)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_list_names_client_version_and_times(folder: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, folder, "list")
    lines = [line.split()[:3] for line in out.splitlines()]
    assert status == 0
    assert lines == [
        ["client", "version", "kind"],
        ["claude-cli", "2.1.4", "system"],
        ["claude-cli", "2.1.5", "system"],
        ["claude-cli", "2.1.4", "tools"],
        ["claude-cli", "2.1.5", "tools"],
        ["codex_cli_rs", "0.1", "system"],
        ["codex_cli_rs", "0.1", "tools"],
    ]
    _, out, _ = run(capsys, folder, "list", "codex_cli_rs", "--json")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["system", "tools"]


def test_the_latest_of_a_client_is_shown(folder: Path, capsys: Capture) -> None:
    assert run(capsys, folder, "show", "claude-cli")[1].endswith("A line.\nNew.\n")
    assert run(capsys, folder, "show", "claude-cli@2.1.4")[1].endswith("A line.\nOld.\n")
    assert "## get_weather" in run(capsys, folder, "show", "claude-cli", "--tools")[1]


@pytest.mark.parametrize("words", [["claude-cli"], ["claude-cli@2.1.4", "claude-cli@2.1.5"]], ids=["one", "two"])
def test_the_diff_is_of_two_or_of_the_last_two(words: list[str], folder: Path, capsys: Capture) -> None:
    _, out, _ = run(capsys, folder, "diff", *words)
    assert [line for line in out.splitlines() if line[0] in "+-"][2:] == ["-Old.", "+New."]
    assert "claude-cli@2.1.4 system" in out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["diff", "codex_cli_rs"], "there is nothing to compare it with"),
        (["diff", "a", "b", "c"], "name one client, or two prompts"),
        (["show", "nobody"], "there is no system 'nobody'"),
    ],
    ids=["one alone", "three", "none"],
)
def test_what_is_not_there_is_told(words: list[str], error: str, folder: Path, capsys: Capture) -> None:
    status, _, err = run(capsys, folder, *words)
    assert status == 1
    assert error in err


def test_equal_prompts_do_not_differ(folder: Path, capsys: Capture) -> None:
    assert run(capsys, folder, "diff", "claude-cli", "codex_cli_rs", "--tools")[1] == "no difference\n"

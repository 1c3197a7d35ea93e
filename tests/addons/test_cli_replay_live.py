"""`aiclient replay --provider --model`: asked first, sent, on record, and exported as preference data."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from addons.cli import main
from addons.cli_replay_live import is_live
from addons.records.reader import Records
from tests.addons.records.samples import anthropic_body, exchange, maker
from tests.fakes.openai import OpenAIFake
from tests.fakes.samples import OPENAI_KEY
from tests.fakes.scripts import HttpError, Script

type Capture = pytest.CaptureFixture[str]
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "record.schema.json"


@pytest.fixture
def fake() -> Iterator[OpenAIFake]:
    with OpenAIFake(OPENAI_KEY) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, fake: OpenAIFake, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three questions, one of them asked twice, and an account at the fake."""
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("AICLIENT_OPENAI_BASE_URL", f"{fake.url}/v1")
    folder = tmp_path / "records"
    folder.mkdir()
    record_maker = maker(folder)
    texts = ["Weather in Zürich?", "Weather in Bern?", "Weather in Basel?", "Weather in Bern?"]
    bodies = [anthropic_body(messages=[{"role": "user", "content": text}]) for text in texts]
    lines = [record_maker.line(exchange(n, body=body, attempts=[])) for n, body in enumerate(bodies, 1)]
    (folder / "2026-11-23.jsonl").write_bytes(b"".join(lines))
    return folder


def run(folder: Path, *words: str, model: str = "gpt-4o-text") -> int:
    return main(["replay", str(folder), "--provider", "openai-custom", "--model", model, "--out", str(folder), *words])


def replays(folder: Path) -> list[dict[str, Any]]:
    return [dict(record) for record in Records(folder).each() if "replays" in record]


def test_a_dry_run_says_what_it_would_be_and_sends_nothing(folder: Path, fake: OpenAIFake, capsys: Capture) -> None:
    assert run(folder, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "3 requests to openai-custom/gpt-4o-text: about " in said
    assert "and 21 out" in said
    assert "left out: the same was asked before (1)" in said
    assert fake.requests == []


@pytest.mark.parametrize("word", ["n", "", None], ids=["no", "nothing", "no terminal"])
def test_nothing_is_sent_unless_somebody_agrees(
    word: str | None, folder: Path, fake: OpenAIFake, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def answer(_: str) -> str:
        if word is None:
            raise EOFError
        return word

    monkeypatch.setattr("builtins.input", answer)
    assert run(folder) == 1
    assert "this costs money" in capsys.readouterr().err
    assert fake.requests == []
    assert replays(folder) == []


def test_answers_become_records_that_pair_with_the_originals(folder: Path, fake: OpenAIFake, capsys: Capture) -> None:
    assert run(folder, "--yes") == 0
    assert "3 answers are in" in capsys.readouterr().out
    found = replays(folder)
    assert sorted(record["replays"] for record in found) == [f"req_{n:024x}" for n in (1, 2, 3)]
    schema = json.loads(SCHEMA.read_text())
    for record in Records(folder).each(resolve=False):
        jsonschema.validate(record, schema)
    assert fake.violations == []

    out = folder.parent / "dataset"
    assert main(["dataset", "export", str(folder), "--format", "hf-dpo", "--chosen", "earlier", "--out", str(out)]) == 0
    rows = [json.loads(line) for file in (out / "data").rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(rows) == 3
    chosen, rejected = rows[0]["chosen"], rows[0]["rejected"]
    assert chosen[-1]["content"] == "It rains."
    assert rejected[-1]["content"] not in ("", "It rains.")


def test_a_second_run_sends_what_the_first_did_not(folder: Path, fake: OpenAIFake, capsys: Capture) -> None:
    assert run(folder, "--yes", "--limit", "1") == 0
    assert run(folder, "--yes") == 0
    assert "left out: this model has answered it before (1)" in capsys.readouterr().out
    assert len(replays(folder)) == len(fake.requests) == 3
    assert run(folder, "--yes", "--limit", "1", model="gpt-4o-mini-text") == 0  # another model's business
    assert len(fake.requests) == 4


def test_a_failed_request_is_told_and_makes_the_status_1(folder: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        run(folder, "--yes", model="gpt-4o-e400")
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "3 requests failed" in said.out
    assert f"req_{1:024x}: " in said.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--provider", "demo", "--model", "m"], "there is no provider 'demo' that could be asked"),
        (["--provider", "claude-custom", "--model", "m"], "claude-custom has no account"),
    ],
    ids=["demo", "no account"],
)
def test_what_cannot_be_asked_is_told(words: list[str], error: str, folder: Path, capsys: Capture) -> None:
    assert main(["replay", str(folder), *words]) == 1
    assert error in capsys.readouterr().err


def test_without_a_model_the_replay_is_offline() -> None:
    plain = argparse.Namespace(provider=None, model=None, out=None, limit=0, dry_run=False, yes=False)
    assert is_live(plain) is False


@pytest.mark.parametrize("words", [["--provider", "openai-custom"], ["--dry-run"], ["--yes"]], ids=" ".join)
def test_flags_without_the_others_are_wrong_usage(words: list[str], folder: Path, capsys: Capture) -> None:
    """Not 1, which says that a replay differs."""
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(folder), *words])
    assert ended.value.code == 2
    assert f"{words[0]} is for sending to a model: name --provider and --model" in capsys.readouterr().err


def test_where_no_account_is_free_the_rest_is_not_sent_and_told(
    folder: Path, fake: OpenAIFake, capsys: Capture
) -> None:
    fake.scripts["empty429"] = Script(error=HttpError(429, "rate_limit_error", "Slow down.", {"retry-after": "7200"}))
    assert run(folder, "--yes", "--at-once", "1", model="gpt-4o-empty429") == 1
    said = capsys.readouterr()
    assert "0 answers are in" in said.out
    assert "2 were not sent, or not answered: the same command goes on with them" in said.out
    assert "no account of openai-custom is free" in said.err
    assert len(fake.requests) == 1

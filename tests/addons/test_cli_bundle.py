"""`aiclient bundle ID`."""

import json
import tarfile
from pathlib import Path

import pytest

from addons.cli import main
from addons.redact import Redactor
from tests.addons.records.samples import anthropic_body, exchange, maker

type Capture = pytest.CaptureFixture[str]

KEY = "canary-key-of-an-account-4711"
CLIENT_KEY = "aic-canary-of-the-client-0123456789"
TOKEN = "ya29.canary-" + "t0ken" * 12


@pytest.fixture
def folder(tmp_path: Path, own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two records, in one of which secrets stand that a recorder without redaction has left there."""
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AICLIENT_OPENAI_BASE_URL", "https://openai.test/v1")
    own_environment.mkdir(exist_ok=True)
    (own_environment / "client_key").write_text(CLIENT_KEY)
    folder = tmp_path / "records"
    folder.mkdir()
    said = f"{KEY} {CLIENT_KEY} {TOKEN}"
    body = anthropic_body(system=f"{said} " * 9, messages=[{"role": "user", "content": said}])
    record_maker = maker(folder, Redactor(shapes=False))
    lines = [record_maker.line(exchange(n, body=body, attempts=[])) for n in (1, 18)]
    (folder / "2026-11-23.jsonl").write_bytes(b"".join(lines))
    assert KEY.encode() in lines[0]
    return folder


def run(folder: Path, *words: str) -> int:
    return main(["bundle", *words, "--dir", str(folder)])


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {entry.name.partition("/")[2]: (tar.extractfile(entry) or path.open("rb")).read() for entry in tar}


def test_it_says_what_is_inside_and_that_it_was_redacted(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    log = tmp_path / "aiclient.log"
    log.write_text(f"other\nreq_{18:024x} failed with {KEY}\n")
    out = tmp_path / "bug.tar.gz"
    assert run(folder, "last", "--out", str(out), "--log-file", str(log)) == 0
    said = capsys.readouterr().out
    found = contents(out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert sorted(found)[:2] == ["README.md", "log.txt"]
    for name in found:
        assert name in said
    assert "were redacted" in said
    assert found["log.txt"].decode() == f"req_{18:024x} failed with [redacted:known]\n"
    assert json.loads(found["versions.json"])["mitmproxy"]


def test_no_canary_is_in_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "bug.tar.gz"
    assert run(folder, f"req_{1:024x}", "--out", str(out)) == 0
    found = contents(out)
    everything = b"\n".join([*found.values(), *(name.encode() for name in found)])
    for canary in (KEY, CLIENT_KEY, TOKEN):
        assert canary.encode() not in everything, canary
    settings = json.loads(found["settings.json"])
    assert settings["openai_api_key"]["from"] == "AICLIENT_OPENAI_API_KEY"
    assert "port" not in settings  # what nobody has set tells nothing


def test_by_default_it_is_named_after_the_exchange(folder: Path) -> None:
    assert run(folder, "last") == 0
    assert Path(f"aiclient-req_{18:024x}.tar.gz").is_file()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["req_ffff"], "there is no record 'req_ffff'"),
        (["req_0000"], "is the beginning of more than one record's id"),
        (["last", "--log-file", "none.log"], "cannot read or write none.log"),
        (["last", "--out", "there.tar.gz"], "there.tar.gz is there already"),
    ],
    ids=["none", "several", "no log", "there already"],
)
def test_what_cannot_be_made_is_told(words: list[str], error: str, folder: Path, capsys: Capture) -> None:
    Path("there.tar.gz").touch()
    assert run(folder, *words) == 1
    assert error in capsys.readouterr().err

"""Recordings: written, read back as they were, and safe to read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from addons.records.reader import Records
from addons.redact import Redactor
from addons.replay.captured import Captured, Unplayable
from addons.replay.of_record import captured
from addons.replay.recording import MARK, is_recording, read, record_of, shows, write
from converters.json_codec import JsonObject
from tests.addons.records import samples
from tests.addons.replay.broken import RECORDINGS

KEY = "sk-ant-" + "a1b2" * 10


def made(tmp_path: Path, record: JsonObject, sentence: str = "", redactor: Redactor | None = None) -> Path:
    folder = tmp_path / "case"
    records = Records(tmp_path)
    write(records.resolved(record), records.objects.get, folder, redactor or Redactor(), sentence)
    return folder


def streamed(tmp_path: Path, chunks: list[bytes], **more: object) -> JsonObject:
    return samples.made(samples.maker(tmp_path), samples.streamed(chunks, **more))


def legs(one: Captured) -> list[object]:
    return [one.body, *one.attempts, one.answer, one.said, one.headers]


def test_what_is_read_back_is_what_was_recorded(tmp_path: Path) -> None:
    chunks = [*samples.ANTHROPIC_STREAM[:2], "data: é\n\n".encode()[:7], b"\xa9\n\n", *samples.ANTHROPIC_STREAM[2:]]
    record = streamed(tmp_path, chunks)
    folder = made(tmp_path, record)
    assert legs(read(folder)) == legs(captured(record, Records(tmp_path).objects.get))
    assert record_of(folder)["schema"] == record["schema"]


def test_bodies_are_files_a_person_can_read(tmp_path: Path) -> None:
    folder = made(tmp_path, streamed(tmp_path, samples.ANTHROPIC_STREAM))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        *("README.md", "attempt_1/answer.sse", "attempt_1/chunks.json", "client_answer.chunks.json"),
        *("client_request.json", "exchange.json"),
    ]
    assert (folder / "attempt_1/answer.sse").read_bytes() == b"".join(samples.ANTHROPIC_STREAM)
    assert "Zürich" in (folder / "client_request.json").read_text()
    assert (folder / "client_request.json").read_text().count("\n") > 10
    assert b"It rai" not in (folder / "exchange.json").read_bytes().replace(b"It rains.", b"")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "é"}], "n": 1.0}),
        '{"model":"m","max_tokens":1,"messages":[]}',
        '{ "model":"m",\n"max_tokens":1,"messages":[]}',
        '{"model":"m","model":"m2","messages":[]}',
        '{"model":"m","n":1e400,"big":12345678901234567890123,"messages":[]}',
        '{"model":"m","messages":[{"role":"user","content":"\\ud83d"}]}',
        "no JSON at all",
    ],
    ids=["ascii", "compact", "by hand", "twice", "numbers", "half a character", "none"],
)
def test_json_comes_back_byte_by_byte_however_it_was_written(tmp_path: Path, body: str) -> None:
    facts = samples.exchange(body=body.encode(), attempts=[samples.attempt(body.encode(), samples.whole_answer())])
    folder = made(tmp_path, samples.made(samples.maker(tmp_path), facts))
    assert read(folder).body == body.encode()


def test_bytes_that_are_no_text_come_back(tmp_path: Path) -> None:
    chunks = [b"\x00\x01\xff", b"\xfe\x00"]
    folder = made(tmp_path, streamed(tmp_path, chunks))
    assert (folder / "attempt_1/answer.bin").read_bytes() == b"".join(chunks)
    [tried] = read(folder).attempts
    assert tried.answer is not None
    assert [data for _, data in tried.answer.chunks] == chunks


def test_secrets_that_a_record_still_holds_are_redacted(tmp_path: Path) -> None:
    """Where records are kept with `redact = false`, or a pattern is new."""
    body = samples.anthropic_body(messages=[{"role": "user", "content": f"my key is {KEY}, I am ana@example.com"}])
    plain = Redactor(shapes=False)
    facts = samples.exchange(body=body, attempts=[samples.attempt(body, samples.whole_answer(f"{KEY}!"))])
    record = samples.made(samples.maker(tmp_path, plain), facts)
    assert KEY in json.dumps(record)
    folder = made(tmp_path, record, redactor=Redactor(rules=("emails",)))
    for path in folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
            assert b"ana@example.com" not in path.read_bytes(), path


def test_the_readme_says_what_it_shows(tmp_path: Path) -> None:
    folder = made(tmp_path, streamed(tmp_path, samples.ANTHROPIC_STREAM), "Rain in Oslo.")
    assert "\nRain in Oslo.\n" in (folder / "README.md").read_text()


def test_without_a_sentence_one_is_made(tmp_path: Path) -> None:
    one = read(RECORDINGS / "routes/anthropic_failover")
    assert shows(one) == (
        "A client that speaks anthropic asks gemini-custom for best in 2 attempts and gets a stream (status 200) of text."
    )
    assert shows(one) in (RECORDINGS / "routes/anthropic_failover/README.md").read_text()


def test_a_record_that_lacks_a_leg_makes_no_folder(tmp_path: Path) -> None:
    record: Any = samples.made(samples.maker(tmp_path), samples.exchange())
    record["answer"]["body"] = {"omitted": {}}
    with pytest.raises(Unplayable):
        made(tmp_path, record)
    assert not (tmp_path / "case").exists()


def test_a_disk_that_is_full_leaves_no_half_of_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> int:
        raise OSError(28, "No space left on device", str(self))

    record = samples.made(samples.maker(tmp_path), samples.exchange())
    monkeypatch.setattr(Path, "write_text", full)  # its last file
    with pytest.raises(OSError, match="No space"):
        made(tmp_path, record)
    assert not (tmp_path / "case").exists()


def test_a_query_that_looks_like_a_file_is_not_one(tmp_path: Path) -> None:
    folder = made(tmp_path, samples.made(samples.maker(tmp_path), samples.exchange(query={"file": "a.txt"})))
    assert read(folder).query == {"file": "a.txt"}


def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(RECORDINGS / "openai-custom/chat_text", folder)
    return folder


def test_a_folder_is_a_recording_by_its_mark(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    assert is_recording(folder)
    (folder / "exchange.json").write_text('{"schema": "something.else/1"}')
    assert not is_recording(folder)
    assert not is_recording(tmp_path)


@pytest.mark.parametrize("name", ["attempt_1/answer.sse", "attempt_1/chunks.json", "client_request.json"])
def test_a_file_that_is_missing_is_said(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path)
    (folder / name).unlink()
    with pytest.raises(Unplayable, match="no whole recording"):
        read(folder)


@pytest.mark.parametrize("name", ["request", "attempts", "answer"])
def test_a_member_that_is_missing_is_said(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path)
    exchange = json.loads((folder / "exchange.json").read_text())
    del exchange[name]
    (folder / "exchange.json").write_text(json.dumps(exchange))
    with pytest.raises(Unplayable, match=f"no whole recording: '{name}'"):
        read(folder)


def test_cuts_that_do_not_fit_are_said(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "attempt_1/answer.sse").write_text("data: 1\n\n")
    with pytest.raises(Unplayable, match="the cuts are of"):
        read(folder)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    """A recording may come from somebody else."""
    folder = copied(tmp_path)
    (tmp_path / "outside.json").write_text("{}")
    exchange = json.loads((folder / "exchange.json").read_text())
    assert exchange["schema"] == MARK
    exchange["request"]["body"] = {"file": name}
    (folder / "exchange.json").write_text(json.dumps(exchange))
    with pytest.raises(Unplayable, match="is not in the folder"):
        read(folder)


def test_arguments_that_look_like_a_file_are_not_one(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    exchange = json.loads((folder / "exchange.json").read_text())
    exchange["conversation"]["messages"][0]["parts"] = [{"file": "../outside.json", "style": "compact"}]
    (folder / "exchange.json").write_text(json.dumps(exchange))
    record: Any = read(folder).record
    assert record["conversation"]["messages"][0]["parts"] == [{"file": "../outside.json", "style": "compact"}]

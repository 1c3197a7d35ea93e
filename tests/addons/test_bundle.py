"""One exchange in one archive: readable by aiclient's own commands, without secrets, and for its owner alone."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.bundle import File, bundle, lines_about, pack
from addons.records.objects import Objects
from addons.records.reader import Records
from addons.redact import Redactor
from converters.json_codec import JsonObject
from converters.system_prompt import SystemPrompt
from tests.addons.records.samples import (
    ANTHROPIC_STREAM,
    BEGAN,
    anthropic_body,
    attempt,
    exchange,
    maker,
    streamed,
    whole_answer,
)

ID = f"req_{1:024x}"
CANARY = "canary-0f9e8d7c6b5a4f3e2d1c"
SHAPED = "sk-proj-" + "Z9y8X7w6" * 6


def made(folder: Path, redactor: Redactor, body: bytes = b"", log: list[str] | None = None) -> list[File]:
    """Of a record that was written without any redaction."""
    body = body or anthropic_body()
    facts = exchange(1, body=body, attempts=[attempt(body, whole_answer())])
    line = maker(folder, Redactor(shapes=False)).line(facts)
    record = json.loads(line)
    settings: JsonObject = {"openai_api_key": {"value": CANARY, "from": "default"}}
    return bundle(record, Objects(folder / "objects"), redactor, settings, {"python": "3"}, log or [])


def unpacked(files: list[File], folder: Path) -> Path:
    for file in files:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder


def test_what_is_inside_is_read_by_the_commands_for_records(tmp_path: Path) -> None:
    folder = unpacked(made(tmp_path / "a", Redactor()), tmp_path / "b")
    records = Records(folder / "records")
    record = records.find(ID)
    assert records.request_body(record) == anthropic_body()
    assert record["conversation"]["tools"][0]["name"] == "get_weather"  # type: ignore[index, call-overload]
    assert "It rains." in (folder / "transcript.txt").read_text()
    assert f"aiclient log show {ID}" in (folder / "README.md").read_text()


def test_no_secret_is_in_any_file_wherever_it_stood(tmp_path: Path) -> None:
    """In the system prompt and the tools (which are objects), the messages, the settings and the log."""
    tool = {"name": "t", "description": f"Key {CANARY} " * 60, "input_schema": {"type": "object"}}
    body = anthropic_body(
        system=f"Use {SHAPED} and {CANARY}. " * 30,
        tools=[tool],
        messages=[{"role": "user", "content": f"{CANARY} {SHAPED} me@example.com"}],
    )
    redactor = Redactor(rules=("emails",))
    redactor.refresh([CANARY])
    files = made(tmp_path / "a", redactor, body, [f"{ID} {CANARY}\n"])
    everything = b"\n".join(file.name.encode() + file.content for file in files)
    for secret in (CANARY, SHAPED, "me@example.com"):
        assert secret.encode() not in everything
    record = Records(unpacked(files, tmp_path / "b") / "records").find(ID)
    talk = record["conversation"]
    assert isinstance(talk, dict)
    assert "[redacted" in json.dumps(talk["system"])  # the changed objects are found by their new names
    assert "[redacted" in json.dumps(talk["tools"])


def test_an_object_that_is_gone_costs_only_itself(tmp_path: Path) -> None:
    record = json.loads(maker(tmp_path).line(exchange(1)))
    files = bundle(record, Objects(tmp_path / "none"), Redactor(), {}, {})
    assert "It rains." in next(file.content.decode() for file in files if file.name == "transcript.txt")


def test_lines_of_the_log_are_those_that_name_it_and_their_traces(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(
        f"one\n{ID} begins\nother\n{ID}: fails\nTraceback (most recent call last):\n  File x\nValueError: y\nlast\n"
    )
    found = list(lines_about(log, ID))
    assert found == [
        f"{ID} begins\n",
        f"{ID}: fails\n",
        "Traceback (most recent call last):\n",
        "  File x\n",
        "ValueError: y\n",
    ]


def test_the_archive_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    pack([File("a/b.txt", b"1", "")], "root", path, 1_700_000_000.0)
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as tar:
        (entry,) = tar.getmembers()
        assert (entry.name, entry.mode) == ("root/a/b.txt", 0o600)
    with pytest.raises(FileExistsError):
        pack([], "root", path, 0.0)


def test_the_operators_prompt_goes_along_without_secrets(tmp_path: Path) -> None:
    prompt = SystemPrompt("append", f"Use {SHAPED}. " * 50)
    facts = exchange(1, prompt=prompt, attempts=[attempt(anthropic_body(), whole_answer(), prompt=prompt)])
    record = json.loads(maker(tmp_path / "a", Redactor(shapes=False)).line(facts))
    files = bundle(record, Objects(tmp_path / "a" / "objects"), Redactor(), {}, {}, [])
    folder = unpacked(files, tmp_path / "b")
    assert all(SHAPED.encode() not in file.content for file in files)
    kept = Records(folder / "records").find(ID)["system_prompt"]
    assert str(kept["text"]).count("[redacted:") == 50  # type: ignore[call-overload, index]
    assert "[the operator's system prompt: append]\nUse [redacted:" in (folder / "transcript.txt").read_text()


def test_half_an_archive_is_removed(tmp_path: Path) -> None:
    def broken() -> Iterator[File]:
        yield File("a", b"x" * 100_000, "")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        pack(broken(), "root", tmp_path / "x.tar.gz", 0.0)
    assert list(tmp_path.iterdir()) == []


# --- what stands in pieces on disk ---

MAIL = "somebody.else@example.com"


def of_a_long_talk(folder: Path) -> JsonObject:
    """The record of a call whose history is in blocks, which are cut anywhere in secrets; written without redaction."""
    text = f"{SHAPED} {MAIL} {CANARY} " * 700
    history = [
        {"role": "assistant" if n % 2 else "user", "content": f"{n} {SHAPED} {MAIL} {CANARY} " * 9} for n in range(60)
    ]
    body = anthropic_body(messages=[{"role": "user", "content": text}, *history, {"role": "user", "content": "?"}])
    record_maker = maker(folder, Redactor(shapes=False))
    for number in range(3):
        line = record_maker.line(exchange(number, body=body, attempts=[]))
    record = json.loads(line)
    assert isinstance(record, dict)
    return record


def pieces_of(record: JsonObject) -> list[str]:
    pieces = record["request"]["body"]["pieces"]  # type: ignore[call-overload, index]
    assert isinstance(pieces, list)
    return [str(piece["ref"]) for piece in pieces if isinstance(piece, dict)]


def knowing() -> Redactor:
    redactor = Redactor(rules=("emails",))
    redactor.refresh([CANARY])
    return redactor


PARTS = (b"Z9y8X7w6", b"sk-proj", b"0f9e8d7c", b"5a4f3e2d1c", b"somebody", b"example.com")


def test_a_secret_across_two_blocks_is_found(tmp_path: Path) -> None:
    record, objects = of_a_long_talk(tmp_path), Objects(tmp_path / "objects")
    before = json.dumps(record)
    ends = [objects.get(name)[-100:].rpartition(b" ")[2] for name in pieces_of(record)]
    assert any(end in secret.encode() for end in ends for secret in (SHAPED, MAIL, CANARY) if end)
    files = bundle(record, objects, knowing(), {}, {})
    everything = b"\n".join(file.content for file in files)
    assert [part for part in PARTS if part in everything] == []
    assert json.dumps(record) == before, "what was handed in is as it was"
    unpacked(files, tmp_path / "b")
    found = Records(tmp_path / "b" / "records").find(f"{2:024x}")
    talk = found["conversation"]
    assert isinstance(talk, dict)
    assert len(talk["messages"]) == 62  # type: ignore[arg-type]
    assert len(json.loads(files[1].content)["conversation"]["messages"]) == 62, "in the record itself"
    assert json.loads(Records(tmp_path / "b" / "records").request_body(found))["messages"][-1]["content"] == "?"


def lose(path: Path, how: str) -> None:
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("how", ["removed", "cut short"])
@pytest.mark.parametrize("gone", range(3))
def test_a_block_that_is_gone_costs_only_itself(tmp_path: Path, gone: int, how: str) -> None:
    """The others are put together all the same."""
    record, objects = of_a_long_talk(tmp_path), Objects(tmp_path / "objects")
    names = pieces_of(record)
    lose(objects.path(names[gone + 1]), how)
    files = bundle(record, objects, knowing(), {}, {})
    everything = b"\n".join(file.content for file in files)
    beside = [secret for secret in (SHAPED, MAIL, CANARY) if secret.encode() in everything]
    assert beside == []
    body = json.loads(next(file.content for file in files if file.name.endswith(".jsonl")))["request"]["body"]
    assert [piece for piece in body["pieces"] if isinstance(piece, dict)] == [{"ref": names[gone + 1]}]
    assert len(body["pieces"]) == 3
    for piece in body["pieces"]:
        if isinstance(piece, str):  # a secret that stands half in what is gone is none any more
            assert [part for part in PARTS if part.decode() in piece[80:-80]] == []


@pytest.mark.parametrize("how", ["removed", "cut short"])
def test_a_history_that_is_not_whole_is_told_in_the_transcript(tmp_path: Path, how: str) -> None:
    record, objects = of_a_long_talk(tmp_path), Objects(tmp_path / "objects")
    name = record["conversation"]["messages"][0]["ref"]  # type: ignore[call-overload, index]
    lose(objects.path(str(name)), how)
    files = bundle(record, objects, knowing(), {}, {})
    text = next(file.content.decode() for file in files if file.name == "transcript.txt")
    assert "(no conversation: a part of its history is not in the folder of objects)" in text


def delta(text: str) -> bytes:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: " + json.dumps(event).encode() + b"\n\n"


def said(stream: bytes) -> str:
    return "".join(json.loads(text) for text in re.findall(rb'"text": ("[^"]*")', stream))


def test_a_secret_in_a_packed_stream_is_found_also_in_pieces(tmp_path: Path) -> None:
    """Of an answer whose client got the same bytes, cut elsewhere."""
    words = [f"key {SHAPED} mail {MAIL} ", "and ", "some", "body.else@exa", "mple.com ", *["more words "] * 40]
    chunks = [*ANTHROPIC_STREAM[:2], *map(delta, words), *ANTHROPIC_STREAM[4:]]
    sent = b"".join(chunks)
    facts = streamed(chunks, id=ID)
    facts.chunks = [(BEGAN + 0.2, sent[:700]), (BEGAN + 0.3, sent[700:])]
    record = json.loads(maker(tmp_path / "a", Redactor(shapes=False)).line(facts))
    assert "zstd" in record["attempts"][0]["answer"]["chunks"]
    assert "same" in record["answer"]["chunks"]
    files = bundle(record, Objects(tmp_path / "a" / "objects"), knowing(), {}, {})
    everything = b"\n".join(file.content for file in files)
    assert [part for part in (*PARTS, b"body.else") if part in everything] == []
    records = Records(unpacked(files, tmp_path / "b") / "records")
    found = records.find(ID)
    clean = b"".join(data for _, data in records.answer(found, 0))
    assert len(records.answer(found, 0)) == len(chunks)
    assert said(clean).startswith("key [redacted:key] mail [redacted:email] and [redacted:email] more words")
    assert said(clean).endswith("more words ")
    assert b"".join(data for _, data in records.answer(found)) == clean
    assert len(records.answer(found)) == 2

"""Records read back: order, filters, torn lines, references."""

from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from addons.cli_dataset import _records
from addons.records import reader
from addons.records.files import Appender, compress
from addons.records.reader import Records, Wanted, member, statuses
from addons.records.record import SCHEMA, RecordMaker
from addons.redact import Redactor
from converters.json_codec import Json, JsonObject, loads
from tests.addons.records.samples import (
    ANTHROPIC_STREAM,
    BEGAN,
    anthropic_body,
    exchange,
    maker,
    streamed,
    whole_answer,
)

DAY = date(2026, 11, 23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six exchanges in three files, the first one compressed, and two torn lines."""
    record_maker = maker(tmp_path)
    cases = [
        exchange(1),
        exchange(2, asked="gpt-5", served="gpt-5-2026", account="x"),
        exchange(3, status=429, state="failed", error="slow down"),
        exchange(4, body=anthropic_body(messages=[{"role": "user", "content": 'Say "Grüße"\nplease'}]), attempts=[]),
        streamed(id=f"req_{5:024x}", began=BEGAN + 5, state="cut"),
        exchange(6, provider=None, status=None, state="cancelled"),
    ]
    lines = [record_maker.line(case) for case in cases]
    (tmp_path / "2026-11-22.jsonl").write_bytes(b"".join(lines[:2]) + b'{"schema":"aiclient.record/1","torn')
    compress(tmp_path / "2026-11-22.jsonl")
    (tmp_path / "2026-11-23.jsonl").write_bytes(lines[2] + b'{"torn":\n' + b"\n" + lines[3] + lines[4])
    Appender(tmp_path, 1, compress=False, keep_days=0).append(lines[5], DAY)
    return tmp_path


def numbers(folder: Path, wanted: Wanted | None = None) -> list[int]:
    return [int(str(record["id"]).removeprefix("req_"), 16) for record in Records(folder).each(wanted)]


def test_all_files_are_read_in_order_and_torn_lines_are_counted(folder: Path) -> None:
    records = Records(folder)
    assert [str(record["id"])[-1] for record in records.each()] == list("123456")
    assert records.torn == 2


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [1, 2, 3, 4, 5, 6]),
        (Wanted(since=BEGAN + 3), [3, 4, 5, 6]),
        (Wanted(until=BEGAN + 3), [1, 2]),
        (Wanted(model="gpt-5"), [2]),
        (Wanted(model="GPT-*"), [2]),
        (Wanted(model="m-1"), [1, 3, 4, 5, 6]),
        (Wanted(provider="claude-custom"), [1, 2, 3, 4, 5]),
        (Wanted(provider="demo"), []),
        (Wanted(status="429"), [3]),
        (Wanted(status="4xx"), [3]),
        (Wanted(status="cut"), [5]),
        (Wanted(status="cancelled"), [6]),
        (Wanted(text="SLOW down"), [3]),
        (Wanted(text="grüße"), [4]),
        (Wanted(text='say "grüße"\nplease'), [4]),
        (Wanted(text="nowhere"), []),
        (Wanted(id=f"{4:024x}"), [4]),
        (Wanted(id=f"req_{4:024x}"), [4]),
        (Wanted(id=f"{4:024x}"[1:]), []),
        (Wanted(status="2xx", model="claude-x", text="zürich"), [1, 2, 5]),
    ],
    ids=str,
)
def test_filters(wanted: Wanted, expected: list[int], folder: Path) -> None:
    assert expected == numbers(folder, wanted)


def test_references_are_followed_where_that_is_asked_for(folder: Path) -> None:
    (whole,) = Records(folder).each(Wanted(id=f"{1:024x}"))
    (raw,) = Records(folder).each(Wanted(id=f"{1:024x}"), resolve=False)
    assert isinstance(member(whole, "conversation")["tools"], list)
    assert isinstance(member(raw, "conversation")["tools"], dict)


def test_an_object_that_is_missing_is_null(folder: Path) -> None:
    for path in (folder / "objects").rglob("*.json"):
        path.unlink()
    (record,) = Records(folder).each(Wanted(id=f"{1:024x}"))
    assert member(record, "conversation")["tools"] is None
    with pytest.raises(OSError, match="objects"):
        Records(folder).request_body(record)


def test_bodies_and_streams_come_back(folder: Path) -> None:
    records = Records(folder)
    first, fifth = records.find("1".rjust(24, "0")), records.find("req_" + "5".rjust(24, "0"))
    assert records.request_body(first) == anthropic_body() == records.request_body(first, 0)
    assert records.answer(first) == [(0.0, whole_answer())] == records.answer(first, 0)
    assert [data for _, data in records.answer(fifth, 0)] == ANTHROPIC_STREAM
    assert [data for _, data in records.answer(fifth)] == ANTHROPIC_STREAM


@pytest.mark.parametrize("most", range(8))
def test_the_latest_are_the_last_ones_in_their_order(most: int, folder: Path) -> None:
    found = [int(str(record["id"])[4:], 16) for record in Records(folder).latest(most)]
    assert found == ([1, 2, 3, 4, 5, 6][-most:] if most else [1, 2, 3, 4, 5, 6])
    chosen = Wanted(status="complete")
    assert [record["id"] for record in Records(folder).latest(2, chosen)] == [
        record["id"] for record in Records(folder).each(chosen)
    ][-2:]


def test_the_latest_are_found_without_reading_all(folder: Path) -> None:
    (folder / "2026-11-22.jsonl.zst").unlink()
    (folder / "2026-11-22.jsonl.zst").mkdir()  # opening it fails
    assert len(Records(folder).latest(3)) == 3


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_lines_that_are_longer_than_a_block_come_back_whole(
    block: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_BLOCK", block)
    assert len(Records(folder).latest(100)) == 6


def test_days_before_the_first_wanted_one_are_not_opened(folder: Path) -> None:
    (folder / "2026-11-20.jsonl").mkdir()  # opening it fails
    assert numbers(folder, Wanted(since=BEGAN + 3)) == [3, 4, 5, 6]
    with pytest.raises(OSError, match="2026-11-20"):
        numbers(folder)


def test_records_of_another_version_are_skipped_and_counted(folder: Path) -> None:
    assert reader.READS == SCHEMA
    (folder / "2026-11-24.jsonl").write_text('{"schema":"aiclient.record/2","id":"x","turns":[]}\n{"a":1}\n')
    records = Records(folder)
    assert len(list(records.each())) == 6
    assert (records.foreign, records.torn) == (1, 3)
    assert records.skipped() == "3 torn lines and 1 records of another version of aiclient"


def test_a_whole_id_is_found_though_another_begins_with_it(tmp_path: Path) -> None:
    lines = [f'{{"schema":"{SCHEMA}","id":"{id_}"}}\n' for id_ in ("a-10", "a-1", "req_b", "req_bb")]
    (tmp_path / "2026-11-23.jsonl").write_text("".join(lines))
    records = Records(tmp_path)
    assert [records.find(id_)["id"] for id_ in ("a-1", "b", "req_b", "last")] == ["a-1", "req_b", "req_b", "req_bb"]
    with pytest.raises(ValueError, match="more than one"):
        records.find("a")


@pytest.mark.parametrize(("id_", "why"), [("f", "no record"), ("0000", "more than one")])
def test_an_id_must_name_one_record(id_: str, why: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=why):
        Records(folder).find(id_)


def test_following_gives_what_is_written_from_now_on(folder: Path) -> None:
    record_maker = maker(folder)
    waits = 0

    def sleep(seconds: float) -> None:
        nonlocal waits
        waits += 1
        line = record_maker.line(exchange(10 + waits))
        appender = Appender(folder, 1 << 20, compress=False, keep_days=0)
        appender.append(line, DAY)
        appender.close()
        with (folder / "2026-11-23.1.jsonl").open("ab") as file:  # a line that is not whole yet
            file.write(record_maker.line(exchange(50 + waits))[:40])

    found = list(islice(Records(folder).follow(Wanted(), sleep), 3))
    assert [int(str(record["id"]).removeprefix("req_"), 16) for record in found] == [11, 12, 13]


def test_following_loses_nothing_when_a_file_is_done_and_compressed_at_once(folder: Path) -> None:
    """Between two looks: a last record into the old file, the next file begun, the old one compressed."""
    record_maker = maker(folder)
    waits = 0

    def sleep(seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 1:
            with (folder / "2026-11-23.1.jsonl").open("ab") as file:
                file.write(record_maker.line(exchange(11)))
            compress(folder / "2026-11-23.1.jsonl")
        (folder / "2026-11-23.2.jsonl").write_bytes(record_maker.line(exchange(12)))

    found = list(islice(Records(folder).follow(Wanted(), sleep), 2))
    assert [int(str(record["id"]).removeprefix("req_"), 16) for record in found] == [11, 12]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"state": "complete", "answer": {"status": 200}}, {"complete", "200", "2xx"}),
        ({"state": "cancelled", "answer": None}, {"cancelled"}),
    ],
    ids=["complete", "cancelled"],
)
def test_what_a_status_may_be_called(record: JsonObject, expected: set[str]) -> None:
    assert expected == statuses(record)


# --- history that stands in the object store ---


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """Five calls of one conversation, of 60 KB from the first on."""
    record_maker, lines = maker(tmp_path), list[bytes]()
    for call in range(1, 6):
        lines.append(record_maker.line(exchange(call, body=agent_body(call), attempts=[])))
    (tmp_path / "2026-11-22.jsonl").write_bytes(b"".join(lines))
    return tmp_path


def agent_body(call: int) -> bytes:
    return anthropic_body(
        messages=[
            {"role": "assistant" if n % 2 else "user", "content": f"message {n}. " + "größe " * 170}
            for n in range(55 + 2 * call)
        ]
    )


def plain_messages(call: int) -> Json:
    """As they are written without an object store."""
    record = loads(RecordMaker(Redactor(), None, b"salt").line(exchange(call, body=agent_body(call), attempts=[])))
    assert isinstance(record, dict)
    return member(record, "conversation")["messages"]


def raw(folder: Path, call: int) -> JsonObject:
    return Records(folder).find(f"{call:024x}", resolve=False)


def stretches(record: JsonObject) -> list[str]:
    messages = member(record, "conversation")["messages"]
    assert isinstance(messages, list)
    return [str(message["ref"]) for message in messages if isinstance(message, dict) and "ref" in message]


def test_a_history_is_whole_where_it_is_resolved(agent: Path) -> None:
    assert [bool(stretches(raw(agent, call))) for call in range(1, 6)] == [False, True, True, True, True]
    records = Records(agent)
    for call, record in enumerate(records.each(), 1):
        assert member(record, "conversation")["messages"] == plain_messages(call)
        assert isinstance(member(record, "conversation")["tools"], list)
        assert records.request_body(record) == agent_body(call)
        assert records.resolved(record) == record


def test_what_one_reader_does_with_a_history_is_not_seen_by_the_next(agent: Path) -> None:
    records = Records(agent)
    for record in records.each():
        messages = member(record, "conversation")["messages"]
        assert isinstance(messages, list)
        for message in messages:
            assert isinstance(message, dict)
            message["role"] = "changed"
    assert member(records.find(f"{5:024x}"), "conversation")["messages"] == plain_messages(5)


def test_few_stretches_are_kept_and_all_are_found(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_STRETCHES", 2)
    records = Records(agent)
    for call, record in enumerate(records.each(), 1):
        assert member(record, "conversation")["messages"] == plain_messages(call)
        assert len(records._stretches) <= 2


@pytest.mark.parametrize("damage", ["missing", "other bytes", "no list", "no JSON"])
def test_half_a_history_is_no_conversation(agent: Path, damage: str) -> None:
    record = raw(agent, 5)
    objects = Records(agent).objects
    name = stretches(record)[1]
    match damage:
        case "missing":
            objects.path(name).unlink()
        case "other bytes":
            objects.path(name).write_bytes(b"[]")
        case _:
            messages = member(record, "conversation")["messages"]
            assert isinstance(messages, list)
            messages[1] = {"ref": objects.put({"no list": b'{"role":"user"}', "no JSON": b"[{"}[damage])}
    found = Records(agent).resolved(record)
    assert found["conversation"] is None
    assert found["no_conversation"] == "a part of its history is not in the folder of objects"
    assert found["id"] == record["id"]
    first = Records(agent).find(f"{1:024x}")
    assert member(first, "conversation")["messages"] == plain_messages(1), "others are as they were"


@pytest.mark.parametrize("file", [False, True], ids=["of a folder", "of a file"])
def test_a_dataset_sees_whole_messages_in_both_passes(agent: Path, file: bool) -> None:
    """In the first one without tools and system prompts."""
    path = agent / "2026-11-22.jsonl" if file else agent
    for resolve in (False, True):
        for call, record in enumerate(_records([(path, Records(agent))], resolve), 1):
            talk = member(record, "conversation")
            assert talk["messages"] == plain_messages(call)
            assert isinstance(talk["tools"], list) is resolve

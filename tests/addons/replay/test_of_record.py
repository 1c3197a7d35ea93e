"""A record becomes the exchange that it was."""

from pathlib import Path
from typing import Any

import pytest

from addons.records.reader import Records
from addons.replay.captured import Captured, Unplayable
from addons.replay.of_record import captured
from converters.json_codec import JsonObject
from tests.addons.records import samples


def record_of(folder: Path, **more: object) -> JsonObject:
    return samples.made(samples.maker(folder), samples.exchange(**more))


def read(folder: Path, record: JsonObject) -> Captured:
    return captured(record, Records(folder).objects.get, "here")


def test_bodies_come_back_byte_by_byte(tmp_path: Path) -> None:
    """Tools and system prompt from the object store; the attempt's body is that of the client."""
    one = read(tmp_path, record_of(tmp_path))
    assert one.body == samples.anthropic_body()
    [tried] = one.attempts
    assert tried.sent.body == one.body
    assert one.answer is not None
    assert one.answer.body == samples.whole_answer()
    assert not one.answer.streamed


def test_a_stream_comes_back_cut_where_it_was(tmp_path: Path) -> None:
    cut = [samples.ANTHROPIC_STREAM[0][:50], samples.ANTHROPIC_STREAM[0][50:]]
    record = samples.made(samples.maker(tmp_path), samples.streamed(cut))
    one = read(tmp_path, record)
    [tried] = one.attempts
    assert tried.answer is not None
    assert one.answer is not None
    assert [data for _, data in tried.answer.chunks] == cut
    assert [data for _, data in one.answer.chunks] == cut
    assert [seconds for seconds, _ in tried.answer.chunks] == pytest.approx([0.09, 0.19])


def test_who_asked_whom_for_what(tmp_path: Path) -> None:
    one = read(tmp_path, record_of(tmp_path))
    assert (one.protocol, one.action, one.provider, one.where) == ("anthropic", "generate", "claude-custom", "here")
    assert one.attempts[0].outcome == "success"


def test_no_answer_is_none(tmp_path: Path) -> None:
    made = samples.attempt(samples.anthropic_body(), status=None)
    one = read(tmp_path, record_of(tmp_path, attempts=[made], status=None, answer=b""))
    assert one.answer is None
    assert one.attempts[0].answer is None


def test_a_picture_that_was_left_out_has_something_in_its_place(tmp_path: Path) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 100}
    body = samples.anthropic_body(messages=[{"role": "user", "content": [{"type": "image", "source": source}]}])
    record = record_of(tmp_path, body=body, attempts=[samples.attempt(body, samples.whole_answer())])
    one = read(tmp_path, record)
    assert b"[omitted:" not in one.body
    assert one.body == one.attempts[0].sent.body


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "aiclient.record/9"}, "aiclient.record/9"),
        ({"request": {}}, "no whole record"),
        ({"attempts": [{"request": {}}]}, "no whole record"),
        ({"answer": {"status": "200", "headers": [], "body": {"text": ""}}}, "no whole record"),
        ({"answer": {"status": 200, "headers": [], "body": {"same": "/answer"}}}, "no whole record"),
    ],
    ids=["version", "request", "attempt", "status", "a body in itself"],
)
def test_what_is_no_record_says_so(tmp_path: Path, change: JsonObject, reason: str) -> None:
    with pytest.raises(Unplayable, match=reason):
        read(tmp_path, record_of(tmp_path) | change)


def test_a_leg_that_is_missing_is_named(tmp_path: Path) -> None:
    record: Any = record_of(tmp_path)
    for path in (tmp_path / "objects").rglob("*.json"):
        path.unlink()
    with pytest.raises(Unplayable, match="the client's request is missing: a part of it"):
        read(tmp_path, record)
    record["request"]["body"] = {"text": "{}"}
    record["answer"]["body"] = {"omitted": {"sha256": "0" * 64, "bytes": 1, "type": "image/png"}}
    with pytest.raises(Unplayable, match="the client's answer is missing: the body was left out"):
        read(tmp_path, record)


def test_a_head_that_is_no_pair_is_left_out(tmp_path: Path) -> None:
    record: Any = record_of(tmp_path)
    record["answer"]["headers"] = [["A", "1"], ["b"], "c"]
    answer = read(tmp_path, record).answer
    assert answer is not None
    assert answer.headers == [("a", "1")]

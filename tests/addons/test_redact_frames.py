"""Binary frames that held a secret are frames all the same."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.attempts import Attempt
from addons.providers import catalogue
from addons.records.facts import Chunks
from addons.records.objects import Objects
from addons.redact import Redactor
from addons.redact_frames import fit_frames
from addons.replay.captured import Answered
from addons.replay.judge import judge
from addons.replay.of_record import captured
from addons.replay.recording import read, write
from addons.replay_legs import Replay
from converters.eventstream import EventStreamDecoder, Message
from converters.wires import WIRES
from tests.addons.records.samples import BEGAN, exchange, made, maker
from tests.addons.replay.broken import RECORDINGS
from tests.fakes.kiro_frames import error, event

KEY = "sk-ant-Zq7CANARY4tW-abcdefgh"
FRAMES = [("content-type", "application/vnd.amazon.eventstream")]


def text(content: str) -> bytes:
    return event("assistantResponseEvent", {"content": content, "modelId": "m"})


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[n : n + size] for n in range(0, len(data), size)]


def messages(chunks: Iterable[bytes]) -> list[Message]:
    decoder = EventStreamDecoder()
    found = [message for data in chunks for message in decoder.feed(data)]
    decoder.close()
    return found


def contents(chunks: Iterable[bytes]) -> str:
    return "".join(json.loads(message.payload).get("content", "") for message in messages(chunks))


def redacted(chunks: list[bytes], *, split: bool = False) -> list[bytes]:
    return list(Redactor().stream(chunks, "frames", split=split, fit=fit_frames))


@pytest.mark.parametrize("size", [1, 5, 64, 10_000])
def test_a_frame_without_its_secret_can_be_read(size: int) -> None:
    data = text("the key is ") + text(f"{KEY}, keep it; ") + text("really")
    out = redacted(cut(data, size))
    assert contents(out) == "the key is [redacted:key], keep it; really"
    assert len(out) == len(cut(data, size))
    assert KEY.encode() not in b"".join(out)


def test_a_secret_in_pieces_over_several_frames_goes() -> None:
    data = b"".join(text(piece) for piece in ("my key: ", KEY[:9], KEY[9:14], KEY[14:], " and more"))
    out = redacted(cut(data, 50), split=True)
    assert contents(out) == "my key: [redacted:key] and more"
    assert len(messages(out)) == 5


def test_frames_without_a_secret_are_the_same_bytes() -> None:
    chunks = cut(text("nothing ") + text("here"), 20)
    assert redacted(chunks) is not chunks
    assert redacted(chunks) == chunks
    first, second = text("nothing "), text(f"but {KEY}")
    assert b"".join(redacted([first, second])).startswith(first)


def test_a_secret_in_a_frames_headers_leaves_them_as_long_as_they_were() -> None:
    data = error("Refused", f"the key {KEY} is wrong")
    (message,) = messages(redacted([data]))
    assert message.text(":error-message") == "the key [redacted:key]".ljust(len(f"the key {KEY}"), "*") + " is wrong"


@pytest.mark.parametrize("kept", [30, -3])
def test_a_frame_that_was_cut_off_loses_its_secret_all_the_same(kept: int) -> None:
    whole, last = text(f"one {KEY}"), text(f"two {KEY} " + "x" * 50)
    out = b"".join(redacted([whole + last[:kept]]))
    decoder = EventStreamDecoder()
    (first,) = decoder.feed(out)
    assert json.loads(first.payload)["content"] == "one [redacted:key]"
    assert KEY.encode() not in out


@given(st.binary(max_size=60), st.integers(0, 60))
def test_what_is_no_frame_is_redacted_as_it_stands(noise: bytes, place: int) -> None:
    data = noise[:place] + f" {KEY} ".encode() + noise[place:]
    assert b"".join(redacted([data])) == Redactor().body(data)


def test_a_record_of_a_stream_that_held_a_secret_replays(tmp_path: Path) -> None:
    """Kiro's answer, cut anywhere, to a client of another protocol: the same text on both sides."""
    one = read(RECORDINGS / "claude-kiro-oauth" / "responses_text")
    (tried,) = one.attempts
    assert tried.answer is not None
    data = b"".join(text(piece) for piece in ("Use ", KEY[:9], KEY[9:], " to log in, or ", f"{KEY}."))
    data += event("metadataEvent", {"tokenUsage": {"uncachedInputTokens": 20, "outputTokens": 12}})
    said = Answered(200, FRAMES, [(n / 100, piece) for n, piece in enumerate(cut(data, 37))], streamed=True)
    live = Replay().today(replace(one, attempts=[replace(tried, answer=said)]))
    assert live.answer is not None
    sent: Chunks = [(BEGAN + at, out) for at, out in live.answer.chunks]
    attempt = Attempt(
        tried.provider,
        tried.account,
        tried.model,
        "kiro",
        BEGAN,
        "POST",
        tried.sent.url,
        [(name.encode(), value.encode()) for name, value in tried.sent.headers],
        tried.sent.body,
        200,
        [(name.encode(), value.encode()) for name, value in FRAMES],
        chunks=[(BEGAN + at, piece) for at, piece in said.chunks],
        outcome="success",
    )
    facts = exchange(
        wire=WIRES["responses"],
        path=one.path,
        body=one.body,
        asked=one.asked,
        named=one.provider,
        target=one.target,
        served=None,
        provider=catalogue()[one.provider],
        account=tried.account,
        attempts=[attempt],
        answer=b"",
        answer_headers=[(b"content-type", b"text/event-stream")],
        chunks=sent,
    )
    record = made(maker(tmp_path), facts)
    assert KEY not in json.dumps(record)
    again = captured(record, Objects(tmp_path / "objects").get)
    assert again.attempts[0].answer is not None
    told = "Use [redacted:key] to log in, or [redacted:key]."
    assert contents(piece for _, piece in again.attempts[0].answer.chunks) == told
    today = Replay().today(again)
    assert today.answer is not None
    assert told.encode() in today.answer.body
    found = [each for each in judge(again, today).differences if each.leg == "client answer"]
    assert found == []

    write(record, Objects(tmp_path / "objects").get, tmp_path / "recording", Redactor(rules=("log in",)))
    recording = read(tmp_path / "recording")
    assert recording.attempts[0].answer is not None
    told = told.replace("log in", "[redacted:custom]")
    assert contents(piece for _, piece in recording.attempts[0].answer.chunks) == told

"""Flows of a dump as records, and as recordings."""

import json
from pathlib import Path

import jsonschema
import pytest
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowWriter

from addons.flow_dump import read_dump
from addons.replay.captured import Captured
from addons.replay.judge import Verdict
from addons.replay.of_record import captured
from addons.replay.recording import read
from addons.replay.to_record import record_of
from addons.replay_legs import Replay, verdicts
from tests.addons.kept_rig import Kept
from tests.addons.legs_rig import (
    CHAT,
    CHAT_PATH,
    MESSAGE_ANSWER,
    MESSAGE_STREAM,
    MESSAGES,
    MESSAGES_PATH,
    call,
)
from tests.addons.test_cli_replay import status

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "record.schema.json").read_text())


async def whole(path: str) -> HTTPFlow:
    kept = Kept(given={"system_prompts": {"client:*": {"mode": "append", "text": "Ours."}}})
    flow = await kept.asked(call(f"/claude-custom{path}", MESSAGES if path == MESSAGES_PATH else CHAT))
    await kept.answered(flow, MESSAGE_ANSWER)
    return flow


async def streamed(path: str) -> HTTPFlow:
    kept = Kept()
    flow = await kept.asked(
        call(f"/claude-custom{path}", (MESSAGES if path == MESSAGES_PATH else CHAT) | {"stream": True})
    )
    pipe = kept.begun(flow)
    sent = [pipe.feed(MESSAGE_STREAM[:100]), pipe.feed(MESSAGE_STREAM[100:]), pipe.close()]
    assert flow.response is not None
    flow.response.data.content = b"".join(sent)  # as the relay keeps it
    await kept.rig.upstream_leg.response(flow)
    await kept.end(flow)
    return flow


def dump(folder: Path, *flows: HTTPFlow) -> Path:
    path = folder / "dump.flow"
    with path.open("wb") as file:
        for flow in flows:
            FlowWriter(file).add(flow)
    return path


def none(name: str) -> bytes:
    raise AssertionError(name)


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH], ids=["another protocol", "the same protocol"])
@pytest.mark.parametrize("make", [whole, streamed], ids=["whole", "streamed"])
async def test_a_flow_is_a_record_that_replays_as_it_was(path: str, make: object, tmp_path: Path) -> None:
    assert callable(make)
    (one,) = read_dump(dump(tmp_path, await make(path)))
    assert isinstance(one, Captured)
    record = record_of(one, Replay().today(one).record)
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    again = captured(record, none)
    assert (again.body, again.path, again.attempts, again.answer) == (one.body, one.path, one.attempts, one.answer)
    assert again.prompt == one.prompt
    (verdict,) = verdicts([again])
    assert isinstance(verdict, Verdict)
    assert verdict.differences == []
    assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": "Hello"}]  # type: ignore[index, call-overload]


async def test_a_flow_becomes_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, last = await whole(CHAT_PATH), await streamed(CHAT_PATH)
    path = dump(tmp_path, first, last)
    id_ = first.metadata["aiclient"]["id"]
    assert status("record", path, tmp_path / "last") == 0
    assert status("record", path, tmp_path / "named", "--id", id_[:12]) == 0
    assert [read(tmp_path / name).id for name in ("last", "named")] == [last.metadata["aiclient"]["id"], id_]
    assert status("replay", tmp_path / "last", tmp_path / "named") == 0
    assert "2 the same, 0 different" in capsys.readouterr().out
    assert status("record", path, tmp_path / "none", "--id", "zzz") == 1
    assert "no exchange 'zzz'" in capsys.readouterr().err
    assert status("record", path, tmp_path / "several", "--id", "req_") == 1
    assert "more than one" in capsys.readouterr().err


def test_what_is_no_dump_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no dump")
    assert status("record", tmp_path / "notes.txt", tmp_path / "one") == 1
    assert "neither records nor a dump" in capsys.readouterr().err
    assert not (tmp_path / "one").exists()

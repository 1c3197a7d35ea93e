"""The recorder among the other addons: what it notes of an exchange, and which writer gets it."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Response

from addons.recorder import Recorder
from addons.records.reader import Records
from addons.settings import Settings
from converters.errors import Failure, Kind
from tests.addons.legs_rig import (
    BODIES,
    CHAT_ANSWER,
    CHAT_PATH,
    CHAT_STREAM,
    CLAUDE_SECRET,
    KEY,
    MESSAGE_ANSWER,
    MESSAGE_STREAM,
    MESSAGES_PATH,
    OPENAI_SECRET,
    Rig,
    call,
    live,
    with_accounts,
)


@dataclass
class Recording:
    """A rig with a recorder in the place that it has in the proxy."""

    folder: Path
    given: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = with_accounts("openai", "claude", record_dir=str(self.folder), **self.given)
        self.rig = Rig(self.settings)
        self.recorder = Recorder(lambda: self.settings, lambda: [KEY.decode()])

    async def asked(self, flow: HTTPFlow) -> HTTPFlow:
        """Up to the moment when the relay sends it."""
        content, flow.request.data.content = flow.request.data.content, b""
        self.rig.client_leg.requestheaders(flow)
        self.recorder.requestheaders(flow)
        flow.request.data.content = content
        self.rig.client_leg.request(flow)
        await self.rig.upstream_leg.request(flow)
        if flow.response is not None:
            self.end(flow)
        return flow

    async def answered(self, flow: HTTPFlow, body: object, status: int = 200) -> None:
        flow.response = Response.make(status, b"", Headers(content_type="application/json"))
        flow.response.data.content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.rig.upstream_leg.responseheaders(flow)
        self.recorder.responseheaders(flow)
        await self.rig.upstream_leg.response(flow)
        self.end(flow)

    def begun(self, flow: HTTPFlow) -> Any:
        """The head of a stream is here; the pipe that the relay feeds."""
        flow.response = Response.make(200, b"", Headers(content_type="text/event-stream"))
        self.rig.upstream_leg.responseheaders(flow)
        self.recorder.responseheaders(flow)
        return live(flow).pipe

    def end(self, flow: HTTPFlow) -> None:
        self.recorder.response(flow)
        self.rig.access_log.response(flow)

    def records(self) -> list[Any]:
        self.recorder.done()
        return list(Records(self.folder).each())

    @property
    def bytes_on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    made = Recording(tmp_path / "records")
    yield made
    made.recorder.done()


async def test_a_whole_exchange_is_on_record(recording: Recording) -> None:
    flow = await recording.asked(
        call(f"/claude-custom{CHAT_PATH}?key=x", BODIES[CHAT_PATH], headers={"User-Agent": "agent/2"})
    )
    await recording.answered(flow, MESSAGE_ANSWER)
    (record,) = recording.records()
    assert record["id"] == live(flow).id
    assert record["client"] == {"protocol": "chat", "agent": "agent/2", "action": "generate", "code_assist": False}
    assert record["route"] | {"why": ""} == {
        "asked": "m",
        "named": "claude-custom",
        "provider": "claude-custom",
        "account": "claude-custom:default",
        "target": "m",
        "served": "claude-2026",
        "why": "",
    }
    assert (record["request"]["method"], record["request"]["path"]) == ("POST", f"/claude-custom{CHAT_PATH}")
    (made,) = record["attempts"]
    assert (made["wire"], made["outcome"], made["answer"]["status"]) == ("anthropic", "success", 200)
    assert made["request"]["url"] == "https://claude.test/v1/messages"
    assert json.loads(made["answer"]["body"]["text"]) == MESSAGE_ANSWER
    assert json.loads(record["answer"]["body"]["text"])["object"] == "chat.completion"
    assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": "Hello"}]
    assert (record["state"], record["stop_reason"], record["usage"]["output_tokens"]) == ("complete", "stop", 2)
    assert record["began"] <= record["first_byte"] <= record["ended"]


@pytest.mark.parametrize(
    ("path", "stream"), [(CHAT_PATH, CHAT_STREAM), (MESSAGES_PATH, MESSAGE_STREAM)], ids=["chat", "messages"]
)
async def test_a_stream_is_on_record_chunk_by_chunk_on_both_sides(
    path: str, stream: bytes, recording: Recording
) -> None:
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    provider = "openai-custom" if path == CHAT_PATH else "claude-custom"
    flow = await recording.asked(call(f"/{provider}{path}", body))
    pipe = recording.begun(flow)
    sent = [pipe.feed(stream[:100]), pipe.feed(stream[100:]), pipe.close()]
    await recording.rig.upstream_leg.response(flow)
    recording.end(flow)
    records = Records(recording.folder)
    (record,) = recording.records()
    assert [data for _, data in records.answer(record, 0)] == [stream[:100], stream[100:]]
    assert [data for _, data in records.answer(record)] == [out for out in sent if out]
    assert record["state"] == "complete"
    assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": "Hello"}]


async def test_a_stream_that_breaks_off_is_cut(recording: Recording) -> None:
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    flow = await recording.asked(call(f"/claude-custom{MESSAGES_PATH}", body))
    pipe = recording.begun(flow)
    cut = MESSAGE_STREAM.index(b"event: content_block_stop")
    pipe.feed(MESSAGE_STREAM[:cut])
    pipe.fail(Kind.BROKEN_STREAM, "the provider broke off")
    recording.end(flow)
    (record,) = recording.records()
    assert (record["state"], record["error"]) == ("cut", "the provider broke off")
    assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": "Hello"}]


async def test_a_stream_that_breaks_before_it_says_anything_is_an_error(recording: Recording) -> None:
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    flow = await recording.asked(call(f"/claude-custom{MESSAGES_PATH}", body))
    pipe = recording.begun(flow)
    assert pipe.fail(Kind.BROKEN_STREAM, "the provider broke off") == b""
    flow.response = live(flow).failure_response(pipe.failed)
    recording.end(flow)
    (record,) = recording.records()
    assert (record["state"], record["answer"]["status"]) == ("failed", 502)
    assert json.loads(record["answer"]["body"]["text"])["error"]["message"] == "the provider broke off"


async def test_a_client_that_leaves_is_on_record_once(recording: Recording) -> None:
    flow = await recording.asked(call(MESSAGES_PATH))
    flow.error, live(flow).client_left = Error("Client disconnected."), True
    recording.recorder.error(flow)
    recording.recorder.error(flow)
    (record,) = recording.records()
    assert (record["state"], record["answer"], record["error"]) == ("cancelled", None, "Client disconnected.")


async def test_who_ended_it_does_not_follow_from_words(recording: Recording) -> None:
    flow = await recording.asked(call(MESSAGES_PATH))
    flow.error = Error("The client's request body is malformed.")
    recording.recorder.error(flow)
    (record,) = recording.records()
    assert (record["state"], record["chaos"]) == ("failed", None)


async def test_a_fault_on_purpose_is_named(recording: Recording) -> None:
    """One that strikes on the way to the client leaves a good status and half an answer."""
    flow = await recording.asked(call(MESSAGES_PATH))
    flow.metadata["aiclient"]["chaos"] = "cut;after=3"
    live(flow).failure = Failure(200, "chaos: cut;after=3")
    await recording.answered(flow, MESSAGE_ANSWER)
    (record,) = recording.records()
    assert (record["chaos"], record["state"], record["error"]) == ("cut", "cut", "chaos: cut;after=3")


async def test_a_refusal_is_on_record(recording: Recording) -> None:
    await recording.asked(call(MESSAGES_PATH, b"{"))
    (record,) = recording.records()
    assert (record["state"], record["answer"]["status"], record["attempts"]) == ("failed", 400, [])
    assert record["conversation"] is None


async def test_side_traffic_is_not_on_record(recording: Recording) -> None:
    await recording.asked(call("/health"))
    await recording.asked(call("/favicon.ico"))
    assert [record["client"]["action"] for record in recording.records()] in ([], ["quiet"])


async def test_no_credential_of_ours_is_on_disk(recording: Recording) -> None:
    """Also where the provider repeats it, and where it came in as a client's word."""
    echo = {**MESSAGE_ANSWER, "content": [{"type": "text", "text": f"your key {CLAUDE_SECRET} and {KEY.decode()}"}]}
    flow = await recording.asked(
        call(
            f"/claude-custom{MESSAGES_PATH}",
            BODIES[MESSAGES_PATH],
            headers={"X-Api-Key": KEY.decode(), "Cookie": "c=hunter2"},
        )
    )
    await recording.answered(flow, echo)
    (record,) = recording.records()
    disk = recording.bytes_on_disk
    for secret in (CLAUDE_SECRET.encode(), OPENAI_SECRET.encode(), KEY, b"hunter2"):
        assert secret not in disk
    assert record["conversation"]["answer"]["parts"][0]["text"] == "your key [redacted:known] and [redacted:known]"


async def test_nothing_is_kept_where_nobody_asks_for_it(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "records", {"record": False})
    flow = await recording.asked(call(f"/claude-custom{MESSAGES_PATH}", BODIES[MESSAGES_PATH]))
    assert not live(flow).keeps_bodies
    await recording.answered(flow, MESSAGE_ANSWER)
    assert recording.records() == []
    assert not recording.folder.exists()


async def test_changed_settings_count_from_the_next_exchange_on(recording: Recording, tmp_path: Path) -> None:
    first = await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH]))
    await recording.answered(first, CHAT_ANSWER)
    recording.settings = recording.settings.model_copy(update={"record_dir": str(tmp_path / "other")})
    second = await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH]))
    await recording.answered(second, CHAT_ANSWER)
    recording.recorder.done()
    assert [record["id"] for record in Records(tmp_path / "other").each()] == [live(second).id]
    await asyncio.to_thread(_until_written, recording.folder)
    assert [record["id"] for record in Records(recording.folder).each()] == [live(first).id]


def _until_written(folder: Path) -> None:
    until = time.monotonic() + 5
    while not list(folder.glob("*.jsonl")) and time.monotonic() < until:
        time.sleep(0.01)


async def test_a_transcript_goes_to_a_file_of_its_own_without_records(tmp_path: Path) -> None:
    given: dict[str, object] = {
        "record": False,
        "log_prompts": "file",
        "prompt_log_base_name": str(tmp_path / "logs" / "talk"),
    }
    recording = Recording(tmp_path / "records", given)
    await recording.answered(await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH])), CHAT_ANSWER)
    recording.recorder.done()
    (file,) = (tmp_path / "logs").iterdir()
    assert file.name.startswith("talk-20")
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert "[user]\nHi\n[assistant]\nHello\n" in text
    assert not recording.folder.exists()


async def test_a_transcript_on_the_console_beside_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = Recording(tmp_path / "records", {"log_prompts": "console"})
    await recording.answered(await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH])), CHAT_ANSWER)
    assert len(recording.records()) == 1
    assert "[assistant]\nHello\n" in capsys.readouterr().out


async def test_a_folder_that_cannot_be_written_costs_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "records").write_text("a file")
    recording = Recording(tmp_path / "records")
    with caplog.at_level(logging.WARNING, "aiclient"):
        for _ in range(3):
            flow = await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH]))
            await recording.answered(flow, CHAT_ANSWER)
            assert flow.response is not None
            assert flow.response.status_code == 200
        recording.recorder.done()
    assert [record.levelname for record in caplog.records if "records" in record.message] == ["WARNING"]


def test_transcripts_are_written_also_where_records_cannot_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "records").write_text("a file")
    given: dict[str, object] = {"log_prompts": "file", "prompt_log_base_name": str(tmp_path / "talk")}
    recording = Recording(tmp_path / "records", given)

    async def exchange() -> None:
        flow = await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH]))
        await recording.answered(flow, CHAT_ANSWER)

    asyncio.run(exchange())
    recording.recorder.done()
    (transcript,) = tmp_path.glob("talk-*.log")
    assert "[assistant]\nHello\n" in transcript.read_text()
    assert "records cannot be written" in caplog.text


async def test_a_fault_of_the_recorder_does_not_reach_the_flow(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    flow = await recording.asked(call(f"/openai-custom{CHAT_PATH}", BODIES[CHAT_PATH]))
    live(flow).query = None  # type: ignore[assignment]
    live(flow).request_headers = None  # type: ignore[assignment]
    flow.response = Response.make(200)
    recording.recorder.response(flow)
    assert "cannot be recorded" in caplog.text


def test_flows_of_others_are_left_alone(recording: Recording) -> None:
    flow = call("/elsewhere")
    recording.recorder.requestheaders(flow)
    recording.recorder.responseheaders(flow)
    recording.recorder.response(flow)
    recording.recorder.error(flow)
    assert recording.recorder.writer is None


def test_records_are_on_unless_somebody_turns_them_off() -> None:
    assert Settings().record
    assert Settings().redact

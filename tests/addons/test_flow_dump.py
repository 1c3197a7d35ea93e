"""Dumps of mitmproxy: what of them can be replayed, and why the rest cannot."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowWriter
from mitmproxy.test.tflow import tflow

from addons.flow_dump import read_dump
from addons.replay.captured import Captured, Unplayed
from addons.replay.judge import Verdict
from addons.replay.sources import NoSource
from addons.replay_legs import verdicts
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CHAT_STREAM,
    MESSAGES,
    MESSAGES_PATH,
    Rig,
    call,
    with_accounts,
)
from tests.addons.records.samples import ANTHROPIC_STREAM

CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
GEMINI_STREAM = (
    b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","index":0}],'
    b'"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2},"modelVersion":"m"}\n\n'
)


async def flow_of(
    path: str, body: object, answer: object, content_type: str = "application/json", name: str = "openai"
) -> HTTPFlow:
    """As a `-w` file has it after the exchange."""
    rig = Rig(with_accounts(name))
    flow = await rig.ask(call(path, body))
    await rig.answer(flow, answer, content_type=content_type)
    flow.response.stream = False  # type: ignore[union-attr]
    return flow


def dumped(tmp_path: Path, *flows: HTTPFlow) -> Path:
    path = tmp_path / "flows.mitm"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in flows:
            writer.add(flow)
    return path


def only(path: Path) -> Captured | Unplayed:
    [found] = read_dump(path)
    return found


@pytest.mark.parametrize(
    ("path", "body", "answer", "content_type", "name"),
    [
        (CHAT_PATH, CHAT, CHAT_ANSWER, "application/json", "openai"),
        (CHAT_PATH, {**CHAT, "stream": True}, CHAT_STREAM, "text/event-stream", "openai"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", CONTENTS, GEMINI_STREAM, "text/event-stream", "gemini"),
    ],
    ids=["whole", "stream", "gemini"],
)
async def test_what_passed_as_it_came_can_be_replayed(
    tmp_path: Path, path: str, body: object, answer: object, content_type: str, name: str
) -> None:
    flow = await flow_of(path, body, answer, content_type, name)
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Captured), found
    [verdict] = verdicts([found])
    assert isinstance(verdict, Verdict), verdict
    assert verdict.differences == []


async def test_a_reader_that_is_broken_is_found_by_a_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = await flow_of(CHAT_PATH, {**CHAT, "stream": True}, CHAT_STREAM, "text/event-stream")
    found = only(dumped(tmp_path, flow))

    def fails(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("converters.openai_chat.reader.StreamReader.feed", fails)
    [verdict] = verdicts([found])
    assert isinstance(verdict, Verdict)
    assert verdict.differences


async def test_what_was_converted_needs_a_record(tmp_path: Path) -> None:
    flow = await flow_of(MESSAGES_PATH, None, CHAT_ANSWER)
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert "an older version" in found.reason
    assert found.id.startswith("req_")


def _without_answer(flow: HTTPFlow) -> None:
    flow.response = None


def _without_bodies(flow: HTTPFlow) -> None:
    assert flow.response is not None
    flow.response.data.content = None


def _tried_twice(flow: HTTPFlow) -> None:
    flow.metadata["aiclient"]["attempts"] = [{}, {}]


def _of_nobody(flow: HTTPFlow) -> None:
    del flow.metadata["aiclient"]["provider"]


def _of_models(flow: HTTPFlow) -> None:
    flow.request.path, flow.request.method = "/v1/models", "GET"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_without_answer, "there is no answer"),
        (_without_bodies, "store_streamed_bodies"),
        (_tried_twice, "it took 2 attempts"),
        (_of_nobody, "no provider was asked"),
        (_of_models, "needs all legs"),
    ],
    ids=["no answer", "no bodies", "attempts", "nobody", "models"],
)
async def test_what_is_missing_is_said(tmp_path: Path, change: Callable[[HTTPFlow], None], reason: str) -> None:
    flow = await flow_of(CHAT_PATH, None, CHAT_ANSWER)
    change(flow)
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert reason in found.reason


async def test_flows_of_others_are_passed_over(tmp_path: Path) -> None:
    stranger: Any = tflow(resp=True)
    ours = await flow_of(CHAT_PATH, None, CHAT_ANSWER)
    assert isinstance(only(dumped(tmp_path, stranger, ours)), Captured)


async def test_a_dump_that_ends_in_the_middle_gives_what_it_has(tmp_path: Path) -> None:
    flow = await flow_of(CHAT_PATH, None, CHAT_ANSWER)
    path = dumped(tmp_path, flow, flow)
    path.write_bytes(path.read_bytes()[:-100])
    first, last = read_dump(path)
    assert isinstance(first, Captured)
    assert isinstance(last, Unplayed)
    assert "middle of flow 2" in last.reason


def test_another_kind_of_file_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(NoSource, match="neither records nor a dump"):
        list(read_dump(tmp_path / "a.txt"))


# --- with legs ---


def with_legs(**change: Any) -> HTTPFlow:
    """An Anthropic client at a Chat provider, its stream in two chunks; the shape is that of `addons/legs.py`."""
    headers = [["accept", "text/event-stream"], ["content-type", "application/json"]]
    sent = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    sent |= {"max_completion_tokens": 100, "stream_options": {"include_usage": True}}
    attempt = {
        "provider": "openai-custom",
        "account": "openai-custom:default",
        "model": "gpt-5",
        "wire": "chat",
        "outcome": "success",
        "request": {
            "method": "POST",
            "url": "https://openai.test/v1/chat/completions",
            "headers": headers,
            "body": {"text": json.dumps(sent)},
        },
        "answer": {
            "status": 200,
            "headers": [["content-type", "text/event-stream"]],
            "body": {"text": CHAT_STREAM.decode()},
            "chunks": [[0.1, 100], [0.2, len(CHAT_STREAM) - 100]],
        },
    }
    client = {
        "method": "POST",
        "path": "/v1/messages",
        "headers": [["content-type", "application/json"]],
        "code_assist": 0,
        "body": {"text": json.dumps({**MESSAGES, "stream": True})},
    }
    legs = {
        "action": "generate",
        "state": "complete",
        "began": 1.0,
        "ended": 2.0,
        "client": client,
        "attempts": [attempt],
    }
    flow = tflow(resp=True)
    flow.metadata["aiclient"] = {
        "id": "req_" + "1" * 24,
        "client": "anthropic",
        "provider": "openai-custom",
        "model": "gpt-5",
        "dropped": {},
        "changed": {},
        "noted": {},
        "legs": legs | change,
    }
    assert flow.response is not None
    flow.response.headers["content-type"] = "text/event-stream"
    flow.response.content = b"".join(
        [
            *ANTHROPIC_STREAM[:2],
            ANTHROPIC_STREAM[2].replace(b"It rai", b"Hel"),
            ANTHROPIC_STREAM[3].replace(b"ns.", b"lo"),
            *ANTHROPIC_STREAM[4:],
        ]
    )
    return flow


def test_all_legs_are_read_with_their_chunks(tmp_path: Path) -> None:
    found = only(dumped(tmp_path, with_legs()))
    assert isinstance(found, Captured)
    assert (found.protocol, found.asked, found.title) == ("anthropic", "m", "anthropic -> openai-custom/gpt-5")
    [tried] = found.attempts
    assert tried.answer is not None
    assert [len(data) for _, data in tried.answer.chunks] == [100, len(CHAT_STREAM) - 100]
    assert tried.answer.body == CHAT_STREAM
    assert found.answer is not None
    assert b"message_stop" in found.answer.body


def test_what_was_converted_is_replayed_by_its_legs(tmp_path: Path) -> None:
    """Only what this example made up differs: the tokens that the client was told of."""
    [verdict] = verdicts([only(dumped(tmp_path, with_legs()))])
    assert isinstance(verdict, Verdict), verdict
    assert {each.leg for each in verdict.differences} == {"client answer"}
    assert {each.path.split(".")[0] for each in verdict.differences} <= {"usage", "model"}, verdict


def test_what_stands_in_another_leg_is_found_there(tmp_path: Path) -> None:
    flow = with_legs()
    flow.metadata["aiclient"]["legs"]["client"]["body"] = {"same": "/attempts/0/request/body"}
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Captured)
    assert found.body == found.attempts[0].sent.body


def test_a_leg_that_is_not_whole_is_named(tmp_path: Path) -> None:
    flow = with_legs()
    flow.metadata["aiclient"]["legs"]["attempts"][0]["answer"]["body"] = {"text": "data:", "cut": 5_000_000}
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert found.reason.startswith("the answer of attempt 1 is not whole: of its 5000000 bytes")


def test_an_attempt_without_an_answer_has_none(tmp_path: Path) -> None:
    flow = with_legs()
    del flow.metadata["aiclient"]["legs"]["attempts"][0]["answer"]
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Captured)
    assert found.attempts[0].answer is None

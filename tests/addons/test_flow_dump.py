"""Dumps of mitmproxy: what of them can be replayed, and why the rest cannot."""

import json
from dataclasses import replace
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
from tests.addons.kept_rig import Kept
from tests.addons.legs_rig import CHAT, CHAT_PATH, CHAT_STREAM, MESSAGE_ANSWER, MESSAGES, MESSAGES_PATH, call
from tests.addons.records.samples import ANTHROPIC_STREAM


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


def test_a_flow_without_legs_says_so(tmp_path: Path) -> None:
    flow = with_legs()
    del flow.metadata["aiclient"]["legs"]
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert found.reason == "its legs are not in the dump: nobody kept flows yet when it began"
    assert found.id.startswith("req_")


def test_an_answer_that_was_not_kept_is_said(tmp_path: Path) -> None:
    flow = with_legs()
    assert flow.response is not None
    flow.response.data.content = None
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert "store_streamed_bodies" in found.reason


def test_flows_of_others_are_passed_over(tmp_path: Path) -> None:
    stranger: Any = tflow(resp=True)
    assert isinstance(only(dumped(tmp_path, stranger, with_legs())), Captured)


@pytest.mark.parametrize("count", [0, 2])
def test_a_dump_without_a_flow_of_ours_says_so(tmp_path: Path, count: int) -> None:
    found = only(dumped(tmp_path, *(tflow(resp=True) for _ in range(count))))
    assert isinstance(found, Unplayed)
    assert found.reason == f"it holds no exchange of aiclient ({count} flows)"


def test_a_dump_that_ends_in_the_middle_gives_what_it_has(tmp_path: Path) -> None:
    path = dumped(tmp_path, with_legs(), with_legs())
    path.write_bytes(path.read_bytes()[:-100])
    first, last = read_dump(path)
    assert isinstance(first, Captured)
    assert isinstance(last, Unplayed)
    assert "middle of flow 2" in last.reason


def test_damage_that_mitmproxy_does_not_expect_is_told_as_well(tmp_path: Path) -> None:
    """Its reader raises KeyError where a member's name is damaged."""
    path = dumped(tmp_path, with_legs(), with_legs())
    written = path.read_bytes()
    at = written.rindex(b"server_conn")
    path.write_bytes(written[:at] + b"S" + written[at + 1 :])
    first, last = read_dump(path)
    assert isinstance(first, Captured)
    assert isinstance(last, Unplayed)
    assert "damaged" in last.reason


@pytest.mark.parametrize("content", [b"hello", b"12:hello", b"999999999999:hello"], ids=["text", "short", "vast"])
def test_another_kind_of_file_is_no_source(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(NoSource, match="neither records nor a dump"):
        list(read_dump(tmp_path / "a.txt"))


def test_a_body_that_points_at_itself_is_told(tmp_path: Path) -> None:
    flow = with_legs()
    flow.metadata["aiclient"]["legs"]["client"]["body"] = {"same": "/client/body"}
    assert isinstance(only(dumped(tmp_path, flow)), Unplayed)


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


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH], ids=["same protocol", "another"])
@pytest.mark.parametrize("mode", ["overwrite", "append", "prepend", "replace"])
async def test_a_flow_with_a_prompt_of_the_operators_is_replayed_as_it_was(
    path: str, mode: str, tmp_path: Path
) -> None:
    rule = {"mode": mode, "replacements": [["cat", "dog"]]} if mode == "replace" else {"mode": mode, "text": "Ours."}
    kept = Kept(given={"system_prompts": {"client:*": rule}})
    body = MESSAGES | {"system": "A cat."} if path == MESSAGES_PATH else CHAT
    flow = await kept.asked(call(f"/claude-custom{path}", body))
    await kept.answered(flow, MESSAGE_ANSWER)
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Captured)
    assert b"Ours." not in found.body
    [verdict] = verdicts([found])
    assert isinstance(verdict, Verdict)
    assert (verdict.differences, verdict.rewritten) == ([], [])
    [other] = verdicts([replace(found, attempts=[replace(tried, prompt=None) for tried in found.attempts])])
    assert isinstance(other, Verdict)
    assert bool(other.differences) is (mode != "replace" or path == MESSAGES_PATH), "without it the request is another"


def test_a_prompt_of_the_operators_that_is_not_whole_is_told(tmp_path: Path) -> None:
    flow = with_legs()
    flow.metadata["aiclient"]["legs"]["system_prompt"] = {"mode": "append"}
    found = only(dumped(tmp_path, flow))
    assert isinstance(found, Unplayed)
    assert "not whole" in found.reason

"""Verdicts: what counts in each leg."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from addons.replay.captured import Captured, Sent, Today
from addons.replay.compare import Difference
from addons.replay.judge import judge
from addons.replay.recording import read
from addons.replay_legs import Replay
from tests.addons.replay.broken import RECORDINGS

NAME = "claude-custom/chat_thinking"


def both() -> tuple[Captured, Today]:
    one = read(RECORDINGS / NAME)
    return one, Replay().today(one)


def sent(today: Today) -> Sent:
    [one] = today.sent
    assert isinstance(one, Sent)
    return one


def with_body(today: Today, **change: Any) -> Today:
    was = sent(today)
    body = json.dumps(json.loads(was.body) | change).encode()
    return replace(today, sent=[replace(was, body=body)])


def test_what_comes_out_the_same_has_no_difference() -> None:
    verdict = judge(*both())
    assert (verdict.differences, verdict.rewritten) == ([], [])


def test_a_request_that_is_written_differently_is_noted_and_no_difference() -> None:
    one, today = both()
    verdict = judge(one, with_body(today, stop_sequences=[]))
    assert (verdict.differences, verdict.rewritten) == ([], ["attempt 1 request"])


def test_a_field_of_a_request_counts() -> None:
    one, today = both()
    [each] = judge(one, with_body(today, max_tokens=7)).differences
    assert (each.leg, each.path, each.today) == ("attempt 1 request", "max_tokens", 7)


def test_path_query_and_heads_of_a_request_count_but_not_host_or_version() -> None:
    one, today = both()
    was = sent(today)
    same = replace(was, url=was.url.replace("127.0.0.1", "elsewhere.test"), headers=[*was.headers, ("user-agent", "x")])
    assert judge(one, replace(today, sent=[same])).differences == []
    other = replace(was, url=was.url + "/batches?beta=true", headers=[*was.headers, ("anthropic-beta", "x")])
    paths = [each.path for each in judge(one, replace(today, sent=[other])).differences]
    assert paths == ["path", "query.beta", "headers.anthropic-beta"]


def test_a_head_that_was_redacted_cannot_be_compared() -> None:
    one, today = both()
    [tried] = one.attempts
    fields = [*tried.sent.headers, ("x-amzn-kiro-profile-arn", "[redacted:custom]")]
    one = replace(one, attempts=[replace(tried, sent=replace(tried.sent, headers=fields))])
    assert judge(one, today).differences == []


STREAMED = [
    path.parent.relative_to(RECORDINGS).as_posix()
    for path in sorted(RECORDINGS.rglob("exchange.json"))
    if (path.parent / "client_answer.chunks.json").exists()
]
_OF_NO_MEANING = (b"event: ping\n", b'"partial_json":""')  # frames that no client misses


@pytest.mark.parametrize("name", STREAMED)
def test_every_frame_of_a_stream_counts(name: str) -> None:
    """Whichever frame a writer leaves out, it is a difference."""
    one = read(RECORDINGS / name)
    today = Replay().today(one)
    assert today.answer is not None
    frames = re.findall(rb".+?\n\n", today.answer.body, re.DOTALL)
    for number, frame in enumerate(frames):
        if any(word in frame for word in _OF_NO_MEANING):
            continue
        without = [*frames[:number], *frames[number + 1 :]]
        answer = replace(today.answer, chunks=[(0.0, b"".join(without))])
        assert judge(one, replace(today, answer=answer)).differences, frame


@pytest.mark.parametrize("name", ["claude-custom/chat_thinking", "openai-custom/responses_tool_call"])
def test_the_end_of_a_stream_comes_last(name: str) -> None:
    one = read(RECORDINGS / name)
    today = Replay().today(one)
    assert today.answer is not None
    *frames, before, last = re.findall(rb".+?\n\n", today.answer.body, re.DOTALL)
    turned = replace(today.answer, chunks=[(0.0, b"".join([*frames, last, before]))])
    found = judge(one, replace(today, answer=turned)).differences
    assert found
    assert all(each.path.startswith("events[") for each in found)


def test_another_content_type_is_one_difference() -> None:
    one, today = both()
    assert today.answer is not None
    verdict = judge(one, replace(today, answer=replace(today.answer, headers=[("content-type", "application/json")])))
    assert verdict.differences == [Difference("client answer", "content-type", "text/event-stream", "application/json")]


def test_names_of_what_was_lost_count_and_the_reasons_do_not() -> None:
    one, today = both()
    record = dict(today.record)
    record["loss"] = {"dropped": {"seed": "said so"}, "changed": {}, "noted": {"x": "y"}}
    [each] = judge(one, replace(today, record=record)).differences
    assert (each.leg, each.path) == ("loss", "dropped[0]")


def test_where_nothing_was_noted_nothing_is_compared() -> None:
    """A dump of flows has no facts."""
    one, today = both()
    assert judge(replace(one, record={}), replace(today, record={"stop_reason": "length"})).differences == []


def test_what_stands_for_a_picture_is_not_the_picture() -> None:
    one, today = both()

    def talk(sha: str, **more: str) -> dict[str, Any]:
        part = {"type": "image", "media_type": "image/png", "sha256": sha, **more}
        return {"conversation": {"messages": [{"role": "user", "parts": [part]}]}}

    assert judge(replace(one, record=talk("a" * 64)), replace(today, record=talk("b" * 64))).differences == []
    found = judge(replace(one, record=talk("a" * 64)), replace(today, record=talk("b", detail="low"))).differences
    assert [each.path for each in found] == ["messages[0].parts[0].detail"]


def test_an_attempt_that_the_client_cut_short_has_no_outcome_to_compare() -> None:
    one, today = both()
    [tried] = one.attempts
    one = replace(one, attempts=[replace(tried, outcome="cancelled")])
    assert judge(one, today).differences == []

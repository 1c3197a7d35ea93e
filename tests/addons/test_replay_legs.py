"""Recordings through today's code: the same when nothing is broken, and red, with the place named, when a converter is."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addons.providers import catalogue
from addons.records.facts import Facts
from addons.records.reader import Records
from addons.replay.captured import Captured, Unplayed
from addons.replay.compare import NOTHING, Difference
from addons.replay.judge import Verdict
from addons.replay.of_record import captured
from addons.replay.recording import read
from addons.replay_legs import BROKE_OFF, Replay, verdicts
from addons.settings import Settings
from converters import sse
from converters.errors import Kind, UpstreamError
from converters.events import (
    Finish,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, ToolCall
from converters.wires import WIRES
from tests.addons.records import samples
from tests.addons.replay.broken import RECORDINGS, break_reader, break_wire, places, replayed, told

ROOT = Path(__file__).parents[2]


def verdict_of(*one: Captured | Unplayed, settings: Settings | None = None) -> Verdict | Unplayed:
    *_, last = verdicts(one, settings)
    return last


def from_facts(tmp_path: Path, **more: object) -> Captured:
    return of_facts(tmp_path, samples.exchange(**more))


def of_facts(tmp_path: Path, facts: Facts) -> Captured:
    """Its attempts with the heads that they would have had."""
    for made in facts.attempts:
        made.headers = [
            (b"accept", b"text/event-stream" if made.chunks else b"application/json"),
            (b"content-type", b"application/json"),
            (b"anthropic-version", b"2023-06-01"),
        ]
    records = Records(tmp_path)
    record = records.resolved(samples.made(samples.maker(tmp_path), facts))
    return captured(record, records.objects.get)


# --- deterministic ---


def test_two_replays_give_the_same_bytes() -> None:
    """Ids and clock are handed in."""
    for mark in sorted(RECORDINGS.rglob("exchange.json")):
        one = read(mark.parent)
        first, second = Replay().today(one), Replay().today(one)
        assert first.sent == second.sent, mark
        assert first.answer is not None
        assert second.answer is not None
        assert first.answer.body == second.answer.body, mark


def test_what_the_wire_says_when_a_stream_is_cut_is_known_here() -> None:
    assert f'"{BROKE_OFF}{{event.message}}"' in (ROOT / "addons/relay/stream.py").read_text()


# --- broken converters ---


def test_a_wrong_stop_reason_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_table("converters.anthropic.writer", "_STOP_REASONS"), "tool_calls", "end_turn")
    assert told("openai-qwen-oauth/anthropic_tool_call") == [
        Difference("client answer", "stop_reason", "tool_use", "end_turn")
    ]


def test_a_stop_reason_that_is_read_wrongly_is_named_in_bypass_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes pass as they came; what was noted of them differs."""
    monkeypatch.setitem(_table("converters.openai_chat.reader", "_REASONS"), "stop", "length")
    assert told("openai-custom/chat_text") == [Difference("stop reason", "", "stop", "length")]


def _table(module: str, name: str) -> dict[str, str]:
    found = vars(__import__(module, fromlist=["_"]))[name]
    assert isinstance(found, dict)
    return found


def test_a_tool_call_that_is_dropped_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_calls(event: StreamEvent) -> Iterable[StreamEvent]:
        return () if isinstance(event, ToolStart | ToolArgs | ToolEnd) else (event,)

    break_reader(monkeypatch, "openaiResponses-custom", without_calls)
    found = told("openaiResponses-custom/chat_tool_call")
    assert ("conversation", "answer.parts[1]") in places(found)
    [call] = [each for each in found if each.leg == "client answer" and "tool_calls" in each.path]
    assert "get_weather" in json.dumps(call.recorded)
    assert call.today is NOTHING


def test_one_of_two_calls_that_is_dropped_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bypass as well, where the client still gets it."""
    break_reader(monkeypatch, "claude-custom", lambda event: () if _is_second(event) else (event,))
    assert places(told("claude-custom/anthropic_parallel_calls")) == {("conversation", "answer.parts[1]")}


def _is_second(event: StreamEvent) -> bool:
    return isinstance(event, ToolStart | ToolArgs | ToolEnd) and event.block == 1


def test_a_chunk_boundary_inside_a_character_that_is_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = sse.SSEDecoder.feed
    monkeypatch.setattr(sse.SSEDecoder, "feed", lambda self, data: feed(self, data.decode(errors="replace").encode()))
    found = told("gemini-custom/chat_cut_inside_characters")
    [text] = [each for each in found if each.leg == "client answer"]
    assert text.path == "choices[0].message.content"
    assert "Grüße" in str(text.recorded)
    assert "\N{REPLACEMENT CHARACTER}" in str(text.today)


def test_thinking_that_is_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(event: StreamEvent) -> Iterable[StreamEvent]:
        return () if isinstance(event, ThinkingStart | ThinkingDelta | ThinkingEnd) else (event,)

    break_reader(monkeypatch, "claude-kiro-oauth", without)
    found = places(told("claude-kiro-oauth/anthropic_thinking"))
    assert {("client answer", "content[0]"), ("conversation", "answer.parts[0]")} <= found


def test_usage_that_is_counted_wrongly_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_output(event: StreamEvent) -> Iterable[StreamEvent]:
        if isinstance(event, UsageUpdate):
            return (UsageUpdate(Usage(input_total=event.usage.input_total)),)
        return (event,)

    break_reader(monkeypatch, "gemini-cli-oauth", without_output)
    found = told("gemini-cli-oauth/gemini_text") + told("gemini-cli-oauth/anthropic_tool_call")
    assert ("usage", "output_tokens") in places(found)
    assert any(each.leg == "client answer" and each.path == "usage.output_tokens" for each in found)


def test_a_cut_stream_that_is_passed_off_as_whole_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = WIRES["anthropic"]

    class Trusting:
        def __init__(self, profile: Profile, chat: Chat | None = None, /) -> None:
            self._reader = wire.stream_reader(profile, chat)

        def feed(self, data: bytes) -> Iterable[StreamEvent]:
            return self._reader.feed(data)

        def close(self) -> Iterator[StreamEvent]:
            yield Finish("stop")

    break_wire(monkeypatch, "claude-custom", stream_reader=Trusting)
    found = told("claude-custom/responses_stream_without_its_end")
    assert Difference("attempt 1 answer", "outcome", "broken_stream", "success") in found
    assert Difference("client answer", "ends", "response.failed", "response.completed") in found


def test_an_error_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def misread(status: int, headers: object, body: bytes) -> UpstreamError:
        return UpstreamError(Kind.SERVER, "wrong", status=status)

    break_wire(monkeypatch, "openaiResponses-custom", read_error=misread)
    found = told("openaiResponses-custom/gemini_too_many_requests")
    assert Difference("attempt 1 answer", "outcome", "rate_limit", "server") in found
    assert Difference("client answer", "status", 429, 502) in found


def test_the_first_attempt_of_two_is_judged_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def misread(status: int, headers: object, body: bytes) -> UpstreamError:
        return UpstreamError(Kind.BAD_REQUEST, "wrong", status=status)

    break_wire(monkeypatch, "openai-custom", read_error=misread)
    found = told("routes/anthropic_failover")
    assert found == [Difference("attempt 1 answer", "outcome", "overloaded", "bad_request")]


def test_a_tool_that_is_not_sent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = catalogue()["claude-kiro-oauth"].wire
    assert wire is not None

    def toolless(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        return wire.build_request(replace(chat, tools=[]), profile, loss)

    break_wire(monkeypatch, "claude-kiro-oauth", build_request=toolless)
    [each] = told("claude-kiro-oauth/chat_tool_call")
    assert each.leg == "attempt 1 request"
    assert each.path.startswith("conversationState.currentMessage.userInputMessage.userInputMessageContext")
    assert "get_weather" in json.dumps(each.recorded)


def test_a_part_of_the_request_that_is_not_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = WIRES["anthropic"]

    def wordless(body: JsonObject, loss: Loss) -> Chat:
        chat = right.parse_request(body, loss)
        chat.max_tokens = 1
        chat.turns[0].parts.append(ToolCall("x", "made_up", {}))
        return chat

    monkeypatch.setitem(WIRES, "anthropic", replace(right, parse_request=wordless))
    found = places(told("gemini-cli-oauth/anthropic_tool_call"))
    assert ("conversation", "messages[0].parts[1]") in found
    assert ("attempt 1 request", "request.generationConfig.maxOutputTokens") in found


def test_a_writer_that_forgets_a_frame_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = WIRES["chat"]

    class Endless:
        def __init__(self, writer: Any) -> None:
            self._writer = writer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writer, name)

        def end(self) -> bytes:
            return bytes(self._writer.end()).replace(b"data: [DONE]\n\n", b"")

    monkeypatch.setitem(WIRES, "chat", replace(right, stream_writer=lambda ask: Endless(right.stream_writer(ask))))
    assert told("claude-custom/chat_thinking") == [Difference("client answer", "events[3]", "[DONE]", NOTHING)]


def test_a_converter_that_raises_is_a_difference_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        raise TypeError("no such thing")

    break_wire(monkeypatch, "gemini-custom", build_request=broken)
    first, second = replayed("gemini-custom/chat_cut_inside_characters", "openai-custom/chat_text")
    [each] = first.differences
    assert each.leg == "today's code"
    assert "TypeError: no such thing (test_replay_legs.py:" in str(each.today)
    assert second.differences == []


def test_a_reader_that_raises_breaks_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy makes an error of it; so does the replay."""

    def broken(event: StreamEvent) -> Iterable[StreamEvent]:
        if isinstance(event, TextDelta):
            raise KeyError(event.block)
        return (event,)

    break_reader(monkeypatch, "gemini-cli-oauth", broken)
    found = told("gemini-cli-oauth/chat_text")
    assert Difference("attempt 1 answer", "outcome", "success", "broken_stream") in found
    assert Difference("client answer", "status", 200, 502) in found


def test_a_request_that_is_refused_today_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from converters.errors import ConversionError

    def refuses(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        raise ConversionError("no weather today")

    break_wire(monkeypatch, "openai-qwen-oauth", build_request=refuses)
    assert Difference("attempt 1 request", "", "a request", "none: no weather today") in told(
        "openai-qwen-oauth/responses_thinking"
    )


# --- records ---


def test_a_record_of_a_whole_answer_is_the_same(tmp_path: Path) -> None:
    verdict = verdict_of(from_facts(tmp_path))
    assert isinstance(verdict, Verdict)
    assert verdict.differences == []


def test_a_whole_answer_that_has_changed_since_is_named(tmp_path: Path) -> None:
    one = from_facts(tmp_path, answer=samples.whole_answer("It snows."))
    verdict = verdict_of(one)
    assert isinstance(verdict, Verdict)
    assert verdict.differences == [Difference("client answer", "content[0].text", "It snows.", "It rains.")]


def test_a_call_for_models_is_not_replayed(tmp_path: Path) -> None:
    verdict = verdict_of(from_facts(tmp_path, action="models", generates=False))
    assert isinstance(verdict, Unplayed)
    assert "'models'" in verdict.reason


def test_a_provider_that_is_not_installed_is_said(tmp_path: Path) -> None:
    attempts = [samples.attempt(samples.anthropic_body(), samples.whole_answer())]
    attempts[0].provider = "nobody-custom"
    verdict = verdict_of(from_facts(tmp_path, attempts=attempts))
    assert isinstance(verdict, Unplayed)
    assert "nobody-custom" in verdict.reason


def test_a_request_that_we_refused_is_refused_again(tmp_path: Path) -> None:
    """No attempt was made; today's parser says the same."""
    body = json.dumps({"model": "claude-x", "max_tokens": "many", "messages": []}).encode()
    error = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "worded otherwise"},
        "request_id": "req_1",
    }
    more: dict[str, object] = {"body": body, "attempts": [], "status": 400, "provider": None, "target": ""}
    more |= {"answer": json.dumps(error).encode(), "state": "failed"}
    one = from_facts(tmp_path, **more)
    verdict = verdict_of(replace(one, record={}))
    assert isinstance(verdict, Verdict)
    assert verdict.differences == []
    other = json.dumps({**error, "error": {"type": "overloaded_error", "message": "x"}}).encode()
    verdict = verdict_of(replace(from_facts(tmp_path, **(more | {"answer": other})), record={}))
    assert isinstance(verdict, Verdict)
    assert [each.path for each in verdict.differences] == ["error.type"]


def test_a_stored_answer_is_fetched_again(tmp_path: Path) -> None:
    made = samples.attempt(b"", b'{"id": "resp_1", "object": "response"}')
    made.provider, made.method, made.url = "openaiResponses-custom", "GET", "https://openai.test/v1/responses/resp_1"
    made.wire, made.model = "responses", ""
    more: dict[str, object] = {"wire": WIRES["responses"], "action": "stored", "method": "GET", "generates": False}
    one = from_facts(tmp_path, path="/v1/responses/resp_1", body=b"", attempts=[made], answer=made.answer, **more)
    [sent] = Replay().today(replace(one, record={})).sent
    assert not isinstance(sent, str)
    assert (sent.method, sent.url) == ("GET", "https://openai.test/v1/responses/resp_1")


def test_an_answer_of_ours_that_the_request_does_not_explain_is_not_replayed(tmp_path: Path) -> None:
    verdict = verdict_of(from_facts(tmp_path, attempts=[], status=404, answer=b"{}", provider=None))
    assert isinstance(verdict, Unplayed)
    assert "status 404" in verdict.reason


def test_the_provider_inside_the_process_answers_again(tmp_path: Path) -> None:
    body = samples.anthropic_body()
    one = from_facts(
        tmp_path, attempts=[], provider=catalogue()["demo"], target="claude-x", body=body, answer=samples.whole_answer()
    )
    verdict = verdict_of(one)
    assert isinstance(verdict, Verdict)
    assert ("client answer", "content[0].text") in places(verdict.differences)


def test_a_file_that_was_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    """Offline: what the URL held is in no leg."""
    image = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}}
    body = samples.anthropic_body(messages=[{"role": "user", "content": [image]}])
    attempts = [samples.attempt(b'{"contents":[]}', b"{}")]
    attempts[0].provider = "gemini-custom"
    attempts[0].url = "https://gemini.test/v1beta/models/g:generateContent"
    verdict = verdict_of(from_facts(tmp_path, body=body, attempts=attempts))
    assert isinstance(verdict, Unplayed)
    assert "fetched" in verdict.reason


def test_an_attempt_without_an_answer_becomes_the_same_error(tmp_path: Path) -> None:
    attempts = [samples.attempt(samples.anthropic_body(), status=None)]
    attempts[0].outcome, attempts[0].reason = "unreachable", "cannot connect"
    error = {"type": "error", "error": {"type": "api_error", "message": "cannot connect"}, "request_id": "req_1"}
    one = from_facts(tmp_path, attempts=attempts, status=502, answer=json.dumps(error).encode(), state="failed")
    verdict = verdict_of(replace(one, record={}))
    assert isinstance(verdict, Verdict)
    assert [each for each in verdict.differences if each.leg == "client answer"] == []


def test_a_client_that_left_is_not_told_an_end(tmp_path: Path) -> None:
    chunks = samples.ANTHROPIC_STREAM[:4]
    body = samples.anthropic_body(stream=True)
    made = samples.attempt(body, chunks=chunks)
    made.outcome = "cancelled"
    facts = samples.streamed(
        chunks, attempts=[made], state="cancelled", usage=Usage(11, None, None, 1), stop_reason=None
    )
    verdict = verdict_of(of_facts(tmp_path, facts))
    assert isinstance(verdict, Verdict)
    assert verdict.differences == []


def test_settings_count(tmp_path: Path) -> None:
    """With strict_conversion, what was dropped then is a refusal now."""
    one = read(RECORDINGS / "openai-custom/anthropic_thinking")
    body = json.loads(one.body) | {"top_k": 3}
    verdict = verdict_of(replace(one, body=json.dumps(body).encode()), settings=Settings(strict_conversion=True))
    assert isinstance(verdict, Verdict)
    assert any("strict_conversion" in str(each.today) for each in verdict.differences)


def test_reasoning_that_stood_in_memory_is_taken_from_what_was_sent(tmp_path: Path) -> None:
    """7.4: a Chat client sends a call back without its thinking, and the exchange before is not at hand."""
    call = {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4000,
        "reasoning_effort": "high",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "1"},
        ],
    }
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    blocks = [thinking, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]
    result = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}]
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": result},
    ]
    made = samples.attempt(
        json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 4000, "messages": messages}).encode(),
        samples.whole_answer(),
    )
    made.model = "claude-sonnet-4-5"
    one = from_facts(
        tmp_path, wire=WIRES["chat"], path="/v1/chat/completions", body=json.dumps(asked).encode(), attempts=[made]
    )
    today = Replay().today(one)
    [sent] = today.sent
    assert not isinstance(sent, str)
    assert json.loads(sent.body)["messages"][1]["content"][0] == thinking

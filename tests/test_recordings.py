"""The project's own recordings: every one replays as it was recorded. `tests/make_recordings.py` makes them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from addons.providers import catalogue
from addons.records.reader import member
from addons.replay.captured import Unplayed
from addons.replay.judge import Verdict
from addons.replay.recording import read
from addons.replay.report import text
from addons.replay.sources import recordings_in
from addons.replay_legs import verdicts
from converters.events import Answer, StreamEvent, TextDelta, ToolArgs
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Text, Turn
from converters.wire import Ask, StreamWriter
from converters.wires import WIRES
from tests.addons.replay.broken import break_reader, break_wire

FOLDER = Path(__file__).parent / "recordings"
RECORDINGS = [path.relative_to(FOLDER).as_posix() for path in recordings_in(FOLDER)]
PROVIDERS = (
    *("openai-custom", "openaiResponses-custom", "claude-custom", "gemini-custom"),
    *("gemini-cli-oauth", "claude-kiro-oauth", "openai-qwen-oauth"),
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_replays_as_it_was(name: str) -> None:
    [verdict] = verdicts([read(FOLDER / name)])
    assert not isinstance(verdict, Unplayed), verdict.reason
    assert verdict.differences == [], "\n" + text(verdict)


def test_every_client_protocol_is_recorded_with_every_provider() -> None:
    found = {
        (one.protocol, tried.provider) for one in map(read, map(FOLDER.joinpath, RECORDINGS)) for tried in one.attempts
    }
    assert {(protocol, provider) for protocol in WIRES for provider in PROVIDERS} <= found


def _without_text(event: StreamEvent) -> Iterable[StreamEvent]:
    return () if isinstance(event, TextDelta) else (event,)


def _without_arguments(event: StreamEvent) -> Iterable[StreamEvent]:
    return () if isinstance(event, ToolArgs) else (event,)


def _red(names: Iterable[str]) -> set[str]:
    """Those that replay otherwise."""
    return {name for name in names if _of(name).differences}


def _of(name: str) -> Verdict:
    [verdict] = verdicts([read(FOLDER / name)])
    assert isinstance(verdict, Verdict), verdict
    return verdict


def _says(name: str, kind: str) -> bool:
    """Whether the recorded answer has a part of that kind."""
    parts = member(member(read(FOLDER / name).record, "conversation"), "answer").get("parts")
    return any(part["type"] == kind for part in parts) if isinstance(parts, list) else False  # type: ignore[index, call-overload]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_broken_wire_of_any_provider_turns_its_recordings_red(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reader loses texts or arguments of calls; its builder a turn."""
    names = [name for name in RECORDINGS if name.startswith(f"{provider}/")]
    for kind, change in (("text", _without_text), ("tool_call", _without_arguments)):
        with monkeypatch.context() as broken:
            break_reader(broken, provider, change)
            assert {name for name in names if _says(name, kind)} == _red(names), kind
    wire = catalogue()[provider].wire
    assert wire is not None

    def wordless(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        return wire.build_request(replace(chat, turns=[Turn("user", [Text("?")])]), profile, loss)

    break_wire(monkeypatch, provider, build_request=wordless)
    assert {name for name in names if not _same_protocol(name)} <= _red(names)


@pytest.mark.parametrize("protocol", WIRES)
def test_a_broken_wire_of_any_client_turns_its_recordings_red(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parser reads no words; its writer writes none."""
    names = [name for name in RECORDINGS if read(FOLDER / name).protocol == protocol]
    right = WIRES[protocol]

    def wordless(body: JsonObject, loss: Loss) -> Chat:
        return replace(right.parse_request(body, loss), turns=[Turn("user", [Text("?")])])

    with monkeypatch.context() as broken:
        broken.setitem(WIRES, protocol, replace(right, parse_request=wordless))
        assert set(names) == _red(names)

    def mute(ask: Ask) -> StreamWriter:
        writer = right.stream_writer(ask)
        monkeypatch.setattr(
            writer, "write", lambda event, write=writer.write: b"".join(map(write, _without_text(event)))
        )
        return writer

    def silent(answer: Answer, ask: Ask) -> JsonObject:
        return right.write_answer(replace(answer, parts=[]), ask)

    monkeypatch.setitem(WIRES, protocol, replace(right, stream_writer=mute, write_answer=silent))
    told = {name for name in names if _says(name, "text") and not _same_protocol(name)}
    assert told
    assert told <= _red(names)


def _same_protocol(name: str) -> bool:
    one = read(FOLDER / name)
    wire = catalogue()[one.provider].wire
    return wire is not None and wire.name == one.protocol


def test_what_streams_can_be_is_recorded() -> None:
    """Whole and streamed answers, cuts, errors, a failover, and a chunk that ends inside a character."""
    exchanges = [read(FOLDER / name) for name in RECORDINGS]
    assert {"complete", "cut", "failed"} == {one.state for one in exchanges}
    assert {True, False} == {one.answer.streamed for one in exchanges if one.answer}
    assert {2} <= {len(one.attempts) for one in exchanges}
    assert any(len({tried.provider for tried in one.attempts}) == 2 for one in exchanges)
    talks = [member(one.record, "conversation") for one in exchanges]
    answers = [parts for talk in talks if isinstance(parts := member(talk, "answer").get("parts"), list)]
    found = {part["type"] for parts in answers for part in parts if isinstance(part, dict)}
    assert {"text", "thinking", "tool_call"} <= found
    streams = [tried.answer for one in exchanges for tried in one.attempts if tried.answer and tried.answer.streamed]
    texts = [stream for stream in streams if stream.content_type == "text/event-stream"]
    assert any(data[-1] & 0xC0 == 0xC0 for stream in texts for _, data in stream.chunks if data)

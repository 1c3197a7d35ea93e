"""The project's own recordings: every one replays as it was recorded. `tests/make_recordings.py` makes them."""

from pathlib import Path

import pytest

from addons.records.reader import member
from addons.replay.captured import Unplayed
from addons.replay.recording import read
from addons.replay.report import text
from addons.replay.sources import recordings_in
from addons.replay_legs import verdicts
from converters.wires import WIRES

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

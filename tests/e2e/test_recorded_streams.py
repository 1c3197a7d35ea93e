"""Streams that providers really sent, through reader and writer in all pairs, in process.

`AICLIENT_TEST_STREAMS` names the folder: `*.sse` with the bytes, beside each a `*.json` that says what a right reader
assembles (`expect`). Without it these tests are skipped: recordings of others are not part of this project.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from converters.errors import UpstreamError
from converters.pipe import StreamPipe, TeePipe
from converters.profile import DEFAULT
from converters.wire import Ask
from converters.wires import WIRES
from tests.e2e.plain import checked_stream

FOLDER = os.environ.get("AICLIENT_TEST_STREAMS")
WIRE_OF = {"openai_chat": "chat", "openai_responses": "responses", "anthropic": "anthropic", "gemini": "gemini"}
NAME_OF = {wire: name for name, wire in WIRE_OF.items()}
RECORDED = sorted(Path(FOLDER).rglob("*.sse")) if FOLDER else []
_IN_WORDS = re.compile(
    r"```.*?```\n|\[image: [^\]]*\]", re.DOTALL
)  # what has no other place: code that was run, pictures
SLICES = (1_000_000, 1, 7, 61)

pytestmark = pytest.mark.skipif(not FOLDER, reason="AICLIENT_TEST_STREAMS is not set")


def load(path: Path) -> tuple[str, dict[str, Any]]:
    """(provider's wire, expectation)"""
    record = json.loads(path.with_suffix(".json").read_text())
    return WIRE_OF[record["protocol"]], record["expect"]


def convert(raw: bytes, provider: str, client: str, size: int) -> tuple[bytes, UpstreamError | None]:
    """(what the client gets, what went wrong). Nothing, when it failed before the client was sent anything: an HTTP error."""
    ask = Ask("m", lambda: "A" * 24, lambda: 7, include_usage=True)
    reader, writer = WIRES[provider].stream_reader(DEFAULT), WIRES[client].stream_writer(ask)
    if provider == client:
        pipe: StreamPipe | TeePipe = TeePipe(reader, writer, lambda event: None)
    else:
        pipe = StreamPipe(reader, writer, lambda event: None)
    out = [pipe.feed(raw[i : i + size]) for i in range(0, len(raw), size)]
    out.append(pipe.close())
    return b"".join(out), pipe.failed


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@pytest.mark.parametrize("client", list(NAME_OF))
def test_a_recorded_stream_says_the_same_to_every_client(path: Path, client: str) -> None:
    provider, expect = load(path)
    raw = path.read_bytes()
    outputs = {size: convert(raw, provider, client, size)[0] for size in SLICES}
    failed = convert(raw, provider, client, SLICES[0])[1]
    if provider == client:
        assert failed or set(outputs.values()) == {raw}, "the same protocol passes unchanged"
        return
    assert (failed is not None) == bool(expect["error"] or not expect["terminated"]), failed
    if client == "gemini" and "image_generation_call" in expect.get("hosted_items", ()):
        pytest.skip("the recording's pictures were shortened, which makes them no base64")
    if client in ("anthropic", "gemini") and any(call.get("custom") for call in expect["tool_calls"]):
        pytest.skip("this client cannot have declared a tool that takes free text")
    told = [
        checked_stream(client, out, include_usage=True, broken=failed is not None) for out in outputs.values() if out
    ]
    if failed:  # how much was out before the break depends on the cut; that it broke does not
        return
    folded = told[0]
    assert all(each == folded for each in told), "cut in another way it is another answer"
    spoken = folded.text + folded.refusal
    assert expect["text"] + expect["refusal"] in (spoken, _IN_WORDS.sub("", spoken))
    assert folded.thinking == expect["reasoning"]
    calls = expect["tool_calls"]
    assert [c.name for c in folded.calls] == [c["name"] for c in calls]
    for call, expected in zip(folded.calls, calls, strict=True):
        assert expected["id"] in (None, call.id)
        if expected.get("args_valid"):
            assert json.loads(call.arguments or "{}") == expected["args"]
    if expect["client"] is None:
        return
    end = expect["client"][NAME_OF[client]]
    assert folded.stop == _stop(client, end)
    if expect["usage"] is not None:
        usage = _flat(folded.usage or {})
        assert {name: usage.get(name) or 0 for name in end["usage"]} == end["usage"]


def _stop(client: str, told: dict[str, Any]) -> str:
    if client == "responses":
        return str(told["incomplete_reason"] or told["status"])
    return str(told[{"chat": "finish_reason", "anthropic": "stop_reason", "gemini": "finishReason"}[client]])


def _flat(usage: dict[str, Any]) -> dict[str, Any]:
    """With the details beside the rest."""
    details = [value for value in usage.values() if isinstance(value, dict)]
    return {**usage, **{name: value for each in details for name, value in each.items()}}

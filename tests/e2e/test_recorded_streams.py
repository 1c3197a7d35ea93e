"""Streams that providers really sent, through reader and writer in all four pairs, in process.

`AICLIENT_TEST_STREAMS` names the folder: `*.sse` with the bytes, beside each a `*.json` that says what a right reader
assembles (`expect`). Without it these tests are skipped: recordings of others are not part of this project.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from converters.errors import UpstreamError, failure_of
from converters.pipe import StreamPipe, TeePipe
from converters.profile import DEFAULT
from converters.wire import Ask
from converters.wires import WIRES
from tests.grammar import Folded, check_anthropic_stream, check_chat_stream

FOLDER = os.environ.get("AICLIENT_TEST_STREAMS")
WIRE_OF = {"openai_chat": "chat", "anthropic": "anthropic"}
NAME_OF = {"chat": "openai_chat", "anthropic": "anthropic"}
RECORDED = sorted(Path(FOLDER).rglob("*.sse")) if FOLDER else []
SLICES = (1_000_000, 1, 7, 61)

pytestmark = pytest.mark.skipif(not FOLDER, reason="AICLIENT_TEST_STREAMS is not set")


def load(path: Path) -> tuple[str, dict[str, Any]]:
    """(provider's wire, expectation); skips what is not ours."""
    record = json.loads(path.with_suffix(".json").read_text())
    if record["protocol"] not in WIRE_OF:
        pytest.skip(f"{record['protocol']} has no wire yet")
    return WIRE_OF[record["protocol"]], record["expect"]


def convert(raw: bytes, provider: str, client: str, size: int) -> tuple[bytes, UpstreamError | None]:
    ask = Ask("m", lambda: "A" * 24, lambda: 7, include_usage=True)
    reader, writer = WIRES[provider].stream_reader(DEFAULT), WIRES[client].stream_writer(ask)
    if provider == client:
        pipe: StreamPipe | TeePipe = TeePipe(reader, writer, lambda event: None)
    else:
        pipe = StreamPipe(reader, writer, lambda event: None)
    out = [pipe.feed(raw[i : i + size]) for i in range(0, len(raw), size)]
    out.append(pipe.close())
    if pipe.failed and not pipe.started:
        out.append(writer.error(failure_of(pipe.failed)))
    return b"".join(out), pipe.failed


def check(client: str, raw: bytes, *, broken: bool) -> Folded:
    if client == "chat":
        return check_chat_stream(raw, include_usage=True, broken=broken)
    return check_anthropic_stream(raw, broken=broken)


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
    folded = check(client, outputs[SLICES[0]], broken=failed is not None)
    for size, out in outputs.items():
        other = check(client, out, broken=failed is not None)
        assert failed or other == folded, f"cut into {size} bytes it is another answer"
    if failed:  # how much was out before the break depends on the cut; that it broke does not
        return
    assert folded.text + folded.refusal == expect["text"] + expect["refusal"]
    assert folded.thinking == expect["reasoning"]
    calls = expect["tool_calls"]
    assert [(c.id, c.name) for c in folded.calls] == [(c["id"], c["name"]) for c in calls]
    for call, expected in zip(folded.calls, calls, strict=True):
        if expected["args_valid"]:
            assert json.loads(call.arguments or "{}") == expected["args"]
    told = expect["client"][NAME_OF[client]]
    assert folded.stop == told["finish_reason" if client == "chat" else "stop_reason"]
    usage = folded.usage or {}
    if client == "chat":
        usage = {
            **{name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
            "cached_tokens": (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
            "reasoning_tokens": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        }
    if expect["usage"] is not None:
        assert {name: usage.get(name) or 0 for name in told["usage"]} == told["usage"]

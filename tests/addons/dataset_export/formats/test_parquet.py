"""parquet: one row for each record."""

import json

from addons.dataset_export.formats.parquet import PARQUET
from tests.addons.dataset_export.rig import TOOL_LOOP, made, written


def test_a_row() -> None:
    usage = {"input_tokens": 100, "cache_read_tokens": 90, "output_tokens": 5, "reasoning_tokens": None}
    row, losses = written(PARQUET, made(usage=usage, began=1_795_392_000.0))
    texts = {name: json.loads(row.pop(name)) for name in ("system", "tools", "messages", "answer", "loss")}
    assert row == {
        "id": "1",
        "conversation": "00ff",
        "split": "",
        "began": 1_795_392_000.0,
        "first_byte_seconds": 0.5,
        "seconds": 2.0,
        "protocol": "chat",
        "agent": "agent/1",
        "provider": "openai-custom",
        "account": "openai-custom:default",
        "model_asked": "m-1",
        "model_served": "m-1",
        "state": "complete",
        "stop_reason": "stop",
        "input_tokens": 100,
        "cache_read_tokens": 90,
        "cache_write_tokens": None,
        "output_tokens": 5,
        "reasoning_tokens": None,
        "tool_calls": 0,
    }
    assert texts["messages"] == TOOL_LOOP
    assert texts["system"][0]["text"] == "Be brief."
    assert set(texts["loss"]) == {"dropped", "changed", "noted"}
    assert losses == {}

"""`parquet`: one row for each record, in columns: who, when, how long, how many tokens, and what was said as JSON text.

Nothing is stitched away or changed: it is the format to count and to search in. `day` is not a column of the files but the name of
their folders, which DuckDB, Spark, Ray and pyarrow read as one. `split` is for whoever writes the row.
"""

from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Column, Format
from addons.dataset_export.shapes import as_object, as_text, objects
from addons.dataset_export.told import system_told
from converters.json_codec import JsonObject, dumps_text

USAGE = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
COLUMNS: dict[str, Column] = {
    "id": "string",
    "conversation": "string",
    "split": "string",
    "began": "float64",
    "first_byte_seconds": "float64",
    "seconds": "float64",
    "protocol": "string",
    "action": "string",
    "agent": "string",
    "provider": "string",
    "account": "string",
    "model_asked": "string",
    "model_served": "string",
    "state": "string",
    "stop_reason": "string",
    **dict.fromkeys(USAGE, "int64"),
    "tool_calls": "int64",
    "system": "string",
    "tools": "string",
    "messages": "string",
    "answer": "string",
    "loss": "string",
}


def write(example: Example, options: Options, losses: Losses) -> JsonObject:
    """began is unix seconds in UTC. tools, messages, answer and loss are the record's own, as JSON; system is what the model was
    told."""
    facts, usage = example.facts, as_object(example.record.get("usage"))
    talk = as_object(example.record.get("conversation"))
    row: JsonObject = {
        "id": facts.id,
        "conversation": example.conversation,
        "split": "",
        "began": facts.began,
        "first_byte_seconds": facts.first_byte,
        "seconds": facts.seconds,
        "protocol": facts.protocol,
        "action": facts.action,
        "agent": facts.agent,
        "provider": facts.provider,
        "account": facts.account,
        "model_asked": facts.asked,
        "model_served": facts.model,
        "state": facts.state,
        "stop_reason": as_text(example.record.get("stop_reason")) or None,
    }
    for name in USAGE:
        count = usage.get(name)
        row[name] = count if isinstance(count, int) and 0 <= count < 2**63 else None
    parts = objects(as_object(talk.get("answer")).get("parts"))
    row["tool_calls"] = sum(part.get("type") == "tool_call" for part in parts)
    row["system"] = dumps_text(system_told(example.record))
    for name in ("tools", "messages", "answer"):
        row[name] = dumps_text(talk.get(name))
    return row | {"loss": dumps_text(example.record.get("loss"))}


PARQUET = Format(
    name="parquet",
    about="Parquet by day, a row for each record: DuckDB, Spark, Ray, pandas (needs the extra `parquet`)",
    unit="record",
    write=write,
    columns=COLUMNS,
    reasoning=("drop",),
)

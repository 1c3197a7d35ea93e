"""`parquet`: one row for each record, in columns: who, when, how long, how many tokens, and what was said as JSON text.

Nothing is stitched away or changed: it is the format to count and to search in. `day` is not a column of the files but the name of
their folders, which DuckDB, Spark, Ray and pyarrow read as one. `split` is for whoever writes the row.
"""

from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Column, Format
from addons.dataset_export.shapes import as_object, as_text
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
    """began is unix seconds in UTC. system, tools, messages, answer and loss are the record's own, as JSON."""
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
        row[name] = count if isinstance(count, int) else None
    row["tool_calls"] = sum(part.get("type") == "tool_call" for part in example.answer.parts)
    for name in ("system", "tools", "messages", "answer"):
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

"""What lies beside the rows: a dataset card, and the entries that LLaMA-Factory and axolotl want in their own files."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from addons.dataset_export.choose import Splits
from addons.dataset_export.example import Options
from addons.dataset_export.export import PROVENANCE, Order, Report
from addons.dataset_export.formats.base import Column, Format
from converters.json_codec import JsonObject


def card(order: Order, report: Report, terms: Mapping[str, str], version: str, chosen_by: str) -> str:
    """README.md. terms: what is known of each provider's terms, by its name. chosen_by: the filters, as they were given.

    Its head makes `datasets.load_dataset(FOLDER)` read tools and calls as the objects they are.
    """
    if order.format.unit == "record":
        files = {"train": "data/*/*.parquet"}
    else:
        files = {split: f"data/{split}.jsonl" for split in report.rows}
    return "\n".join([*_head(order.format, order.options, files), *_body(order, report, terms, version, chosen_by), ""])


def _head(format_: Format, options: Options, files: Mapping[str, str]) -> Iterator[str]:
    """files: patterns by split."""
    yield "---"
    yield "tags:\n- aiclient"
    yield "configs:\n- config_name: default\n  data_files:"
    for split, pattern in files.items():
        yield f"  - split: {split}\n    path: {pattern}"
    if "tools" in format_.columns.values() and options.strings == "all":
        yield "---"  # `datasets` before 4.7 knows no type for objects, and finds out by itself what all these strings are
        return
    yield "dataset_info:\n  features:"
    for name, column in format_.columns.items():
        yield f"  - name: {name}\n    {_feature(column, options)}"
    yield "---"


def _feature(column: Column, options: Options) -> str:
    match column:
        case "tools" if options.strings != "none":
            return "dtype: string"
        case "objects" | "tools":
            return "list: json"
        case "pairs":
            return "list:\n    - name: from\n      dtype: string\n    - name: value\n      dtype: string"
        case _:
            return f"dtype: {column}"


def _body(order: Order, report: Report, terms: Mapping[str, str], version: str, chosen_by: str) -> Iterator[str]:
    format_ = order.format
    rows = sum(report.rows.values())
    yield f"\n# Conversations in the format {format_.name}\n"
    yield f"Written by aiclient {version} from {report.read:,} recorded exchanges. {format_.about}."
    yield f"Format: {format_.name}; {_unit(order)}; reasoning: {order.options.reasoning}; chosen by: {chosen_by}.\n"
    yield "## Counts\n"
    yield f"{rows:,} rows; {sum(report.turns.values()):,} assistant turns; {report.conversations:,} conversations."
    if report.first:
        yield f"From {_day(report.first)} to {_day(report.last)} (UTC)."
    yield "\n" + "\n".join(_table(("split", "rows", "turns"), _splits(order.splits, report)))
    for title, counts in (
        ("model", report.of_model),
        ("provider", report.of_provider),
        ("client", report.of_client),
        ("state", report.of_state),
    ):
        yield "\n" + "\n".join(_table((title, "turns"), [(name, f"{n:,}") for name, n in counts.most_common()]))
    yield "\n## Where it comes from\n"
    yield "Clients send the whole history with each call; the calls were joined again by what they say."
    yield f"`{PROVENANCE}` names for each row the records it teaches." if format_.unit != "record" else ""
    facts = {
        "places where a conversation went more than one way (edits, retries, side tasks)": report.forks,
        **{f"conversations that began as a {why}": n for why, n in sorted(report.origins.items())},
        "records left out: the same call and answer as another": report.repeated,
        "records left out: a prompt that was there already": report.left_out,
        "records without an answer": report.unanswered,
        "records left out: an answer without a word or a call": report.wordless,
        "histories joined though the client had changed a message": report.rejoined,
        "records that were gone before they could be written": report.vanished,
        "lines that are no record of this version": report.torn,
    }
    yield "\n".join(f"- {what}: {n:,}" for what, n in facts.items() if n)
    yield "\n## What was left out or changed\n"
    if report.losses:
        yield "\n".join(_table(("what", "times"), [(what, f"{n:,}") for what, n in sorted(report.losses.items())]))
    else:
        yield "Nothing."
    yield "\n## Terms of the providers\n"
    yield "Some providers restrict what their answers may be used for, training of other models first of all."
    yield "Nobody has checked that for you: read the terms of each account that answered. What aiclient knows of them:\n"
    for provider in report.of_provider:
        yield f"- {provider}: {terms.get(provider) or 'nothing is known'}."
    yield "\nRecords may hold personal data and secrets that no rule has found. Look before you share."
    yield from _usage(order, report)


def _usage(order: Order, report: Report) -> Iterator[str]:
    yield "\n## Use\n"
    yield "`datasets.load_dataset(FOLDER)` reads it with the types named above; FOLDER is this one."
    if dataset_info(order.format, order.options, report.rows):
        yield "LLaMA-Factory: `dataset_dir` is this folder; `dataset_info.json` names the sets."
    if order.format.axolotl and report.rows:
        yield "\naxolotl (with the path of this folder in place of FOLDER):\n\n```yaml"
        yield axolotl(order.format, next(iter(report.rows))) + "```"


def _unit(order: Order) -> str:
    unit = "turn" if order.format.unit == "branch" and order.rows == "turns" else order.format.unit
    return f"one row a {unit}"


def _splits(splits: Splits, report: Report) -> list[tuple[str, ...]]:
    names = [name for name, _ in splits.shares]
    return [(name, f"{report.rows[name]:,}", f"{report.turns[name]:,}") for name in names]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, tuple("---" for _ in head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def dataset_info(format_: Format, options: Options, rows: Counter[str]) -> str:
    """`dataset_info.json` of LLaMA-Factory, one set for each split; "" for what it does not read. It would write arguments that are
    strings into strings once more."""
    if not format_.llama_factory or options.strings == "all":
        return ""
    name = format_.name.replace("-", "_")
    sets: dict[str, JsonObject] = {
        f"aiclient_{name}_{split}": {"file_name": f"data/{split}.jsonl", **format_.llama_factory} for split in rows
    }
    return json.dumps(sets, indent=2) + "\n"


def axolotl(format_: Format, split: str) -> str:
    """A `datasets:` entry of axolotl; "" for a format that it does not read."""
    if not format_.axolotl:
        return ""
    head = ("path: json", f"data_files: FOLDER/data/{split}.jsonl", "split: train")
    first, *others = (*head, *format_.axolotl)
    return "\n".join(["datasets:", f"  - {first}", *(f"    {line}" for line in others)]) + "\n"

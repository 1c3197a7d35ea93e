"""The command `dataset`: recorded exchanges as training files."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import partial
from importlib.metadata import version
from pathlib import Path

from addons.cli_log import moment
from addons.dataset_export.card import axolotl, card, dataset_info
from addons.dataset_export.choose import Filter, Splits
from addons.dataset_export.example import Options
from addons.dataset_export.export import DATA, PROVENANCE, Order, Report, export
from addons.dataset_export.files import NotInstalled, private_file
from addons.dataset_export.formats.base import ALL_REASONING
from addons.dataset_export.formats.table import FORMATS
from addons.dataset_export.progress import Progress
from addons.providers import catalogue
from addons.records.reader import Records
from addons.settings_sources import SettingsError
from converters.json_codec import JsonObject

_BESIDE = ("README.md", "dataset_info.json", "axolotl.yaml")
STATES = ("complete", "cut", "failed", "cancelled")


def add_dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient dataset` takes."""
    words = parser.add_subparsers(dest="what", required=True, metavar="WORD")
    formats = words.add_parser("formats", help="List the formats.", allow_abbrev=False)
    formats.add_argument("--json", action="store_true", help="For programs.")
    formats.set_defaults(run=show_formats)
    command = words.add_parser("export", help="Write a dataset.", allow_abbrev=False)
    command.set_defaults(run=run_export)
    add = command.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="Files of records, or folders of them.")
    add(
        "--format",
        choices=tuple(FORMATS),
        default="hf-messages",
        metavar="FORMAT",
        help="One that `aiclient dataset formats` lists (default hf-messages).",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="A new or empty folder.")
    section = command.add_argument_group("which turns")
    add = section.add_argument
    when = partial(moment, zone=UTC)
    add("--since", type=when, metavar="TIME", help="2026-11-01, 2026-11-01T12:00 (in UTC if no zone is named) or 7d.")
    add("--until", type=when, metavar="TIME", help="Up to this moment, and not later.")
    add("--model", action="append", default=[], metavar="PATTERN", help="Served or asked for, like 'claude-*'.")
    add("--provider", action="append", default=[], metavar="PATTERN", help="Who answered.")
    add("--protocol", action="append", default=[], metavar="PATTERN", help="What the client spoke.")
    add("--tool-use", choices=("any", "with", "without"), default="any", help="Answers that call tools, or do not.")
    add("--state", choices=(*STATES, "any"), action="append", metavar="STATE", help=f"{', '.join(STATES)} or any.")
    add("--successful", action="store_true", help="Not refused, filtered or cut off by a limit.")
    add("--dedupe", choices=("exact", "prompts"), default="exact", help="prompts: one answer for each prompt.")
    section = command.add_argument_group("how they are written")
    add = section.add_argument
    add("--rows", choices=("branches", "turns"), default="branches", help="Of formats with a row for each branch.")
    add(
        "--reasoning",
        choices=ALL_REASONING,
        default="drop",
        metavar="WHERE",
        help=f"Where an assistant's thinking goes: {', '.join(ALL_REASONING)}.",
    )
    add("--json-strings", choices=("none", "tools", "all"), default="none", help="tools; all: arguments too.")
    add("--call-ids", action="store_true", help="Ids on tool calls and results.")
    add("--split", type=_shares, default=(("train", 1.0),), metavar="NAME=SHARE,...", help="By conversation.")
    add("--seed", type=int, default=0, metavar="N", help="Another seed, another split.")
    section = command.add_argument_group("pairs of answers (hf-dpo)")
    add = section.add_argument
    add("--chosen", metavar="RULE", help="continued (default), earlier, later, or a pattern of models.")
    add("--same-model", action="store_true", help="Two answers of one model are a pair too.")


def show_formats(args: argparse.Namespace) -> None:
    """`dataset formats`."""
    if args.json:
        print(json.dumps([{"format": each.name, "about": each.about} for each in FORMATS.values()], indent=2))
        return
    for format_ in FORMATS.values():
        print(f"{format_.name:<22} {format_.about}")


def run_export(args: argparse.Namespace) -> None:
    """`dataset export`. Raises SettingsError for what cannot be done; then nothing is left of it."""
    order = _order(args)
    out: Path = args.out
    if missing := next((path for path in args.paths if not path.exists()), None):
        raise SettingsError(f"{missing} is not there: name files of records, or folders of them")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} is not an empty folder: name another with --out")
    sources = [(path, Records(path if path.is_dir() else path.parent)) for path in args.paths]
    with _removed_on_failure(out):
        report = export(lambda resolve: _records(sources, resolve), order, out, Progress(sys.stderr, time.monotonic))
        report.torn = sum(records.torn + records.foreign for _, records in sources) // 2  # they were read twice
        if report.rows:
            _write_beside(out, order, report, _chosen_by(args))
    _say(out, report)
    if not report.rows:
        _remove(out)
        pairs = order.format.unit == "pair"
        why = "no prompt was answered twice as --chosen and --same-model want it" if pairs else "loosen the filters"
        raise SettingsError(f"no row came of {report.read:,} records: {why}")


@contextmanager
def _removed_on_failure(out: Path) -> Iterator[None]:
    """Half a dataset looks like a whole one, and stands in the way of the next try. Errors are SettingsError."""
    try:
        yield
    except BaseException as error:
        _remove(out)
        if isinstance(error, NotInstalled):
            raise SettingsError(str(error)) from error
        if isinstance(error, OSError):
            raise SettingsError(f"cannot read or write {error.filename or out}: {error.strerror}") from error
        raise


def _remove(out: Path) -> None:
    """What an export writes, and the folder if there is nothing else in it."""
    shutil.rmtree(out / DATA, ignore_errors=True)
    with suppress(OSError):
        for name in (PROVENANCE, *_BESIDE):
            (out / name).unlink(missing_ok=True)
        out.rmdir()


def _say(out: Path, report: Report) -> None:
    rows = ", ".join(f"{split} {count:,}" for split, count in report.rows.items()) or "none"
    print(f"{out}: rows {rows}; {sum(report.turns.values()):,} turns of {report.conversations:,} conversations")
    for what, count in sorted(report.losses.items()):
        print(f"  left out or changed: {what} ({count:,})")
    if report.torn:
        print(f"  skipped: lines that are no record of this version ({report.torn:,})")


def _order(args: argparse.Namespace) -> Order:
    format_ = FORMATS[args.format]
    if args.reasoning not in format_.reasoning:
        allowed = " or ".join(format_.reasoning)
        raise SettingsError(f"{format_.name} has no place for --reasoning {args.reasoning}: take {allowed}")
    if format_.unit != "pair" and (args.chosen or args.same_model):
        raise SettingsError("--chosen and --same-model are for pairs: take --format hf-dpo")
    if format_.unit != "branch" and args.rows == "turns":
        raise SettingsError(f"--rows is not for {format_.name}, which has a row for each {format_.unit}")
    states = args.state or ["complete"]
    return Order(
        format_,
        Options(reasoning=args.reasoning, strings=args.json_strings, call_ids=args.call_ids),
        Filter(
            since=args.since,
            until=args.until,
            models=tuple(args.model),
            providers=tuple(args.provider),
            protocols=tuple(args.protocol),
            tools={"any": None, "with": True, "without": False}[args.tool_use],
            states=() if "any" in states else tuple(states),
            successful=args.successful,
        ),
        dedupe=args.dedupe,
        splits=Splits(args.split, args.seed),
        rows=args.rows,
        chosen=args.chosen or "continued",
        same_model=args.same_model,
    )


def _write_beside(out: Path, order: Order, report: Report, chosen_by: str) -> None:
    terms = {name: provider.status.terms for name, provider in catalogue().items()}
    snippet = axolotl(order.format, next(iter(report.rows))).replace("FOLDER", str(out.resolve()))
    texts = (
        card(order, report, terms, version("aiclient"), chosen_by),
        dataset_info(order.format, order.options, report.rows),
        snippet,
    )
    for name, text in zip(_BESIDE, texts, strict=True):
        if text:
            with private_file(out / name) as file:
                file.write(text.encode())


def _chosen_by(args: argparse.Namespace) -> str:
    """The filters as a person would say them, for the card."""
    named = {
        "since": args.since,
        "until": args.until,
        "model": ", ".join(args.model),
        "provider": ", ".join(args.provider),
        "protocol": ", ".join(args.protocol),
        "tool use": "" if args.tool_use == "any" else args.tool_use,
        "state": ", ".join(args.state or ["complete"]),
        "successful": "yes" if args.successful else "",
        "dedupe": args.dedupe,
        "seed": args.seed if len(args.split) > 1 else "",
        "pairs": (args.chosen or "continued") if args.format == "hf-dpo" else "",
    }
    return ", ".join(f"{name} {value}" for name, value in named.items() if value not in ("", None))


def _shares(text: str) -> tuple[tuple[str, float], ...]:
    """`train=0.9,test=0.1`."""
    try:
        shares = tuple((name.strip(), float(share)) for name, share in (pair.split("=") for pair in text.split(",")))
    except ValueError:
        shares = ()
    names = {name for name, _ in shares}
    good = all(name.isidentifier() and 0 < share <= 1 for name, share in shares) and len(names) == len(shares)
    if not good or abs(sum(share for _, share in shares) - 1) > 1e-6:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like train=0.9,validation=0.05,test=0.05, which sums up to 1"
        )
    return shares


def _records(sources: list[tuple[Path, Records]], resolve: bool) -> Iterator[JsonObject]:
    """Of folders, as the recorder lays them out, and of single files of one, with the objects beside them."""
    for path, records in sources:
        found = records.each(resolve=resolve) if path.is_dir() else records.of_file(path, resolve=resolve)
        yield from found if resolve else map(records.with_history, found)

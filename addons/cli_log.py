"""The command `log`: list, show, search, count and follow the records."""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from addons.record_folder import records_folder
from addons.records.prune import prune
from addons.records.reader import Records, Wanted, member
from addons.records.transcript import transcript, when
from addons.settings_sources import SettingsError, load
from addons.table import shortened, table, terminal_width
from converters.json_codec import Json, JsonObject

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ANSWER_WIDTH = 60
_SPARE = ("client", "asked of", "s")  # columns that a narrow terminal does without


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient log` takes."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")

    def word(name: str, run: Callable[[argparse.Namespace, Records], None], text: str) -> argparse.ArgumentParser:
        sub = words.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(log=run)
        sub.add_argument("--dir", metavar="PATH", help="Folder of the records (default: record_dir).")
        sub.add_argument("--json", action="store_true", help="For programs: one JSON object a line.")
        return sub

    _add_filters(lists := word("list", _list, "List exchanges, the latest last."))
    lists.add_argument("-n", type=_count, default=20, metavar="N", help="How many, 0 for all (default 20).")
    show = word("show", _show, "Show one exchange as a transcript.")
    show.add_argument("id", metavar="ID", help="Its id, or the beginning of it; `last` for the latest.")
    search = word("search", _search, "List exchanges that hold a text, with the place where it stands.")
    search.add_argument("text", metavar="TEXT")
    search.add_argument("-n", type=_count, default=20, metavar="N", help="How many, 0 for all (default 20).")
    _add_filters(search)
    _add_filters(word("stats", _stats, "Count requests and tokens by day and model."))
    _add_filters(word("follow", _follow, "Show exchanges as they end."))
    tidy = word("prune", _prune, "Remove old records, and tools and system prompts that no record names any more.")
    tidy.add_argument("--keep-days", type=_count, metavar="N", help="Days to keep (default: record_keep_days; 0: all).")
    tidy.add_argument("--dry-run", action="store_true", help="Only say what would be removed.")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", help="Model asked for or served; `*` is any text.")
    parser.add_argument("--provider", metavar="NAME")
    parser.add_argument("--status", metavar="STATUS", help="200, 4xx, complete, cut, failed or cancelled.")
    parser.add_argument("--since", type=moment, metavar="TIME", help="2026-11-23, 2026-11-23T10:00 or an age: 90m, 2d.")
    parser.add_argument("--until", type=moment, metavar="TIME")


def run_log(args: argparse.Namespace) -> None:
    """`log WORD`. Raises SettingsError for what is not there."""
    folder = Path(args.dir).expanduser() if args.dir else records_folder(load().settings)
    if not folder.is_dir():
        raise SettingsError(f"there are no records in {folder}: they begin with the first exchange, if record is true")
    run: Callable[[argparse.Namespace, Records], None] = args.log
    try:
        run(args, Records(folder))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"cannot read {folder}: {error.strerror}") from error


def moment(text: str, now: datetime | None = None, zone: tzinfo | None = None) -> float:
    """A date, a time or an age -> unix seconds. zone: of what names none; None: this machine's. argparse.ArgumentTypeError for
    anything else."""
    try:
        if match := _AGO.fullmatch(text.strip()):
            age = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
            return ((now or datetime.now()) - age).timestamp()
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-23, 2026-11-23T10:00, or an age like 90m"
        ) from None


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def _wanted(args: argparse.Namespace, text: str | None = None) -> Wanted:
    return Wanted(args.since, args.until, args.model, args.provider, args.status, text)


# --- words ---


def _list(args: argparse.Namespace, records: Records) -> None:
    found = records.latest(args.n, _wanted(args))
    _print_rows(args, records, [(record, _gist(record)) for record in found])


def _search(args: argparse.Namespace, records: Records) -> None:
    found = records.latest(args.n, _wanted(args, args.text))
    _print_rows(args, records, [(record, _place_of(record, args.text)) for record in found])


def _show(args: argparse.Namespace, records: Records) -> None:
    try:
        record = records.find(args.id)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    print(_json(record, indent=2) + "\n" if args.json else transcript(record), end="")


def _stats(args: argparse.Namespace, records: Records) -> None:
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for record in records.each(_wanted(args), resolve=False):
        route, usage = member(record, "route"), member(record, "usage")
        model = str(route.get("served") or route.get("target") or route.get("asked") or "-")
        row = rows.setdefault((when(record.get("began"))[:10], model), dict.fromkeys(_SUMS, 0))
        row["requests"] += 1
        row["failed"] += record.get("state") != "complete"
        for name, member_ in (("in", "input_tokens"), ("cached", "cache_read_tokens"), ("out", "output_tokens")):
            value = usage.get(member_)
            row[name] += value if isinstance(value, int) else 0
    found = [{"day": day, "model": model, **row} for (day, model), row in sorted(rows.items())]
    if args.json:
        for each in found:
            print(_json(each))
        return
    if not found:
        print("no exchange fits")
        return
    total = {name: sum(row[name] for row in rows.values()) for name in _SUMS}
    texts = [{name: _number(value) for name, value in row.items()} for row in found]
    print(table([*texts, {"day": "total", "model": "", **{name: _number(value) for name, value in total.items()}}]))
    _say_skipped(records)


def _follow(args: argparse.Namespace, records: Records) -> None:
    for record in records.follow(_wanted(args), time.sleep):
        if args.json:
            print(_json(record), flush=True)
        else:
            print(transcript(record, new_only=True), flush=True)


def _prune(args: argparse.Namespace, records: Records) -> None:
    days = load().settings.record_keep_days if args.keep_days is None else args.keep_days
    pruned = prune(records.folder, days, date.today(), dry=args.dry_run)
    if args.json:
        print(_json(asdict(pruned)))
        return
    verb = "to be removed" if args.dry_run else "removed"
    print(f"{verb}: {pruned.records:,} files of records, {pruned.objects:,} objects, {pruned.bytes:,} bytes")


_SUMS = ("requests", "failed", "in", "cached", "out")

# --- rows ---


def _print_rows(args: argparse.Namespace, records: Records, found: Sequence[tuple[JsonObject, str]]) -> None:
    """found: records, and what the last column says of them."""
    if args.json:
        for record, _ in found:
            print(_json(row_of(record)))
        return
    if found:
        print(table([_as_texts(row_of(record), last) for record, last in found], terminal_width(), _SPARE))
    else:
        print("no exchange fits")
    _say_skipped(records)


def _json(value: object, indent: int | None = None) -> str:
    """Readable, unless the output cannot write all letters."""
    written_by = (sys.stdout.encoding or "").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=written_by != "utf8", indent=indent)


def row_of(record: JsonObject) -> JsonObject:
    """What a list says of a record."""
    route, client, usage = member(record, "route"), member(record, "client"), member(record, "usage")
    began, ended = record.get("began"), record.get("ended")
    attempts = record.get("attempts")
    return {
        "time": when(began),
        "id": record.get("id"),
        "client": client.get("protocol"),
        "action": client.get("action"),
        "model": route.get("asked"),
        "provider": route.get("provider"),
        "target": route.get("target"),
        "status": member(record, "answer").get("status"),
        "state": record.get("state"),
        "attempts": len(attempts) if isinstance(attempts, list) else 0,
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "seconds": round(ended - began, 2)
        if isinstance(began, int | float) and isinstance(ended, int | float)
        else None,
    }


def _as_texts(row: JsonObject, last: str) -> dict[str, str]:
    action = "" if row["action"] == "generate" else str(row["action"] or "-")
    model = " ".join(str(word) for word in (row["model"], f"({action})" if action and row["model"] else action) if word)
    target = "/".join(str(part) for part in (row["provider"], row["target"]) if part)
    tries = row["attempts"]
    return {
        "time": str(row["time"]),
        "id": str(row["id"]).removeprefix("req_")[:12],
        "client": str(row["client"]),
        "model": model or "-",
        "asked of": target or "-",
        "status": f"{row['status'] or '-'} {row['state']}"
        + (f" x{tries}" if isinstance(tries, int) and tries > 1 else ""),
        "in": _number(row["input_tokens"]),
        "out": _number(row["output_tokens"]),
        "s": "" if row["seconds"] is None else f"{row['seconds']:.2f}",
        "": last,
    }


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value or "")


def _gist(record: JsonObject) -> str:
    """The answer's first words, or the error."""
    if error := record.get("error"):
        return shortened(str(error), _ANSWER_WIDTH)
    parts = member(member(record, "conversation"), "answer").get("parts")
    words = []
    for part in parts if isinstance(parts, list) else ():
        match part:
            case {"type": "text" | "refusal", "text": str(text)}:
                words.append(text[: 2 * _ANSWER_WIDTH])
            case {"type": "tool_call", "name": name}:
                words.append(f"{name}()")
    return shortened(" ".join(words), _ANSWER_WIDTH)


def _place_of(record: JsonObject, text: str) -> str:
    """The text with what stands around it."""
    for place in _texts(record.get("conversation"), record.get("error"), record.get("attempts"), record):
        if (at := place.lower().find(text.lower())) >= 0:
            start = max(0, at - 20)
            return shortened(("..." if start else "") + place[start : at + 2 * _ANSWER_WIDTH], _ANSWER_WIDTH)
    return ""


def _texts(*values: Json) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(*value.values())
        elif isinstance(value, list):
            yield from _texts(*value)


def _say_skipped(records: Records) -> None:
    if skipped := records.skipped():
        print(f"({skipped} were skipped)", file=sys.stderr)

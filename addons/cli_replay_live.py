"""`aiclient replay --provider X --model Y PATH...`: recorded requests to another model, and its answers on record."""

import argparse
import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from addons.account_pool import AccountPool, state_file
from addons.accounts import Accounts, read_all
from addons.providers import catalogue
from addons.providers.base import Provider
from addons.record_folder import records_folder, salt_of
from addons.records.facts import Facts
from addons.records.files import Appender
from addons.records.objects import Objects
from addons.records.reader import Records, Wanted, member
from addons.records.record import RecordMaker
from addons.redact import Redactor
from addons.replay.captured import Captured, Unplayed
from addons.replay.sources import NoSource, exchanges
from addons.setting_types import parse_size
from addons.settings import Settings
from addons.settings_sources import SettingsError, load
from creds.pool_state import PoolState

_AT_ONCE = 4
_WRONG = 2  # exit status


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient replay` takes besides, to ask another model."""
    section = parser.add_argument_group("live: send the recorded requests to a model, and keep its answers as records")
    add = section.add_argument
    add("--provider", metavar="NAME", help="Who is asked; this costs what such requests cost.")
    add("--model", metavar="NAME", help="The model, as the provider calls it.")
    add("--dry-run", action="store_true", help="Only say how many requests and tokens it would be.")
    add("--yes", action="store_true", help="Do not ask before.")
    add("--at-once", type=_positive, default=_AT_ONCE, metavar="N", help=f"Requests at a time (default {_AT_ONCE}).")
    add("--limit", type=_positive, default=0, metavar="N", help="Send no more than so many.")
    add("--out", type=Path, metavar="DIR", help="Folder of records to write to (default: record_dir).")


def is_live(args: argparse.Namespace) -> bool:
    """SystemExit for flags that need another."""
    if args.provider and args.model:
        return True
    given = [name for name in ("provider", "model", "out", "limit", "dry_run", "yes") if getattr(args, name)]
    if given:
        flag = given[0].replace("_", "-")
        print(f"aiclient: --{flag} is for sending to a model: name --provider and --model", file=sys.stderr)
        raise SystemExit(_WRONG)
    return False


def run_live(args: argparse.Namespace) -> None:
    """Raises SettingsError for what cannot be done. SystemExit 1 where a request failed."""
    from addons.replay_live import Live, choose  # the proxy's own code, which takes a second to import

    loaded = load()
    settings = loaded.settings
    provider = _provider(args.provider)
    accounts = read_all(loaded, catalogue())
    _refuse_no_account(accounts, provider)
    folder = args.out or records_folder(settings)
    try:
        chosen = choose(_captured(args), _answered(folder, provider.name, args.model), args.limit)
    except NoSource as error:
        raise SettingsError(str(error)) from None
    except OSError as error:
        raise SettingsError(f"cannot read {error.filename}: {error.strerror}") from error
    for reason, count in sorted(chosen.left_out.items()):
        print(f"left out: {reason} ({count:,})")
    print(
        f"{len(chosen.jobs):,} requests to {provider.name}/{args.model}: about {chosen.tokens:,} tokens in, and "
        f"{chosen.answered:,} out if its answers are as long as those recorded"
    )
    if args.dry_run or not chosen.jobs:
        return
    if not args.yes and not _agreed():
        raise SettingsError("nothing was sent: this costs money, so say yes, or add --yes")
    states: Counter[str] = Counter()

    async def send() -> str:
        pool = AccountPool(PoolState(state_file()))
        pool.use(settings, accounts)
        live = Live(provider, args.model, pool, settings)
        try:
            with _written(settings, folder) as write:
                async for facts in live.run(chosen.jobs, args.at_once):
                    write(facts)
                    states[facts.state] += 1
                    _show(states.total(), len(chosen.jobs), states["failed"], facts)
        finally:
            await pool.done()
        return live.stopped

    stopped = ""
    try:
        stopped = asyncio.run(send())
    except OSError as error:
        raise SettingsError(f"cannot write records to {folder}: {error.strerror}") from error
    finally:
        print(f"{states['complete']:,} answers are in {folder}; {states['failed']:,} requests failed")
        if rest := len(chosen.jobs) - states.total():
            print(f"{rest:,} were not sent, or not answered: the same command goes on with them")
    if stopped:
        raise SettingsError(stopped)
    if states["failed"]:
        raise SystemExit(1)


def _provider(name: str) -> Provider:
    found = catalogue().get(name)
    if found is None or found.wire is None:
        real = ", ".join(each for each, provider in catalogue().items() if provider.wire)
        raise SettingsError(f"there is no provider {name!r} that could be asked; there are {real}")
    return found


def _refuse_no_account(accounts: Accounts, provider: Provider) -> None:
    if all(member.slot.disabled for member in accounts.pools.get(provider.name, ())):
        raise SettingsError(f"provider {provider.name} has no account that can be used; see `aiclient accounts`")


def _captured(args: argparse.Namespace) -> Iterator[Captured]:
    from addons.flow_dump import read_dump

    unread = 0
    for found in exchanges(args.paths, read_dump, args.id):
        if isinstance(found, Unplayed):
            unread += 1
        else:
            yield found
    if unread:
        print(f"left out: a part of it is missing ({unread:,})")


def _answered(folder: Path, provider: str, model: str) -> frozenset[str]:
    """Ids of the exchanges that this model has answered in an earlier run."""
    records = Records(folder).each(Wanted(provider=provider, status="complete"), resolve=False)
    return frozenset(
        str(record["replays"])
        for record in records
        if "replays" in record and member(record, "route").get("target") == model
    )


def _agreed() -> bool:
    try:
        return input("Send them? This costs money. [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


@contextlib.contextmanager
def _written(settings: Settings, folder: Path) -> Iterator[Callable[[Facts], None]]:
    """Gives what writes one record."""
    redactor = Redactor(rules=settings.redact_patterns, shapes=settings.redact)
    try:
        maker = RecordMaker(redactor, Objects(folder / "objects"), salt_of(folder), media=settings.record_media)
    except OSError as error:
        raise SettingsError(f"cannot write records to {folder}: {error.strerror}") from error
    appender = Appender(folder, parse_size(settings.record_rotate_size), compress=False, keep_days=0)
    try:
        yield lambda facts: appender.append(maker.line(facts), date.today())
    finally:
        appender.close()


def _show(done: int, total: int, failed: int, facts: Facts) -> None:
    """Progress on a terminal; elsewhere a line for each that failed."""
    if facts.error:
        print(f"{facts.replays}: {facts.error}", file=sys.stderr)
    if sys.stderr.isatty():
        print(f"\r\x1b[K{done:,} of {total:,}, {failed:,} failed", end="\n" if done == total else "", file=sys.stderr)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(text)

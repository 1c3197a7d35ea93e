"""The command `pool`: what is kept of accounts that rest or are stopped, begun anew."""

import argparse
import asyncio
import difflib

from addons.account_pool import state_file
from addons.accounts import read_all
from addons.providers import catalogue
from addons.settings_sources import SettingsError, load
from creds.account import CredentialError
from creds.pool import reset
from creds.pool_state import PoolState
from creds.slot import FRESH


def add_pool_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient pool` takes."""
    parser.add_argument("what", choices=("reset",), help="reset: accounts that rest or are stopped are used again.")
    parser.add_argument(
        "label", nargs="*", metavar="ACCOUNT", help="Labels, or providers for all of theirs (default: all)."
    )


def change_pool(args: argparse.Namespace) -> None:
    """`pool reset`. A proxy that runs sees it at its next request. Raises SettingsError and CredentialError."""
    slots = [member.slot for member in read_all(load(), catalogue()).members]
    named = {slot.label for slot in slots} | {slot.provider for slot in slots}
    for label in args.label:
        if label not in named:
            near = difflib.get_close_matches(label, sorted(named), 1)
            cure = f"did you mean {near[0]}?" if near else "see `aiclient accounts`"
            raise SettingsError(f"there is no account {label!r}; {cure}")
    states = PoolState(state_file())
    states.use(slots)
    mended = []
    for slot in slots:
        before = states.states.get(slot.label, FRESH)
        wanted = not args.label or slot.label in args.label or slot.provider in args.label
        if wanted and (before.rest or before.stop or before.models):
            states.change(slot.label, reset)
            mended.append(slot.label)
    if mended and not asyncio.run(states.save()):
        raise CredentialError(states.warning)
    print("\n".join(f"{label} is used again" for label in mended) or "no account rests or is stopped")

"""The command `chaos`: `serve`, with faults. What it injects, and how, is in `addons.chaos`."""

import argparse

from addons.settings import NAMES
from addons.settings_sources import load

# What every fifth answer is like, unless somebody says otherwise.
USUAL = {
    "chaos": "429=0.06, 500=0.03, 503=0.03, reset=0.02, stall=0.01, cut=0.03, garbage=0.02",
    "chaos_header": "true",
}


def with_faults(args: argparse.Namespace) -> argparse.Namespace:
    """The same arguments, with the usual faults where no flag, variable or file says how many. Raises SettingsError."""
    origin = load({name: value for name in NAMES if (value := getattr(args, name)) is not None}).origin
    for name, value in USUAL.items():
        if origin[name] == "default":
            setattr(args, name, value)
    return args

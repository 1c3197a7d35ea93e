"""Settings as mitmproxy options `aiclient_<name>`, so that mitmweb shows them and `--set` changes them.

Options and loader come in as protocols: this module knows nothing of mitmproxy.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from addons.settings import NAMES, SECRETS, Settings, written
from addons.settings_sources import Loaded, load

PREFIX = "aiclient_"


class Loader(Protocol):
    """The part of `mitmproxy.addonmanager.Loader` that is used."""

    def add_option(
        self, name: str, typespec: type, default: Any, help: str, choices: Sequence[str] | None = None
    ) -> None: ...


class Options(Protocol):
    """The part of `mitmproxy.options.Options` that is used."""

    def default(self, option: str) -> Any: ...

    def __getattr__(self, name: str) -> Any: ...


def add_options(loader: Loader) -> None:
    """Declare every setting; defaults are what environment and file say. Raises SettingsError.

    A secret's default is always empty: options are shown in mitmweb and saved by `--save-config`-like commands, and
    `from_options` finds the value in environment or file again.
    """
    settings = load().settings
    for name, field in Settings.model_fields.items():
        default = "" if name in SECRETS else _as_option(getattr(settings, name))
        loader.add_option(PREFIX + name, type(default), default, field.description or "")


def from_options(options: Options) -> Loaded:
    """Settings with changed options on top, as if they were flags. Raises SettingsError (mitmproxy wants an OptionsError)."""
    flags = {}
    for name in NAMES:
        value = getattr(options, PREFIX + name)
        if value != options.default(PREFIX + name):
            flags[name] = value
    return load(flags)


def _as_option(value: object) -> bool | int | str:
    """The types mitmproxy's options know; a number of seconds and a list become text."""
    return value if isinstance(value, bool | int) else written(value)

"""Where the login of an account is looked for, and where we put one that was made here."""

from collections.abc import Callable, Mapping
from pathlib import Path


def home(environ: Mapping[str, str]) -> Path:
    """The folder of what is ours to keep: `AICLIENT_HOME`, else `~/.aiclient`."""
    return Path(environ.get("AICLIENT_HOME") or "~/.aiclient").expanduser()


def own_file(provider: str, home: Path) -> Path:
    """Where a login made by us is kept, so that no other tool's file is touched."""
    return home / "accounts" / f"{provider}.json"


def credential_file(
    provider: str, configured: str, home: Path, official: Path, is_file: Callable[[Path], bool] = Path.is_file
) -> tuple[Path | None, bool]:
    """(the file with the login, whether it is used only where somebody names the provider).

    The configured one, else our own, else the official tool's: that one belongs to another program, and nobody said that we
    should use it, so it counts on demand alone. (None, False) where there is none. A login in a setting (base64) goes between
    the first and the second: who has one asks for `configured` alone.
    """
    if configured.strip():
        return Path(configured.strip()).expanduser(), False
    if is_file(own := own_file(provider, home)):
        return own, False
    return (official, True) if is_file(official) else (None, False)

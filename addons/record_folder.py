"""Where records are kept."""

import secrets
from pathlib import Path

from addons.settings import Settings
from addons.settings_sources import home
from creds.store import make_private_dir, write_private

_SALT = "salt"


def records_folder(settings: Settings) -> Path:
    return Path(settings.record_dir).expanduser() if settings.record_dir else home() / "records"


def salt_of(folder: Path) -> bytes:
    """What hashes of guessable words (a client's word for its conversation) are made with; made once for a folder. OSError."""
    path = folder / _SALT
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) >= 16:
        return found
    make_private_dir(folder)
    found = secrets.token_bytes(32)
    write_private(path, found)
    return found

"""Where records are kept."""

import os
import secrets
from pathlib import Path

from addons.settings import Settings
from addons.settings_sources import home
from creds.store import make_private_dir, write_private

_SALT = "salt"
_SHORTEST = 16  # bytes


def records_folder(settings: Settings) -> Path:
    return Path(settings.record_dir).expanduser() if settings.record_dir else home() / "records"


def salt_of(folder: Path) -> bytes:
    """What hashes of guessable words (a client's word for its conversation) are made with; made once for a folder, whoever comes
    first. OSError."""
    path = folder / _SALT
    found = _read(path)
    if len(found) >= _SHORTEST:
        return found
    make_private_dir(folder)
    draft = folder / f".{_SALT}.{secrets.token_hex(6)}"
    write_private(draft, secrets.token_bytes(32))
    try:
        if found:
            draft.replace(path)  # what is there is none
        else:
            os.link(draft, path)  # fails where another process was faster
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""

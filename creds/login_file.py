"""The file that a login is put in: our own by default, or one that the person names."""

import asyncio
import json
import os
from collections.abc import Collection
from pathlib import Path

from creds.account import CredentialError
from creds.lock_file import LockFile
from creds.store import MAX_SECRET_BYTES, make_private_dir, write_private
from creds.token import Token
from creds.token_file import Document, Keys, beside, parse_object


def prepare(path: Path) -> None:
    """Before anybody logs in: the folder is there, and the file, if there is one, may be written to. Folders that are made are
    0700. CredentialError says what is in the way."""
    try:
        for folder in reversed((path.parent, *path.parent.parents)):
            make_private_dir(folder)
    except OSError as e:
        raise CredentialError(f"cannot make the folder {path.parent}: {e.strerror}; name another file by --file") from e
    if not os.access(path.parent, os.W_OK):
        raise CredentialError(f"cannot write into {path.parent}; name another file by --file")
    read_document(path)


def read_document(path: Path) -> Document:
    """What is in the file; empty if there is none. CredentialError for a file that holds something else."""
    try:
        with path.open("rb") as file:
            document = parse_object(file.read(MAX_SECRET_BYTES + 1))
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise CredentialError(f"cannot read {path}: {e.strerror}; name another file by --file") from e
    if document is None:
        raise CredentialError(
            f"{path} is there and is not a JSON object: it is left alone; remove it, or name another by --file"
        )
    return document


async def save_login(path: Path, keys: Keys, token: Token, of_a_login: Collection[str] = ()) -> None:
    """Put a new login in the place of the one in the file, under the lock that its refreshes take; mode 0600.

    of_a_login: names of what goes with one login (`id_token`): the old ones go. What else is in the file stays.
    Raises CredentialError when it cannot be written.
    """
    old = {*keys.access, *keys.refresh, *keys.expiry, *of_a_login}
    try:
        async with LockFile(beside(path)).held():
            kept = {name: value for name, value in read_document(path).items() if name not in old}
            content = json.dumps(keys.dump(token, {**kept, **token.extra}), indent=2)
            await asyncio.to_thread(write_private, path, content.encode())
    except OSError as e:
        raise CredentialError(f"the login cannot be saved in {path}: {e.strerror}; name another file by --file") from e

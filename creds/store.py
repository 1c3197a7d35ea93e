"""Where secrets enter and are kept: private files, written whole or not at all."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from creds.account import CredentialError
from creds.secret_command import output_of

REFERENCES = ("env:", "file:", "command:")
MAX_SECRET_BYTES = 64 * 1024  # a key, or a credential file; a path to a device or a log file is a mistake

# The files that secrets were looked for in, in this process: one that changes is a reason to read the settings again.
secret_files: set[Path] = set()


def make_private_dir(path: Path) -> None:
    """Make the folder and its parents; the folder itself is readable by its owner alone. One that exists is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Put `content` in `path`, mode 0600: a reader sees the old file or the new one, never half of it.

    A symbolic link is followed and stays; its target is replaced. OSError if it cannot be written; the old file is whole then.
    """
    target = path.resolve()  # a rename onto the link would cut it
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    _sync_dir(target.parent)


def _sync_dir(path: Path) -> None:
    """Make the rename itself survive a power cut, where the system can do that (not on Windows, not on every network drive)."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def resolve_secret(text: str, setting: str, environ: Mapping[str, str], *, may_run: bool = False) -> str:
    """A secret as written in a setting -> the secret itself.

    `env:NAME` reads a variable, `file:PATH` a file (`~` allowed), `command:PROGRAM ...` runs a program and takes what it prints,
    all without blanks around it; anything else is the secret. CredentialError names `setting` and what is missing; it never
    quotes what was found.

    may_run: whether who wrote the text may have programs run: a file that came with a folder from somebody else may not.
    """
    if text.startswith("command:"):
        if not may_run:
            raise CredentialError(
                f"{setting}: `command:` runs a program, so it counts only in flags, in variables and in aiclient.toml in"
                " AICLIENT_HOME: put it there, or use env:NAME or file:PATH"
            )
        return output_of(text.removeprefix("command:"), setting)
    if text.startswith("env:"):
        name = text.removeprefix("env:").strip()
        if not (found := environ.get(name, "").strip()):
            lack = "empty" if name in environ else "not set"
            raise CredentialError(f"{setting} is `env:{name}`, but the variable {name} is {lack}")
        return found
    if text.startswith("file:"):
        return _content_of(text.removeprefix("file:").strip(), setting)
    return text


def _content_of(name: str, setting: str) -> str:
    try:
        path = Path(name).expanduser()
        secret_files.add(path)
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        text = content.decode().strip()
    except OSError as e:
        raise CredentialError(f"{setting}: cannot read {path}: {e.strerror}") from e
    except UnicodeDecodeError:
        raise CredentialError(f"{setting}: {path} is not text") from None  # the cause would quote the file's bytes
    except RuntimeError as e:
        raise CredentialError(f"{setting}: cannot read {name}: nobody has such a home folder") from e
    if len(content) > MAX_SECRET_BYTES:
        raise CredentialError(f"{setting}: {path} is larger than {MAX_SECRET_BYTES} bytes; is it the right file?")
    if not text:
        raise CredentialError(f"{setting}: {path} is empty")
    return text

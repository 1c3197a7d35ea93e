"""A secret that a program prints: `command:pass show openai`. No shell reads it, and it has ten seconds."""

import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from creds.account import CredentialError

SECONDS = 10.0
MAX_BYTES = 64 * 1024  # more is no secret, and must not fill the memory

# What was printed, by command: a program that asks a person to unlock something is not run at every look at the settings.
_printed: dict[str, str] = {}


def output_of(command: str, setting: str, seconds: float = SECONDS) -> str:
    """What the program prints, without blanks around it; run once in this process, again only after a failure. Blocks.

    command: words as a shell would split them, but nothing else of a shell. CredentialError names `setting` and what went wrong, and
    nothing of what was printed; what it says on stderr goes where ours goes.
    """
    if command not in _printed:
        _printed[command] = _run(command, setting, seconds)
    return _printed[command]


def _run(command: str, setting: str, seconds: float) -> str:
    try:
        words = shlex.split(command)
    except ValueError as e:
        raise CredentialError(f"{setting}: `command:` is not a command line: {e}") from None
    if not words:
        raise CredentialError(f"{setting}: `command:` names no program")
    program = str(Path(words[0]).expanduser()) if words[0].startswith("~") else words[0]
    try:
        # Its own group, so that what it has started ends with it.
        process = subprocess.Popen(  # noqa: S603  # named by the user, who may run programs anyway
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=os.name == "posix",
        )
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) else str(e)
        raise CredentialError(f"{setting}: cannot run {program}: {why}") from None
    with process:
        try:
            printed = _take(process, seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise CredentialError(f"{setting}: {program} did not end within {seconds:g} s") from None
    if len(printed) > MAX_BYTES:
        raise CredentialError(f"{setting}: {program} printed more than {MAX_BYTES} bytes; is it the right program?")
    if process.returncode:
        raise CredentialError(f"{setting}: {program} ended with exit code {process.returncode}")
    try:
        text = printed.decode().strip()
    except UnicodeDecodeError:
        raise CredentialError(f"{setting}: {program} printed something that is not text") from None
    if not text:
        raise CredentialError(f"{setting}: {program} printed nothing")
    return text


def _take(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What it has printed when it has ended, at most one piece more than `MAX_BYTES`: it is ended then. Raises TimeoutExpired."""
    printed = bytearray()

    def read(output: IO[bytes]) -> None:
        while len(printed) <= MAX_BYTES and (piece := output.read(MAX_BYTES)):
            printed.extend(piece)

    until = time.monotonic() + seconds
    assert process.stdout
    reader = Thread(target=read, args=(process.stdout,), daemon=True)
    reader.start()
    reader.join(seconds)
    if reader.is_alive():  # also where it has ended itself, and left somebody behind who may print still
        raise subprocess.TimeoutExpired(process.args, seconds)
    if len(printed) > MAX_BYTES:
        _end(process)
    process.wait(max(0.0, until - time.monotonic()))
    return bytes(printed)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

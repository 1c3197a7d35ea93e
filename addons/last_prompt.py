"""The system prompt that each client sent last, as a text file: `prompts/<client>/system_prompt.txt`, and the latest of all in
`prompts/fetch_system_prompt.txt`, under the name that it has in AIClient-2-API."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from addons.prompt_archive import sighting, system_text
from addons.records.objects import Objects
from converters.json_codec import Json, loads
from creds.store import make_private_dir, write_private

LATEST = "fetch_system_prompt.txt"
OF_CLIENT = "system_prompt.txt"
type Stamp = tuple[int, int] | None  # of a file, when we last wrote it

_SYSTEM = b',"conversation":{"system":'
_UNSAFE = re.compile(r"[^\w.+-]+")


class LastPrompt:
    """A sink of records. Files are written when a prompt is another one than the file holds, also where other processes write
    it. objects: None where records hold all themselves."""

    name = "last system prompts"

    def __init__(self, folder: Path, objects: Objects | None) -> None:
        self._folder, self._objects = folder, objects
        self._written: dict[Path, tuple[str, Stamp]] = {}

    def extend(self, lines: Sequence[bytes], today: date) -> None:
        """Only the last one of each client is written."""
        last: dict[str, Json] = {}
        for line in lines:
            at = line.find(_SYSTEM)
            if at < 0 or line.startswith(b"[]", at + len(_SYSTEM)):
                continue
            seen = sighting(line)
            if seen is not None and seen.system:
                last.pop(seen.client, None)
                last[seen.client] = seen.system
        latest = ""
        for client, system in last.items():
            if text := self._text(system):
                name = _UNSAFE.sub("_", client).strip(".") or "unknown"
                self._write(self._folder / name / OF_CLIENT, text)
                latest = text
        if latest:
            self._write(self._folder / LATEST, latest)

    def tidy(self, today: date) -> None:
        """Nothing grows old here."""

    def close(self) -> None:
        """Nothing is open."""

    def _text(self, system: Json) -> str:
        match system:
            case {"ref": str(ref)} if self._objects is not None:
                try:
                    return system_text(loads(self._objects.get(ref)))
                except (OSError, ValueError):
                    return ""
        return system_text(system)

    def _write(self, path: Path, text: str) -> None:
        before, stamp = self._written.get(path, ("", None))
        if before == text and stamp == _stamp_of(path):
            return
        make_private_dir(path.parent)
        write_private(path, text.encode(errors="replace"))
        self._written[path] = text, _stamp_of(path)


def _stamp_of(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino

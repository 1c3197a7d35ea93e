"""The system prompt that each client sent last, as a text file: `prompts/<client>/system_prompt.txt`, and the latest of all in
`prompts/fetch_system_prompt.txt`, under the name that it has in AIClient-2-API."""

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from addons.prompt_archive import sighting, system_text
from addons.records.objects import Objects
from converters.json_codec import Json, loads
from creds.store import make_private_dir, write_private

LATEST = "fetch_system_prompt.txt"
OF_CLIENT = "system_prompt.txt"
_UNSAFE = re.compile(r"[^\w.+-]+")


class LastPrompt:
    """A sink of records. Files are written when a prompt is another one than before. A disk that says no costs the file, never
    a record. objects: None where records hold all themselves."""

    def __init__(self, folder: Path, objects: Objects | None) -> None:
        self._folder, self._objects = folder, objects
        self._written: dict[Path, str] = {}

    def append(self, line: bytes, today: date) -> None:
        seen = sighting(line)
        if seen is None or not (text := self._text(seen.system)):
            return
        name = _UNSAFE.sub("_", seen.client).strip(".") or "unknown"
        with suppress(OSError):
            self._write(self._folder / name / OF_CLIENT, text)
            self._write(self._folder / LATEST, text)

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
        if self._written.get(path) == text:
            return
        make_private_dir(path.parent)
        write_private(path, text.encode(errors="replace"))
        self._written[path] = text

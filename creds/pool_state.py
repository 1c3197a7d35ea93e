"""The states of a pool's slots: in memory, so that decisions take no time, and in a file, for the next start and for other processes.

The file is ours alone; nothing is written into what a person configures. What is kept: cooldowns and stops, by wall clock. What is
not: requests in flight and turns, which are each process's own.

A change is a pure function. It is applied to the memory at once, and by `save` to what the file holds by then, under a lock: so
no process undoes what another one has found out.
"""

import asyncio
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creds.account import CredentialError
from creds.lock_file import LockFile
from creds.slot import FRESH, NO_MODELS, Rest, Slot, SlotState, Stop
from creds.store import make_private_dir, write_private
from creds.token_file import beside

type Change = Callable[[SlotState], SlotState]
type Stamp = tuple[int, int, int]  # mtime_ns, size, inode

VERSION = 1
MAX_BYTES = 8 * 1024 * 1024
FORGOTTEN = 30 * 86_400.0  # seconds after which the state of a slot that nobody has is dropped


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True, hide_input_in_errors=True)


class _Rest(_Kept):
    until: float
    since: float
    cause: str
    reason: str = ""
    exchange: str = ""
    told: float = 0.0
    failures: int = Field(1, ge=1, le=1_000_000)
    probe: float = 0.0


class _Stop(_Kept):
    since: float
    cause: str
    reason: str = ""
    exchange: str = ""


class _Entry(_Kept):
    """A slot in the file. saved: unix seconds."""

    mark: str = ""
    saved: float = 0.0
    last_used: float = 0.0
    rest: _Rest | None = None
    models: dict[str, _Rest] = {}
    stop: _Stop | None = None

    def state(self) -> SlotState:
        return SlotState(
            rest=Rest(**self.rest.model_dump()) if self.rest else None,
            models={name: Rest(**rest.model_dump()) for name, rest in self.models.items()} or NO_MODELS,
            stop=Stop(**self.stop.model_dump()) if self.stop else None,
            last_used=self.last_used,
        )


class PoolState:
    """The file at `path` need not exist. now: unix seconds. lock: held while the file is changed; one beside it by default.

    warning: what is wrong with the file, in a sentence, "" if nothing is. It never keeps a request from being served.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time, lock: LockFile | None = None) -> None:
        self.path, self._now = path, now
        self._lock = lock or LockFile(beside(path))
        self._saving = asyncio.Lock()
        self._marks: dict[str, str] = {}
        self._current: dict[str, SlotState] = {}
        self._pending: list[tuple[str, Change]] = []
        self._seen: Stamp | None = None
        self.warning = ""

    @property
    def states(self) -> Mapping[str, SlotState]:
        """By label."""
        return self._current

    @property
    def unsaved(self) -> bool:
        """Whether `save` has something to do."""
        return bool(self._pending)

    def use(self, slots: Iterable[Slot]) -> None:
        """The slots that there are from now on. Others' states are left alone in the file, and those of a label that stands for
        another account than before do not count."""
        marks = {slot.label: slot.mark for slot in slots}
        kept = {label: self._current[label] for label in marks if marks[label] == self._marks.get(label)}
        self._pending = [(label, change) for label, change in self._pending if label in kept]
        self._current, self._marks = kept, marks
        self._read()

    def look(self) -> None:
        """Take over what another process has written since. Costs one `stat` when it has not."""
        if _stamp_of(self.path) != self._seen:
            self._read()

    def change(self, label: str, change: Change) -> SlotState:
        """Apply it now, and at the next `save` to the file if the file has a part in it. Returns the new state."""
        before = self._current.get(label, FRESH)
        after = self._current[label] = change(before)
        if _shared(after) != _shared(before):
            self._pending.append((label, change))
        return after

    async def save(self) -> bool:
        """Put all changes into the file. Whether that went well; if not, `warning` says why, and nothing is lost but for others.

        At most one at a time; waits for the lock, never blocks.
        """
        async with self._saving:
            if not self._pending:
                return True
            try:
                make_private_dir(self.path.parent)
                async with self._lock.held():
                    await self._save()
            except (OSError, CredentialError) as e:
                said = e.strerror if isinstance(e, OSError) else str(e)
                self.warning = self._unusable(said)
                self._condense()
                return False
            return True

    def _unusable(self, why: str | None) -> str:
        """One that can be neither read nor written is one fault, whose first reason stays."""
        what = f"the state of the accounts cannot be kept in {self.path}: "
        return self.warning if self.warning.startswith(what) else f"{what}{why}"

    async def _save(self) -> None:
        entries = self._read() or {}
        taken = list(self._pending)
        for label in self._marks:
            entries[label] = self._entry(label, self._current.get(label, FRESH))
        content = json.dumps({"version": VERSION, "slots": entries}, indent=1).encode()
        writing = asyncio.ensure_future(asyncio.to_thread(write_private, self.path, content))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])  # the lock must not go before the file is whole
            raise
        self._pending = [each for each in self._pending if not any(each is saved for saved in taken)]
        self._seen = _stamp_of(self.path)
        self.warning = ""

    def _entry(self, label: str, state: SlotState) -> dict[str, object]:
        found: dict[str, object] = {"mark": self._marks[label], "saved": self._now(), "last_used": state.last_used}
        if state.rest:
            found["rest"] = asdict(state.rest)
        if state.models:
            found["models"] = {name: asdict(rest) for name, rest in state.models.items()}
        if state.stop:
            found["stop"] = asdict(state.stop)
        return found

    def _condense(self) -> None:
        """A file that cannot be written for long must not cost memory for each change: our own view stands for all of them."""
        states = {label: self._current[label] for label, _ in self._pending if label in self._current}
        self._pending = [(label, _constant(state)) for label, state in states.items()]

    def _read(self) -> dict[str, object] | None:
        """The file's entries, those of other slots as they are; None if it cannot be understood. Then the memory stays as it is."""
        stamp, found, warning = self._load()
        self._seen, self.warning = stamp, warning
        if found is None:
            return None
        before, self._current = self._current, {label: self._state_in(found, label) for label in self._marks}
        for label, change in self._pending:
            self._current[label] = change(self._current[label])
        for label, state in self._current.items():
            own = before.get(label, FRESH)
            used = max(own.last_used, state.last_used)
            self._current[label] = replace(state, in_flight=own.in_flight, turn=own.turn, last_used=used)
        oldest = self._now() - FORGOTTEN
        return {label: entry for label, entry in found.items() if _saved(entry) > oldest}

    def _state_in(self, found: Mapping[str, object], label: str) -> SlotState:
        if label not in found:
            return FRESH
        try:
            entry = _Entry.model_validate(found[label])
        except ValidationError:
            self.warning = f"{self.path}: what it says of {label} cannot be used, so that account counts as healthy"
            return FRESH
        return entry.state() if entry.mark == self._marks[label] else FRESH

    def _load(self) -> tuple[Stamp | None, dict[str, object] | None, str]:
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                content = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None, {}, ""
        except OSError as e:
            return (
                _stamp_of(self.path),
                None,
                self._unusable(e.strerror),
            )
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        try:
            document = json.loads(content.decode()) if len(content) <= MAX_BYTES else None
        except (ValueError, RecursionError):
            document = None
        slots = document.get("slots") if isinstance(document, dict) and document.get("version") == VERSION else None
        if not isinstance(slots, dict):
            return stamp, None, f"{self.path} is damaged, so the state of the accounts begins anew; it will be replaced"
        return stamp, slots, ""


def _shared(state: SlotState) -> SlotState:
    """What the file holds of it, but for the last use: that alone is not worth writing."""
    return SlotState(rest=state.rest, models=state.models, stop=state.stop)


def _constant(state: SlotState) -> Change:
    return lambda _: state


def _saved(entry: object) -> float:
    saved = entry.get("saved") if isinstance(entry, dict) else None
    return saved if isinstance(saved, int | float) and math.isfinite(saved) else 0.0


def _stamp_of(path: Path) -> Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino

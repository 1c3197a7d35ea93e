"""Converters that are broken on purpose, and the recordings that must tell."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addons.providers import catalogue
from addons.replay.compare import Difference
from addons.replay.judge import Verdict
from addons.replay.recording import read
from addons.replay_legs import verdicts
from converters.events import StreamEvent
from converters.json_codec import JsonObject
from converters.profile import Profile
from converters.turns import Chat
from converters.wire import StreamReader

RECORDINGS = Path(__file__).parents[2] / "recordings"


def replayed(*names: str) -> list[Verdict]:
    found = list(verdicts([read(RECORDINGS / name) for name in names]))
    assert all(isinstance(verdict, Verdict) for verdict in found), found
    return found  # type: ignore[return-value]


def told(name: str) -> list[Difference]:
    """What the replay of one recording says."""
    [verdict] = replayed(name)
    return verdict.differences


def places(found: Iterable[Difference]) -> set[tuple[str, str]]:
    return {(each.leg, each.path) for each in found}


def break_wire(monkeypatch: pytest.MonkeyPatch, provider: str, **parts: Any) -> None:
    """A provider's wire with parts of it replaced."""
    kind = type(catalogue()[provider])
    assert kind.wire is not None
    monkeypatch.setattr(kind, "wire", replace(kind.wire, **parts))


class _Changed:
    """A reader whose events are changed."""

    def __init__(self, reader: StreamReader, change: Callable[[StreamEvent], Iterable[StreamEvent]]) -> None:
        self._reader, self._change = reader, change

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        return (seen for event in self._reader.feed(data) for seen in self._change(event))

    def close(self) -> Iterator[StreamEvent]:
        return (seen for event in self._reader.close() for seen in self._change(event))


def break_reader(
    monkeypatch: pytest.MonkeyPatch, provider: str, change: Callable[[StreamEvent], Iterable[StreamEvent]]
) -> None:
    """Of streams and of whole answers."""
    wire = type(catalogue()[provider]).wire
    assert wire is not None
    right = wire.stream_reader

    def broken(profile: Profile, chat: Chat | None = None, /) -> StreamReader:
        return _Changed(right(profile, chat), change)

    def broken_whole(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
        return (seen for event in wire.read_answer(body, profile) for seen in change(event))

    break_wire(monkeypatch, provider, stream_reader=broken, read_answer=broken_whole)

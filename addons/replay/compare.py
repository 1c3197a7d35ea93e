"""Two JSON values, and every place where they differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from converters.json_codec import Json, JsonObject, dumps_text


class Nothing(Enum):
    """What stands where there is nothing; JSON's null is something."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Difference:
    """leg: `client answer`, `attempt 1 request` ... path: like `choices[0].finish_reason`, "" for all of it."""

    leg: str
    path: str
    recorded: Json | Nothing
    today: Json | Nothing


def differences(leg: str, recorded: Json, today: Json, path: str = "") -> Iterator[Difference]:
    """In the order of the recorded one."""
    if isinstance(recorded, dict) and isinstance(today, dict):
        yield from _of_objects(leg, recorded, today, path)
    elif isinstance(recorded, list) and isinstance(today, list):
        yield from _of_lists(leg, recorded, today, path)
    elif recorded != today or isinstance(recorded, bool) is not isinstance(today, bool):
        yield Difference(leg, path, recorded, today)


def _of_objects(leg: str, recorded: JsonObject, today: JsonObject, path: str) -> Iterator[Difference]:
    for name in [*recorded, *(name for name in today if name not in recorded)]:
        inner = f"{path}.{name}" if path else name
        if name not in today:
            yield Difference(leg, inner, recorded[name], NOTHING)
        elif name not in recorded:
            yield Difference(leg, inner, NOTHING, today[name])
        else:
            yield from differences(leg, recorded[name], today[name], inner)


def _of_lists(leg: str, recorded: Sequence[Json], today: Sequence[Json], path: str) -> Iterator[Difference]:
    """Entry by entry; where their numbers differ, what is missing or new is found first."""
    if len(recorded) == len(today):
        for n, (before, now) in enumerate(zip(recorded, today, strict=True)):
            yield from differences(leg, before, now, f"{path}[{n}]")
        return
    matcher = SequenceMatcher(None, _texts(recorded), _texts(today), autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        both = min(last - first, end - begin)
        for n in range(both):
            yield from differences(leg, recorded[first + n], today[begin + n], f"{path}[{first + n}]")
        for n in range(first + both, last):
            yield Difference(leg, f"{path}[{n}]", recorded[n], NOTHING)
        for n in range(begin + both, end):
            yield Difference(leg, f"{path}[{n}]", NOTHING, today[n])


def _texts(values: Sequence[Json]) -> list[str]:
    return [dumps_text(value) for value in values]

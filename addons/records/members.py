"""Where a request body holds what every request of a client repeats: its tools and its system prompt."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator

from addons.alike import Ends, Recent

SMALLEST = 512  # bytes; less is not worth a file
_SPACE = re.compile(r"[ \t\n\r]*")
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers of any length; nobody reads them
_REPEATED = frozenset({"tools", "functions", "system", "instructions", "systemInstruction", "system_instruction"})
_LED = frozenset({"messages", "input"})  # lists whose first entry may be the system prompt
_ENVELOPES = frozenset({"request", "generateContentRequest"})  # objects that hold the body proper
_NAMES = tuple(f'"{name}"'.encode() for name in sorted(_REPEATED | _LED | _ENVELOPES))
_NAMES_IN_ANSWERS = (b'"tools"', b'"instructions"')  # the Responses API says them again
_SHORT = 4096  # bytes; a longer one is looked at by what it has in common with others

type Place = tuple[int, int]  # offsets of bytes: first, behind the last


class Members:
    """Finds them; remembers the last bodies, whose beginning and end most new ones share. Not for several threads at once."""

    def __init__(self) -> None:
        self._recent: defaultdict[str, Recent[list[Place]]] = defaultdict(Recent)

    def places(self, body: bytes, kind: str = "") -> list[Place]:
        """kind: names those that it is likely to be like. In order, not overlapping, each one JSON value; [] for what is no JSON object. UnicodeDecodeError if it is searched and not UTF-8."""
        if len(body) < SMALLEST or (len(body) < _SHORT and not _names_any(body, kind)):
            return []
        before, places, ends = self._recent[kind].most_alike(body)
        found = None if places is None else _as_before(places, len(before), len(body), ends)
        if found is None:
            found = places_in(body)
        self._recent[kind].keep(body, found, before, ends)
        return found


def _as_before(places: list[Place], before: int, now: int, ends: Ends) -> list[Place] | None:
    """Those of a body that differs in other places alone. before, now: lengths."""
    start, end = ends
    shift, tail = now - before, before - end
    if 2 * (start + end) < now or any(first < tail and last > start for first, last in places):
        return None
    return [(first, last) if last <= start else (first + shift, last + shift) for first, last in places]


def _names_any(body: bytes, kind: str) -> bool:
    for name in _NAMES_IN_ANSWERS if kind == "answer" else _NAMES:  # noqa: SIM110  # `any` takes twice the time, and most bodies are asked
        if name in body:
            return True
    return False


def places_in(body: bytes) -> list[Place]:
    """As `Members.places`, from this body alone."""
    text = body.decode()
    try:
        found = list(_search(text, 0))
    except (ValueError, RecursionError, StopIteration):
        return []
    if not text.isascii():
        found = [(len(text[:start].encode()), len(text[:end].encode())) for start, end in found]
    return [(start, end) for start, end in found if end - start >= SMALLEST]


def _search(text: str, at: int) -> Iterator[Place]:
    for key, value, end in _members(text, at):
        if key in _REPEATED:
            yield value, end
        elif key in _LED and (led := _system_message(text, value)) is not None:
            yield led
        elif key in _ENVELOPES and text[value] == "{":
            yield from _search(text, value)


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """(name, offsets of the value) of the object that begins at `at`."""
    at = _skip(text, at)
    if text[at : at + 1] != "{":
        raise ValueError("not a JSON object")
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, colon = _SCANNER.raw_decode(text, at)
        value = _skip(text, _skip(text, colon) + 1)
        _, end = _SCANNER.raw_decode(text, value)
        yield key, value, end
        comma = _skip(text, end)
        if text[comma : comma + 1] != ",":
            return
        at = _skip(text, comma + 1)


def _system_message(text: str, at: int) -> Place | None:
    """The first entry of a list, if it is the system prompt."""
    first = _skip(text, at + 1)
    if text[at] != "[" or text[first : first + 1] != "{":
        return None
    entry, end = _SCANNER.raw_decode(text, first)
    return (first, end) if entry.get("role") in ("system", "developer") else None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at

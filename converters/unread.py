"""What a client's request holds inside its objects that the parser does not read: named in the loss list (conversion rules 17).

Each wire tells in its `known.py` what its parser reads. Unknown fields at the top level are not told here: they travel in
`Chat.native`.
"""

from collections.abc import Mapping

from converters.json_codec import Json, JsonObject
from converters.loss import Loss

_WHY_NOTED = "has no place in the hub, and nobody will miss it in the answer"
_WHY_DROPPED = "exists only in the client's own protocol"
_HOLDERS = (dict, list)
_NOTHING: tuple[Json, ...] = (None, "", [], {})  # what says no more than a field that is left out


class Known:
    """The fields of one kind of object.

    read: names that the parser reads; None: all of them are told of elsewhere. drop: names whose loss the client is warned
    of; any other that is not read is noted. inside: what the objects, or lists of objects, of a field are like.
    """

    __slots__ = ("drop", "inside", "read")

    def __init__(self, read: str | None, /, drop: str = "", **inside: "Known | Kinds") -> None:
        self.read = None if read is None else frozenset((*read.split(), *inside))
        self.drop = frozenset(drop.split())
        self.inside = inside


class Kinds:
    """Objects of several kinds, told apart by one field. A kind that is not listed is the parser's own affair.

    missing: the kind of an object that does not say it.
    """

    __slots__ = ("_by", "_kinds", "_missing")

    def __init__(self, by: str, kinds: Mapping[str, "Known | Kinds"], missing: str = "") -> None:
        self._by, self._kinds, self._missing = by, kinds, missing

    def of(self, source: JsonObject) -> "Known | Kinds | None":
        kind = source.get(self._by)
        return self._kinds.get(kind if isinstance(kind, str) else self._missing)


def report_unread(body: JsonObject, known: Mapping[str, Known | Kinds], loss: Loss) -> None:
    """known: top-level field -> what its objects are like."""
    for name, kind in known.items():
        if value := body.get(name):
            _report_value(value, kind, name, loss)


def _report_value(value: Json, known: Known | Kinds, name: str, loss: Loss) -> None:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                _report(item, known, name, loss)
    elif isinstance(value, dict):
        _report(value, known, name, loss)


def _report(source: JsonObject, known: Known | Kinds | None, name: str, loss: Loss) -> None:
    while isinstance(known, Kinds):
        known = known.of(source)
    if known is None:
        return
    if known.read is not None and not known.read.issuperset(source):
        for key in source:
            if key not in known.read and source[key] not in _NOTHING:
                if key in known.drop:
                    loss.drop(f"{name}.{key}", _WHY_DROPPED)
                else:
                    loss.note(f"{name}.{key}", _WHY_NOTED)
    if inside := known.inside:
        for key, value in source.items():
            if key in inside and isinstance(value, _HOLDERS):
                _report_value(value, inside[key], f"{name}.{key}", loss)

"""The reasoning memory of processes that share a port: what `converters.memory.LatestSteps` is for one."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from addons.shared_table import SharedTable
from converters.memory import Step
from converters.turns import Thinking, Token


class SharedSteps:
    """table: of `converters.memory.SIZE` rows, each for `SECONDS`."""

    def __init__(self, table: SharedTable) -> None:
        self._table = table

    def put(self, step: Step) -> None:
        self._table.put(step.calls, written(step))

    def get(self, ids: Collection[str]) -> Mapping[str, Step]:
        return {id_: read(text) for id_, text in self._table.get(ids).items()}


def written(step: Step) -> str:
    """ASCII, whatever a model has written."""
    thinking = [asdict(each) for each in step.thinking]
    return json.dumps({"thinking": thinking, "calls": {id_: t and asdict(t) for id_, t in step.calls.items()}})


def read(text: str) -> Step:
    found = json.loads(text)
    thinking = tuple(Thinking(each["text"], _token(each["token"])) for each in found["thinking"])
    return Step(thinking, {id_: _token(token) for id_, token in found["calls"].items()})


def _token(found: Any) -> Token | None:
    return None if found is None else Token(**found)

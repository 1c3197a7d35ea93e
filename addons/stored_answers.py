"""Which account keeps an answer that a client will refer to: another one does not know it."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Protocol

from addons.exchange import Exchange
from addons.providers.base import Action

MOST = 10_000


class Labels(Protocol):
    """Labels of accounts, by the ids of answers: the latest `MOST`."""

    def put(self, keys: Collection[str], value: str) -> None: ...

    def get(self, keys: Collection[str]) -> Mapping[str, str]:
        """Those that are there."""
        ...


class LatestLabels:
    """In the memory of this process."""

    def __init__(self) -> None:
        self._labels: OrderedDict[str, str] = OrderedDict()

    def put(self, keys: Collection[str], value: str) -> None:
        for key in keys:
            self._labels[key] = value
            self._labels.move_to_end(key)
        while len(self._labels) > MOST:
            self._labels.popitem(last=False)

    def get(self, keys: Collection[str]) -> Mapping[str, str]:
        return {key: self._labels[key] for key in keys if key in self._labels}


class StoredAnswers:
    """The latest of them. After a restart an answer is found by asking one account after the other."""

    def __init__(self, labels: Labels | None = None) -> None:
        self._labels = LatestLabels() if labels is None else labels

    def note(self, exchange: Exchange) -> None:
        """An answer has come."""
        if exchange.wire.name == "responses" and exchange.bypass and exchange.answer_id and exchange.account:
            self._labels.put([exchange.answer_id], exchange.account.label)

    def label_for(self, exchange: Exchange) -> str:
        """The account that a request must go to, "" if any will do or nobody knows."""
        id_ = referred(exchange)
        return self._labels.get([id_]).get(id_, "") if id_ else ""


def referred(exchange: Exchange) -> str:
    """The id of the stored answer that a request is about, "" if it is about none."""
    if exchange.match.action is Action.STORED:
        return (exchange.match.name or "").partition("/")[0]
    named = exchange.body.get("previous_response_id") if exchange.wire.name == "responses" else None
    return named if isinstance(named, str) else ""

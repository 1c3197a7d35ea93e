"""Which account keeps an answer that a client will refer to: another one does not know it."""

from collections import OrderedDict

from addons.exchange import Exchange
from addons.providers.base import Action

MOST = 10_000


class StoredAnswers:
    """The latest of them. In memory: after a restart an answer is found by asking one account after the other."""

    def __init__(self) -> None:
        self._labels: OrderedDict[str, str] = OrderedDict()

    def note(self, exchange: Exchange) -> None:
        """An answer has come."""
        if exchange.wire.name != "responses" or not exchange.bypass or not exchange.answer_id or not exchange.account:
            return
        self._labels[exchange.answer_id] = exchange.account.label
        self._labels.move_to_end(exchange.answer_id)
        if len(self._labels) > MOST:
            self._labels.popitem(last=False)

    def label_for(self, exchange: Exchange) -> str:
        """The account that a request must go to, "" if any will do or nobody knows."""
        return self._labels.get(referred(exchange), "")


def referred(exchange: Exchange) -> str:
    """The id of the stored answer that a request is about, "" if it is about none."""
    if exchange.match.action is Action.STORED:
        return (exchange.match.name or "").partition("/")[0]
    named = exchange.body.get("previous_response_id") if exchange.wire.name == "responses" else None
    return named if isinstance(named, str) else ""

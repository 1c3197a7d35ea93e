"""What a provider says, listened to: its answer so far."""

from typing import override

from converters.collect import Collector
from converters.events import Answer, StreamEvent, TextDelta


class Heard(Collector):
    """For whoever keeps a record of an answer, beside those who pass it on: what they would choke on does not matter here."""

    @override
    def add(self, event: StreamEvent) -> None:
        if type(event) is TextDelta:  # nearly all events
            if (fragments := self._fragments.get(event.block)) is not None:
                fragments.append(event.text)
            return
        try:
            super().add(event)
        except KeyError:  # of a block that never began
            return

    def forget(self) -> None:
        self.answer, self._open, self._fragments = Answer(), {}, {}

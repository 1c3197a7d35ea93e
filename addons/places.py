"""How many requests are under way, without counting them: each takes a place, and gives it back once."""


class Places:
    """By client connection, for one that ends takes all its requests with it: mitmproxy does not tell the end of each.

    client, flow: their ids. A place is given back once, however often its end is told.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._flows: dict[str, set[str]] = {}

    def take(self, client: str, flow: str) -> None:
        flows = self._flows.setdefault(client, set())
        self.taken += flow not in flows
        flows.add(flow)

    def give_back(self, client: str, flow: str) -> None:
        flows = self._flows.get(client, set())
        if flow in flows:
            self.taken -= 1
            flows.remove(flow)
            if not flows:
                del self._flows[client]

    def left(self, client: str) -> None:
        """This client is gone."""
        self.taken -= len(self._flows.pop(client, ()))

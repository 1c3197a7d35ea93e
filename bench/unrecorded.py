"""A script for mitmproxy: clients that say so are not recorded. `aiclient serve -- -s bench/unrecorded.py`.

So one process does both, request by request, and nothing else differs: of two processes that do the same, one may need a tenth more
than the other. Those that are recorded pass the same check.
"""

from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.recorder import Recorder

MARK = " unrecorded"  # the end of a User-Agent


def load(_: object) -> None:
    """The recorder knows nothing of an exchange that it did not begin. Hooks are looked up anew after each script is loaded."""
    begin = Recorder.requestheaders

    def requestheaders(self: Recorder, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or not exchange.request_headers.get("user-agent", "").endswith(MARK):
            begin(self, flow)

    Recorder.requestheaders = requestheaders  # type: ignore[method-assign]

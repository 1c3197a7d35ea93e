"""One line a request: who asked what of whom, how it ended, what it took."""

import logging
import time
from collections.abc import Callable

from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.providers.base import Action

_NAME, _REMARK = 100, 300  # characters of what others wrote
log = logging.getLogger("aiclient")
_NAMED = (Action.COUNT, Action.MODELS, Action.MODEL)  # what is not said of the usual


class AccessLog:
    """The last to see an exchange: writes its line, and lets go of its bodies. kept: whether somebody will look at flows later.

    `chat gpt-5 -> claude-custom/claude-opus-5 claude-custom:default 200 812+64 tok 340 ms first 1.92 s req_...`
    """

    def __init__(self, kept: Callable[[], bool] = lambda: True) -> None:
        self._kept = kept

    def response(self, flow: HTTPFlow) -> None:
        if (exchange := Exchange.of(flow)) is not None and flow.response is not None:
            broken = exchange.pipe.failed if exchange.pipe else None
            self._end(exchange, flow, str(flow.response.status_code), f"broken off: {broken}" if broken else "")

    def error(self, flow: HTTPFlow) -> None:
        if (exchange := Exchange.of(flow)) is not None:
            said = flow.error.msg if flow.error else "ended"
            # Either the client left, or mitmproxy itself refused the request (too large, malformed, too slow).
            self._end(exchange, flow, "499" if exchange.client_left else "refused", said)

    def _end(self, exchange: Exchange, flow: HTTPFlow, status: str, remark: str) -> None:
        if not exchange.quiet:
            log.info("%s", line(exchange, status, remark))
        exchange.over()
        if (
            not self._kept()
        ):  # a flow is a cycle of references: it stays until the garbage collector comes, megabytes and all
            flow.request.data.content = b""


def line(exchange: Exchange, status: str, remark: str) -> str:
    """Plain printable text: what a provider or client wrote cannot move a terminal's cursor."""
    now = time.monotonic()
    action = exchange.match.action
    words = [exchange.wire.name, action if action in _NAMED else "", exchange.model[:_NAME] or "-"]
    served = (exchange.served_model or exchange.target_model)[:_NAME]
    words += ["->", "/".join(filter(None, (exchange.provider.name, served))) if exchange.provider else "-"]
    words += [exchange.account.label if exchange.account else "", status]
    if exchange.usage.output_total is not None:
        words.append(f"{exchange.usage.input_total or 0}+{exchange.usage.output_total} tok")
    if exchange.first_byte is not None:
        words.append(f"{(exchange.first_byte - exchange.began) * 1000:.0f} ms first")
    words.append(f"{now - exchange.began:.2f} s")
    if exchange.attempts > 1:
        words.append(f"{exchange.attempts} attempts")
    words.append(exchange.id)
    if remark or exchange.failure:
        said = remark or (exchange.failure.message if exchange.failure else "")
        words.append("| " + exchange.scrub(said.encode(errors="replace")).decode()[:_REMARK])
    return "".join(c if c.isprintable() else " " for c in " ".join(filter(None, words)))

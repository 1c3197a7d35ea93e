"""The addon that puts our layer in place."""

import logging
from collections.abc import Callable
from dataclasses import replace

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.tls import ServerTLSLayer
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons.mitmproxy_version import TESTED, is_tested
from addons.relay.attempt import Call
from addons.relay.closing import close_what_is_left
from addons.relay.events import Settings
from addons.relay.layer import RelayLayer

logger = logging.getLogger(__name__)


class Relay:
    """Addon: put our layer wherever mitmproxy has chosen HTTP.

    find: the upstream side of a flow, asked after the `request` hook; None leaves the flow to mitmproxy.
    render_error(path, status, message): a JSON body for what mitmproxy itself refuses. header_seconds, body_seconds: how long
    a request's head, and then its body, may take; 0 means without end. header_limit: bytes of a request's or an answer's head.
    """

    def __init__(
        self,
        find: Callable[[http.HTTPFlow], Call | None],
        render_error: Callable[[str, int, str], bytes],
        *,
        header_seconds: float = 60.0,
        body_seconds: float = 300.0,
        header_limit: int = 128 * 1024,
    ) -> None:
        self.settings = Settings(find, render_error, header_seconds, body_seconds, header_limit)

    def limit(self, header_seconds: float, body_seconds: float, header_limit: int) -> None:
        """Other limits, for connections that come from now on."""
        self.settings = replace(
            self.settings, header_seconds=header_seconds, body_seconds=body_seconds, header_limit=header_limit
        )

    def load(self, loader: Loader) -> None:
        close_what_is_left()

    def running(self) -> None:
        if not is_tested():
            logger.warning(f"relay: tested with mitmproxy {TESTED} only; requests may fail with this version")

    def next_layer(self, data: layer.NextLayer) -> None:
        """Let the built-in addon choose first; if that is HTTP, alone or under TLS, it becomes ours."""
        ctx.master.addons.get("nextlayer").next_layer(data)
        parent: layer.Layer | layer.NextLayer = data
        attribute = "layer"
        while (chosen := getattr(parent, attribute, None)) is not None:
            if type(chosen) is HttpLayer:
                ours = RelayLayer(chosen.context, chosen.mode, self.settings)
                chosen.context.layers.remove(chosen)
                if parent is data.layer and isinstance(parent, ServerTLSLayer) and _is_placeholder(chosen.context):
                    chosen.context.layers.remove(parent)
                    parent, attribute = data, "layer"
                setattr(parent, attribute, ours)
                return
            parent, attribute = chosen, "child_layer"

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """HTTP/1.1 only: an HTTP/2 connection of mitmproxy maps one of our streams once, so there could be no retry. And none for a
        client whose connections were closed already: nobody would close this one."""
        data.server.alpn_offers = (b"http/1.1",)
        if data.client.timestamp_end is not None:
            data.server.error = "the client has left"


def _is_placeholder(context: Context) -> bool:
    """Nothing will ever be sent to the server of this mode by itself, so that its TLS need not be passed by every event.

    HTTP goes over connections of its own, TLS included, unless the server was connected to before.
    """
    return context.options.connection_strategy == "lazy" and not context.server.connected

"""What the relay and the fast_* addons rely on inside mitmproxy. Fails loudly when an upgrade changes it: look at each use then."""

import ast
import inspect
import textwrap
import zlib
from collections.abc import Callable

import pytest
from mitmproxy import addonmanager, hooks
from mitmproxy.addons import default_addons, next_layer
from mitmproxy.connection import Server
from mitmproxy.proxy import events, layer, mode_servers, server
from mitmproxy.proxy.layers import http
from mitmproxy.proxy.layers.http import _events, _http1, _http2

from addons.fast_defaults import WORK
from addons.mitmproxy_version import is_tested

# Every method we override, call from outside its class, or replace: names of its parameters.
SIGNATURES: dict[Callable[..., object], str] = {
    http.HttpLayer.__init__: "(self, context, mode)",
    http.HttpLayer._handle_event: "(self, event)",
    http.HttpLayer.event_to_child: "(self, child, event)",
    http.HttpLayer.make_stream: "(self, stream_id)",
    http.HttpLayer.get_connection: "(self, event, *, reuse)",
    http.HttpLayer.register_connection: "(self, command)",
    http.HttpStream.__init__: "(self, context, stream_id)",
    http.HttpStream._handle_event: "(self, event)",
    http.HttpStream.state_consume_request_body: "(self, event)",
    http.HttpStream.state_wait_for_response_headers: "(self, event)",
    http.HttpStream.state_consume_response_body: "(self, event)",
    http.HttpStream.state_stream_response_body: "(self, event)",
    http.HttpStream.start_response_stream: "(self)",
    http.HttpStream.send_response: "(self, already_streamed)",
    http.HttpStream.flow_done: "(self)",
    http.HttpStream.check_killed: "(self, emit_error_hook)",
    http.HttpStream.check_body_size: "(self, request)",
    http.HttpStream.make_server_connection: "(self)",
    http.HttpStream.handle_protocol_error: "(self, event)",
    _http1.Http1Connection.read_body: "(self, event)",
    _http1.Http1Connection.mark_done: "(self, *, request, response)",
    _http1.Http1Connection.done: "(self, event)",
    _http1.Http1Server.__init__: "(self, context)",
    _http1.Http1Server.send: "(self, event)",
    _http1.Http1Server.read_headers: "(self, event)",
    _http1.Http1Server.mark_done: "(self, *, request, response)",
    _http1.Http1Client.send: "(self, event)",
    _http1.Http1Client.read_headers: "(self, event)",
    _http2.Http2Server.__init__: "(self, context)",
    _http2.Http2Connection._handle_event: "(self, event)",
    _http2.Http2Connection.handle_h2_event: "(self, event)",
    _http2.Http2Connection.protocol_error: "(self, message, error_code)",
    _http2.Http2Connection.is_open_for_us: "(self, stream_id)",
    mode_servers.AsyncioServerInstance.listen: "(self, host, port)",
    mode_servers.ServerInstance.handle_stream: "(self, reader, writer)",
    next_layer.NextLayer.next_layer: "(self, nextlayer)",
    addonmanager.AddonManager.trigger_event: "(self, event)",
    addonmanager.AddonManager.handle_lifecycle: "(self, event)",
    addonmanager.AddonManager.register: "(self, addon)",
    addonmanager.AddonManager.remove: "(self, addon)",
    addonmanager.AddonManager.invoke_addon_sync: "(self, addon, event)",
    addonmanager.traverse: "(chain)",
    addonmanager.safecall: "()",
    hooks.Hook.args: "(self)",
}


def test_this_mitmproxy_is_in_the_tested_range() -> None:
    assert is_tested(), (
        "run the whole suite and the bench, look at each item of this file, then widen mitmproxy_version.py"
    )


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_signature_is_what_we_override(function: Callable[..., object]) -> None:
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in found:
            found.append("*")
        found.append(parameter.name)
    assert SIGNATURES[function] == f"({', '.join(found)})"


def checksum(function: Callable[..., object]) -> int:
    """Of its code without comments and layout."""
    return zlib.crc32(ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))).encode())


# Where we rewrote a method and did not just wrap it, a change to the original may be one that we need too.
COPIED: dict[Callable[..., object], int] = {
    http.HttpStream.state_consume_request_body: 2480744584,
    http.HttpStream.state_wait_for_response_headers: 56474801,
    http.HttpStream.send_response: 2653545339,
    http.HttpLayer.event_to_child: 1319622157,
    http.HttpClient._handle_event: 1699054052,
    http.HttpLayer._handle_event: 420646399,
    _http1.Http1Connection.read_body: 3300698350,
    _http1.Http1Server.read_headers: 3957952847,
    _http1.Http1Client.read_headers: 3275286657,
    addonmanager.AddonManager.trigger_event: 4026422365,
    addonmanager.AddonManager.handle_lifecycle: 3442661723,
    addonmanager.AddonManager._iter_hooks: 1872019981,
}


@pytest.mark.parametrize("function", COPIED, ids=lambda function: function.__qualname__)
def test_body_is_still_the_one_we_rewrote(function: Callable[..., object]) -> None:
    assert checksum(function) == COPIED[function]


def test_private_state_is_where_we_look_for_it() -> None:
    assert {"_paused", "_paused_event_queue"} <= layer.Layer.__annotations__.keys()
    assert {
        "command_sources",
        "streams",
        "connections",
        "waiting_for_establishment",
    } <= http.HttpLayer.__annotations__.keys()
    assert {"buf", "body_reader", "state", "request", "response", "request_done"} <= vars(
        _http1.Http1Connection
    ).keys() | (_http1.Http1Connection.__annotations__.keys())
    assert issubclass(events.Wakeup, events.CommandCompleted)
    assert "wakeup_timer" in server.ConnectionHandler.__annotations__
    assert "alpn_offers" in Server.__dataclass_fields__
    assert _events.ErrorCode.CONNECT_FAILED.http_status_code() == 502


def test_idle_addons_have_the_names_we_remove_them_by() -> None:
    present = {addonmanager._get_name(addon) for addon in default_addons()}
    assert WORK.keys() - {"dumper"} <= present

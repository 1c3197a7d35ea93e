"""How we sit inside mitmproxy: attempts inside one flow, held heads, heartbeats, deadlines, secrets that no flow holds.

The ONE package that imports `mitmproxy.proxy`. An HttpLayer of ours takes the place of mitmproxy's own (`addon.py`); it makes
streams (one request and its answer) of ours, which speak through HTTP/1 connections of ours. What is relied on is listed in
tests/addons/relay/test_canary.py, which fails when another mitmproxy changes it.

Hooks fire as in mitmproxy. For one flow: `response` once, for what the client gets, even if it is an error answer of ours; or
`error` once, if the client left or gets nothing. An answer from `Call.failure_response` has no `responseheaders`.
"""

from addons.relay.addon import Relay
from addons.relay.attempt import Call, FailedAttempt
from addons.relay.events import AttemptFailedHook, install_body_reader, uninstall_body_reader
from addons.relay.listening import share_port
from addons.relay.masked import mask
from addons.relay.played import Played
from converters.pipe import Pipe

__all__ = [
    "AttemptFailedHook",
    "Call",
    "FailedAttempt",
    "Pipe",
    "Played",
    "Relay",
    "install_body_reader",
    "mask",
    "share_port",
    "uninstall_body_reader",
]

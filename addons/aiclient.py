"""aiclient as mitmproxy addons: `mitmdump -s addons/aiclient.py --mode reverse:https://api.openai.com@127.0.0.1:3000`.

The list below is the way of an exchange, in order.
"""

import sys
import time
from pathlib import Path

# mitmproxy puts this file's own folder on the path; the three packages are found from the folder above it.
if (root := str(Path(__file__).resolve().parent.parent)) not in sys.path:
    sys.path.append(root)

from addons.access_log import AccessLog
from addons.client_leg import ClientLeg, framework_error
from addons.descriptors import Descriptors
from addons.drain import Drain
from addons.exchange import Exchange
from addons.fast_defaults import FastDefaults
from addons.fast_dispatch import FastDispatch
from addons.fast_reads import FastReads
from addons.model_lists import ModelLists
from addons.proxy_setup import ProxySetup
from addons.relay import Relay
from addons.system_prompt import SystemPrompt
from addons.token_refresh import TokenRefresh
from addons.upstream_leg import UpstreamLeg
from converters.memory import ReasoningMemory

relay = Relay(Exchange.of, framework_error)
setup = ProxySetup(lambda settings: relay.limit(settings.header_seconds, settings.body_seconds))

addons = [
    setup,
    ClientLeg(lambda: setup.settings, lambda: setup.key),
    SystemPrompt(lambda: setup.settings),
    UpstreamLeg(
        lambda: setup.settings, lambda: setup.accounts, ReasoningMemory(time.monotonic), time.time, ModelLists()
    ),
    relay,
    AccessLog(setup.keeps_flows),
    TokenRefresh(lambda: setup.settings, lambda: setup.accounts),
    FastDefaults(),
    FastDispatch(),
    FastReads(),
    Descriptors(),
    Drain(lambda: setup.settings),
]

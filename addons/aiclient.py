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
from addons.account_pool import AccountPool, state_file
from addons.accounts import Accounts
from addons.chaos import Chaos, ChaosAnswers
from addons.client_leg import ClientLeg, framework_error
from addons.descriptors import Descriptors
from addons.drain import Drain
from addons.exchange import Exchange
from addons.fast_defaults import FastDefaults
from addons.fast_dispatch import FastDispatch
from addons.fast_reads import FastReads
from addons.file_watch import FileWatch
from addons.health_check import HealthCheck
from addons.inspector import Inspector
from addons.legs import Legs
from addons.model_lists import ModelLists
from addons.proxy_setup import ProxySetup
from addons.recorder import Recorder
from addons.relay import Relay
from addons.replay_served import ReplayServed
from addons.settings import Settings
from addons.steady_output import SteadyOutput
from addons.system_prompt import SystemPrompt
from addons.token_refresh import TokenRefresh
from addons.upstream_leg import UpstreamLeg
from converters.memory import ReasoningMemory
from creds.pool_state import PoolState

relay = Relay(Exchange.of, framework_error)
pool = AccountPool(PoolState(state_file()))


def use(settings: Settings, accounts: Accounts) -> None:
    """A new reading of the settings, for those that do not ask for them each time."""
    relay.limit(settings.header_seconds, settings.body_seconds, settings.header_limit_bytes)
    pool.use(settings, accounts)
    chaos.configure(set())
    served.use(settings)


setup = ProxySetup(use)
chaos = Chaos(lambda: setup.settings)
served = ReplayServed(lambda: setup.settings)

addons = [
    SteadyOutput(),
    setup,
    ClientLeg(lambda: setup.settings, lambda: setup.key),
    SystemPrompt(lambda: setup.settings),
    chaos,
    served,
    UpstreamLeg(lambda: setup.accounts, ReasoningMemory(time.monotonic), time.time, ModelLists(), pool),
    ChaosAnswers(chaos),
    relay,
    pool,
    Recorder(lambda: setup.settings, setup.secrets),
    Legs(lambda: setup.settings, setup.secrets, setup.keeps_flows),
    AccessLog(setup.keeps_flows),
    TokenRefresh(lambda: setup.settings, lambda: setup.accounts),
    HealthCheck(lambda: setup.settings, lambda: setup.accounts, pool),
    FileWatch(setup.stamp, setup.again, setup.prepare),
    Inspector(),
    FastDefaults(),
    FastDispatch(),
    FastReads(),
    Descriptors(),
    Drain(lambda: setup.settings),
]

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
from addons.drain import TOLD_TWICE, Drain
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
from addons.shared_reasoning import SharedSteps
from addons.shared_table import SharedTable
from addons.steady_output import SteadyOutput
from addons.stored_answers import MOST, StoredAnswers
from addons.system_prompt import SystemPrompts
from addons.token_refresh import TokenRefresh
from addons.upstream_leg import UpstreamLeg
from addons.worker import this_worker
from converters.memory import SECONDS, SIZE, LatestSteps, ReasoningMemory, Steps
from creds.pool_state import PoolState

relay = Relay(Exchange.of, framework_error)
pool = AccountPool(PoolState(state_file()))
prompts = SystemPrompts()


def use(settings: Settings, accounts: Accounts) -> None:
    """A new reading of the settings, for those that do not ask for them each time."""
    relay.limit(settings.header_seconds, settings.body_seconds, settings.header_limit_bytes)
    pool.use(settings, accounts)
    prompts.use(settings)
    chaos.configure(set())
    served.use(settings)


worker = this_worker()
if worker is None:
    steps: Steps = LatestSteps(time.monotonic)
    stored = StoredAnswers()
else:  # the next request of a conversation may come to another one
    steps = SharedSteps(SharedTable(worker.folder / "reasoning.sqlite", SIZE, SECONDS))
    stored = StoredAnswers(SharedTable(worker.folder / "stored_answers.sqlite", MOST))

setup = ProxySetup(use)
chaos = Chaos(lambda: setup.settings)
served = ReplayServed(lambda: setup.settings)
background = (
    TokenRefresh(lambda: setup.settings, lambda: setup.accounts),
    HealthCheck(lambda: setup.settings, lambda: setup.accounts, pool),
)

addons = [
    SteadyOutput(),
    setup,
    ClientLeg(lambda: setup.settings, lambda: setup.key),
    chaos,
    served,
    UpstreamLeg(lambda: setup.accounts, ReasoningMemory(steps), time.time, ModelLists(), pool, prompts, stored),
    ChaosAnswers(chaos),
    relay,
    pool,
    Recorder(lambda: setup.settings, setup.secrets, started=worker.started if worker else time.time()),
    Legs(lambda: setup.settings, setup.secrets, setup.keeps_flows),
    AccessLog(setup.keeps_flows),
    *(background if worker is None or worker.is_first else ()),
    FileWatch(setup.stamp, setup.again, setup.prepare),
    Inspector(),
    FastDefaults(),
    FastDispatch(),
    FastReads(),
    Descriptors(),
    Drain(lambda: setup.settings, told_twice=TOLD_TWICE if worker else 0.0),
]

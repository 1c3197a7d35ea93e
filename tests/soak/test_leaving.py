"""Promise 18: a client that leaves takes its provider's connection with it, in whichever phase; nothing is asked again."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import Upstreams, upstreams
from tests.e2e.plain import PLAIN_MODEL, plain
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import SCRIPTS, Script
from tests.fakes.server import Recorded
from tests.soak.asking import reset, send, whole
from tests.soak.conftest import started
from tests.soak.programs import FEW, RESTLESS, Watched, share
from tests.soak.told import tell

__all__ = ["upstreams"]

PAIRS = [
    ("chat", "openai-custom"),
    ("anthropic", "openai-custom"),
    ("responses", "claude-custom"),
    ("gemini", "claude-custom"),
]
PAIR_NAMES = ["chat->chat", "anthropic->chat", "responses->anthropic", "gemini->anthropic"]
AT_ONCE, ROUNDS = 20, 3
MANY = AT_ONCE * ROUNDS


@dataclass(frozen=True)
class Phase:
    """script: what the fake does. streams: whether the client asked for that. after: what it waits for before it leaves."""

    script: str
    streams: bool
    after: bytes = b""


PHASES = {
    "before the head": Phase("silent", True),
    "between head and first byte": Phase("earlysilent", True),
    "mid-stream": Phase("paced", True, b"tick "),
    "whole, before the head": Phase("silent", False),
    "whole, between head and body": Phase("earlysilent", False),
    "whole, in the body": Phase("midsilent", False),
}


@pytest.fixture(scope="module")
def served(program: str, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy in front of the strict fakes."""
    with started(program, tmp_path_factory.mktemp("leaving"), {**upstreams.settings, **RESTLESS}) as proxy:
        yield proxy


def stay(sock: socket.socket, mark: bytes) -> None:
    seen = b""
    while mark not in seen:
        part = sock.recv(65536)
        assert part, f"closed after {seen[-300:]!r}"
        seen += part


@pytest.mark.parametrize(("protocol", "account"), PAIRS, ids=PAIR_NAMES)
@pytest.mark.parametrize("phase", PHASES)
def test_18_when_many_clients_leave_every_provider_connection_is_closed(
    served: Proxy, program: str, upstreams: Upstreams, protocol: str, account: str, phase: str
) -> None:
    """Twenty at the same moment, three times; every other one leaves with a reset instead of an orderly close."""
    how, fake = PHASES[phase], upstreams.of(account)
    watched = Watched(served.process.pid)
    ask = plain(protocol, f"{PLAIN_MODEL[account]}-{how.script}", stream=how.streams)
    before, seconds = watched.settled(0, 0.5), []
    first = len(fake.requests)
    for _ in range(ROUNDS):
        asked = len(fake.requests)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            socks = list(pool.map(lambda _: send(served.port, account, ask), range(AT_ONCE)))
            if how.after:
                list(pool.map(lambda sock: stay(sock, how.after), socks))
        mine = fake.wait_for(asked + AT_ONCE)[asked:]
        time.sleep(0.2)  # so that heads and bytes have been read, where there are any
        left = time.monotonic()
        for number, sock in enumerate(socks):
            (reset if number % 2 else socket.socket.close)(sock)
        seconds += [gone_after(each, left) for each in mine]
    time.sleep(0.3)
    tell(
        "leaving",
        f"{phase}, {protocol}->{account} ({program})",
        clients=MANY,
        p50=share(seconds, 0.5),
        p95=share(seconds, 0.95),
        most=max(seconds),
    )
    assert max(seconds) < 1
    assert len(fake.requests) - first == MANY, "nothing is asked again for a client that has gone"
    assert watched.settled(before) <= before + FEW
    status, _ = whole(served.port, account, plain(protocol, f"{PLAIN_MODEL[account]}-text"))
    assert status == 200, "the account is not punished"


def gone_after(asked: Recorded, left: float) -> float:
    assert asked.gone.wait(max(0.0, left + 5 - time.monotonic())), "the provider goes on for nobody"
    assert asked.gone_at is not None
    return asked.gone_at - left


def test_the_scripts_are_what_the_phases_say() -> None:
    scripts: dict[str, Script] = {phase.script: SCRIPTS[phase.script] for phase in PHASES.values()}
    assert scripts["silent"].no_head == "silent"
    assert scripts["earlysilent"].delivery.stop_after == 0
    assert scripts["paced"].delivery.pace
    assert scripts["midsilent"].delivery.ending == "silent"

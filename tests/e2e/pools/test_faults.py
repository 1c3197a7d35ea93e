"""Each fault of an account, two healthy ones beside it: no request is lost before the first byte, and what breaks later says so."""

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, PROVIDERS
from tests.e2e.pools.asking import health, until
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Fault
from tests.e2e.pools.faults import AFTER_FIRST_BYTE, SILENCES, before_first_byte
from tests.e2e.pools.stage import TEXT, PoolAccount, Stage
from tests.e2e.proxy import Proxy
from tests.e2e.sdks import CLIENTS, Client
from tests.e2e.sdks.base import SDK_ERRORS
from tests.fakes.samples import CLIENT_KEY

BEFORE = (*before_first_byte(), "unreachable")
LIMIT = 0.8  # seconds of each deadline
IS_FULL = bool(os.environ.get("AICLIENT_TEST_FULL"))
OUTCOME = {"e401": "auth", "e402": "payment", "e403": "forbidden", "e404": "", "unreachable": "unreachable"}
OUTCOME |= {"e408": "timeout", "e504": "timeout", "e500": "server", "first_byte": "timeout", "idle": "timeout"}


@dataclass
class Cell:
    """A client, and an account that is ill and comes first for its model."""

    client: Client
    ill: PoolAccount
    model: str
    stream: bool

    def ask(self) -> tuple[str, float]:
        """(the text, checked; seconds)"""
        began = time.monotonic()
        text = self.client.ask(self.model, [self.client.user("Hi")], stream=self.stream).folded.text
        return text, time.monotonic() - began

    def ask_broken(self) -> None:
        """A stream that the SDK must find broken, and that must end with the protocol's own error."""
        try:
            self.ask()
        except (*SDK_ERRORS, ValueError):  # in bypass its own SDK takes OpenAI's bare `error` event for no end at all
            pass
        else:
            pytest.fail(f"no error after {self.ill.asked} requests to {self.ill.label}: {self.client.raw!r}")
        if self.client.own and self.client.protocol == "responses":
            assert b"response.completed" not in self.client.raw
            assert re.search(rb'"type": ?"(?:error|response.failed)"', self.client.raw)
        else:
            assert self.client.broken(self.client.raw).error
        assert self.client.raw.count(b"Hello") <= 1, "nobody was asked again"


@dataclass
class Cells:
    """All of them, by fault, behind one proxy. well: the healthy accounts, by provider."""

    proxy: Proxy
    by_fault: dict[str, list[Cell]]
    well: dict[str, list[PoolAccount]]

    def helped(self, provider: str) -> int:
        return sum(account.asked for account in self.well[provider])


def _asked(number: int, streams: tuple[bool, ...]) -> list[tuple[str, str, bool]]:
    """(protocol, provider, stream): all of them; or for each provider and manner one client, its own and others in turn."""
    if IS_FULL:
        return [(protocol, provider, stream) for protocol in PROTOCOLS for provider in PROVIDERS for stream in streams]
    found = []
    for provider, own in PROVIDERS.items():
        for stream in streams:
            others = [each for each in PROTOCOLS if each != own]
            found.append((own if (number + stream) % 2 else others[number // 2 % 3], provider, stream))
    return found


def _faults() -> dict[str, Fault | None]:
    """None: nothing listens at its address."""
    late = {f"late{name}": fault for name, fault in AFTER_FIRST_BYTE.items()}
    return {**before_first_byte(), "unreachable": None, **SILENCES, **late}


@pytest.fixture(scope="module")
def cells(stage: Stage, serve: Serve) -> Iterator[Cells]:
    """Every cell has an account of its own, fresh when it is asked."""
    planned: dict[str, list[tuple[str, PoolAccount, str, bool]]] = {}
    for number, (name, fault) in enumerate(_faults().items()):
        for protocol, provider, stream in _asked(number, (True,) if name.startswith("late") else (False, True)):
            word = f"{name}{protocol}{'stream' if stream else 'whole'}"
            model = f"{PLAIN_MODEL[provider]}-{word}"
            ill = stage.account(provider, word, fault=fault, dead=fault is None, priority=-1, supported_models=[model])
            planned.setdefault(name, []).append((protocol, ill, model, stream))
    well = {provider: stage.accounts(provider, "well1", "well2") for provider in PROVIDERS}
    accounts = [each[1] for several in planned.values() for each in several]
    accounts += [each for several in well.values() for each in several]
    proxy = serve("faults", accounts, {"FIRST_BYTE_SECONDS": str(LIMIT), "IDLE_SECONDS": str(LIMIT)})
    clients: dict[tuple[str, str, bool], Client] = {}

    def client(protocol: str, provider: str, stream: bool) -> Client:
        own = PROVIDERS[provider] == protocol
        key = (protocol, provider, stream)
        return clients.get(key) or clients.setdefault(key, CLIENTS[protocol](proxy.url, provider, CLIENT_KEY, own=own))

    yield Cells(
        proxy,
        {
            name: [
                Cell(client(spoken, ill.provider, stream), ill, model, stream) for spoken, ill, model, stream in several
            ]
            for name, several in planned.items()
        },
        well,
    )
    for each in clients.values():
        each.close()


def check(cell: Cell, name: str, rows: dict[str, dict[str, Any]]) -> None:
    """The one that is ill was asked, and rests or is stopped now."""
    assert (0 if name == "unreachable" else 1) <= cell.ill.asked <= 2, "twice where a kept connection had ended"
    row = rows[cell.ill.label]
    reasons = [row["reason"], *(each["reason"] for each in row.get("models", []))]
    if name == "e404":
        assert (row["state"], reasons) == ("healthy", [""]), "that a model is not there says nothing of an account"
    else:
        assert [reason for reason in reasons if reason.startswith(OUTCOME.get(name, ""))], row
        assert row["state"] != "healthy" or row.get("models"), row


@pytest.mark.parametrize("name", BEFORE)
def test_before_the_first_byte_no_request_is_lost(cells: Cells, name: str) -> None:
    """6: and the client waits less than a second more."""
    took = []
    for cell in cells.by_fault[name]:
        before = cells.helped(cell.ill.provider)
        text, seconds = cell.ask()
        assert text == TEXT
        took.append(seconds)
        assert cells.helped(cell.ill.provider) == before + 1, "one healthy account, once"
    rows = health(cells.proxy)
    for cell in cells.by_fault[name]:
        check(cell, name, rows)
    assert sorted(took)[int(0.95 * len(took)) - 1] < 1, took


@pytest.mark.parametrize("name", SILENCES)
def test_a_silent_account_holds_the_client_no_longer_than_the_limit(cells: Cells, name: str) -> None:
    """10: its head, or its first word, does not come; all at once."""
    these = cells.by_fault[name]
    with ThreadPoolExecutor(len(these)) as threads:
        answers = list(threads.map(_own_ask, these))
    rows = health(cells.proxy)
    for cell, (text, seconds) in zip(these, answers, strict=True):
        assert text == TEXT
        assert LIMIT * 0.9 <= seconds < LIMIT + 2.5
        check(cell, name, rows)


def _own_ask(cell: Cell) -> tuple[str, float]:
    return cell.ask()


@pytest.mark.parametrize("name", AFTER_FIRST_BYTE)
def test_after_the_first_byte_every_fault_is_the_protocols_own_error(cells: Cells, name: str) -> None:
    """4, 5, 10: the SDK raises, no other account is asked, and the account has it put down."""
    these = cells.by_fault[f"late{name}"]
    before = {provider: cells.helped(provider) for provider in PROVIDERS}
    with ThreadPoolExecutor(len(these)) as threads:
        list(threads.map(Cell.ask_broken, these))
    assert {provider: cells.helped(provider) for provider in PROVIDERS} == before
    assert [cell.ill.asked for cell in these] == [1] * len(these)
    until(lambda: _all_rest(health(cells.proxy), these))


def _all_rest(rows: dict[str, dict[str, Any]], these: list[Cell]) -> bool:
    return all(rows[cell.ill.label].get("models") or rows[cell.ill.label]["state"] != "healthy" for cell in these)

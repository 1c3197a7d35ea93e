"""Promise 19: many slow streams at once, none lost, each exact."""

import os

import pytest

from tests.e2e.proxy import Proxy
from tests.soak.crowd import Order
from tests.soak.programs import FEW, Sampler, Watched, crowd, report_of, share
from tests.soak.told import tell

STREAMS = int(os.environ.get("AICLIENT_TEST_SOAK_STREAMS", "1000"))
SECONDS = float(os.environ.get("AICLIENT_TEST_SOAK_HOLD_SECONDS", "60"))
MILLISECONDS = 500
RAMP_SECONDS = 10.0


@pytest.mark.parametrize(
    ("protocol", "account"),
    [("chat", "openai-custom"), ("anthropic", "openai-custom"), ("gemini", "claude-custom")],
    ids=["chat->chat", "anthropic->chat", "gemini->anthropic"],
)
def test_19_a_thousand_slow_streams_are_held_and_each_is_exact(
    proxy: Proxy, program: str, protocol: str, account: str
) -> None:
    """A piece of text each half second; no two streams have the same text, so that a mix-up would be seen."""
    watched = Watched(proxy.process.pid)
    pieces = round((SECONDS + RAMP_SECONDS) * 1000 / MILLISECONDS)
    warm = Order(proxy.port, protocol, account, clients=20, ramp=0.2, pieces=2, milliseconds=10)
    with crowd(warm) as clients:
        assert report_of(clients).exact == 20
    idle, descriptors, cpu = watched.rss, watched.settled(0, 1), watched.cpu
    order = Order(proxy.port, protocol, account, STREAMS, RAMP_SECONDS, pieces, MILLISECONDS)
    with Sampler(watched) as sampler, crowd(order) as clients:
        report = report_of(clients)
    most = max(rss for _, rss, _ in sampler.rows)
    held = sum(1 for _, _, open_ in sampler.rows if open_ >= descriptors + 2 * STREAMS)
    back = watched.settled(descriptors)
    tell(
        "streams",
        f"{protocol}->{account} ({program})",
        streams=STREAMS,
        exact=report.exact,
        seconds_all_held=held,
        first_byte_p50=share(report.first, 0.5),
        first_byte_p99=share(report.first, 0.99),
        late_most=report.late,
        kib_each=(most - idle) / STREAMS,
        cpu_seconds=watched.cpu - cpu,
        descriptors_before=descriptors,
        descriptors_most=max(open_ for *_, open_ in sampler.rows),
        descriptors_after=back,
    )
    assert report.faults == []
    assert report.exact == STREAMS
    assert held >= SECONDS * 0.95, "they were not all there at once"
    assert share(report.first, 0.99) < 2
    assert most - idle < 200 * STREAMS
    assert back <= descriptors + FEW

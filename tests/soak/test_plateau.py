"""Promise 21: after hours of everything that happens, memory and descriptors are where they were."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean

import pytest

from tests.e2e.conftest import Upstreams, upstreams
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.soak.mix import DEADLINES, live
from tests.soak.programs import FEW, PROGRAMS, RESTLESS, START, Sampler, Watched
from tests.soak.told import tell

__all__ = ["upstreams"]

MINUTES = float(os.environ.get("AICLIENT_TEST_SOAK_MINUTES", "10"))
PEOPLE, PAUSE = 12, 0.08


@pytest.fixture
def proxies(upstreams: Upstreams, tmp_path: Path) -> Iterator[dict[str, Proxy]]:
    """One of each program."""
    settings = {**upstreams.settings, **DEADLINES, **RESTLESS}
    with ExitStack() as stopping:
        started = {}
        for name in PROGRAMS:
            started[name] = proxy = START[name](tmp_path / name, settings)
            stopping.callback(proxy.stop)
        yield started


def quarters(rows: list[tuple[float, int, int]]) -> list[float]:
    """The mean of each quarter's memory, in megabytes."""
    size = len(rows) // 4
    return [fmean(rss for _, rss, _ in rows[n * size : (n + 1) * size]) / 1024 for n in range(4)]


def test_21_memory_levels_off(proxies: dict[str, Proxy], upstreams: Upstreams) -> None:
    """Twelve people, two proxies; a fifth of them leave before their answer, a tenth meet a provider that fails."""
    watched = {name: Watched(proxy.process.pid) for name, proxy in proxies.items()}
    before = {name: each.descriptors for name, each in watched.items()}
    with ExitStack() as sampling:
        samplers = {name: sampling.enter_context(Sampler(each)) for name, each in watched.items()}
        ports = [proxy.port for proxy in proxies.values()]
        tally = asyncio.run(live(ports, upstreams, seconds=MINUTES * 60, people=PEOPLE, pause=PAUSE))
    done = sum(tally.done.values())
    kinds = {kind.replace(" ", "_"): count for kind, count in sorted(tally.done.items())}
    tell("soak", f"{MINUTES:g} minutes", requests=done, clean=tally.clean, right=tally.right, **kinds)
    logs = {name: proxy.log.read_text(errors="replace") for name, proxy in proxies.items()}
    means = {name: quarters(sampler.rows) for name, sampler in samplers.items()}
    for name, sampler in samplers.items():
        tell(
            "soak",
            name,
            **{f"megabytes_quarter_{n}": mean for n, mean in enumerate(means[name], 1)},
            megabytes_most=max(rss for _, rss, _ in sampler.rows) / 1024,
            cpu_seconds=watched[name].cpu,
            descriptors_before=before[name],
            descriptors_most=max(open_ for *_, open_ in sampler.rows),
            descriptors_after=watched[name].settled(before[name]),
        )
        (proxies[name].log.parent / "rss.txt").write_text("\n".join(f"{s:.0f} {k} {d}" for s, k, d in sampler.rows))
    print("\n".join(tally.faults))
    assert tally.right >= tally.clean * 0.999
    assert tally.wrong == 0, "something was told to a client that its protocol does not know"
    assert upstreams.violations == []
    for name, log in logs.items():
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]
        assert "crashed" not in log
        assert CLIENT_KEY not in log
        _, second, _, last = means[name]
        assert last <= max(second * 1.05, second + 8), f"{name}: {means[name]}"
        assert watched[name].settled(before[name]) <= before[name] + FEW

"""`python -m bench.records [--quick]`: what a record of each exchange costs, as a share of the proxy's own CPU time.

One proxy, which is told to record and not to record in turn, round by round; it takes that from its settings file while it runs. (Of
two processes that do the same, one may need a tenth more than the other.) All its threads count, and a round ends when all records
are written. The share is the median of all rounds: other work on the machine slows down a round here and there.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import proxies
from bench.__main__ import PAUSE, WAYS, execute
from bench.fake import Fake
from bench.load import Work, run
from bench.proxies import KEY, Proxy

ROUNDS, QUICK_ROUNDS = 11, 5
AGENT = 100_000  # bytes of conversation that an agent sends again with every call
TARGET = 0.10
SETTLING = 2.0  # seconds that a change of the settings takes at most
WORKS = {
    "short, whole answer": Work("whole", clients=4, requests=100),
    "agent, whole answer": Work("whole", clients=2, requests=30, history=AGENT),
    "paced stream": Work("paced", clients=10, requests=1, chunks=300, milliseconds=PAUSE),
    "agent, paced stream": Work("paced", clients=10, requests=1, chunks=300, milliseconds=PAUSE, history=AGENT),
    "burst stream": Work("burst", clients=2, requests=3, chunks=3200),
}
QUICK = ("chat -> chat", "chat -> anthropic")


@dataclass
class Row:
    """CPU in microseconds per exchange, by round."""

    off: list[float] = field(default_factory=list)
    on: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        return statistics.median(on / off for on, off in zip(self.on, self.off, strict=True)) - 1


type Rows = dict[tuple[str, str], Row]


async def measure(proxy: Proxy, path: str, work: Work) -> float:
    before = await _settled(proxy)
    await run(proxy.port, path, KEY, work)
    return (await _settled(proxy) - before) / (work.clients * work.requests) * 1e6


async def _settled(proxy: Proxy) -> float:
    """Its CPU seconds, once it has nothing left to do."""
    before = proxy.cpu_seconds()
    while True:
        await asyncio.sleep(0.1)
        now = proxy.cpu_seconds()
        if now - before < 0.001:
            return now
        before = now


async def turn(proxy: Proxy, home: Path, *, record: bool) -> None:
    """Has it record, or not."""
    (home / "aiclient.toml").write_text(f"record = {str(record).lower()}  # {time.time()}\n")
    await asyncio.sleep(SETTLING)
    for _ in range(2):  # the first exchange finds the change, and ends or begins the writer
        before = _bytes_in(home)
        await measure(proxy, WAYS["chat -> chat"][0], Work("whole", clients=1, requests=3))
    if (_bytes_in(home) > before) != record:
        raise RuntimeError(f"the proxy did not take up `record = {record}`")


def _bytes_in(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "records").glob("*.jsonl"))


async def measure_all(ways: tuple[str, ...], rounds: int, home: Path) -> Rows:
    server = await asyncio.get_running_loop().create_server(Fake, "127.0.0.1", 0)
    rows = {(kind, way): Row() for kind in WORKS for way in ways}
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(proxies.launched(server.sockets[0].getsockname()[1], home, record=None))
        own = home / "launched-home"
        for number in range(rounds + 1):  # the first one warms up
            for record in (True, False) if number % 2 else (False, True):
                await turn(proxy, own, record=record)
                for (kind, way), row in rows.items():
                    spent = await measure(proxy, WAYS[way][0], WORKS[kind])
                    if number:
                        (row.on if record else row.off).append(spent)
    server.close()
    return rows


def table(rows: Rows) -> str:
    """The medians, and the share of the rounds' medians."""
    lines = [f"{'CPU of an exchange':21}{'':24}{'without':>12}{'recorded':>12}{'more':>8}"]
    for (kind, way), row in rows.items():
        over = "  over 10 %" if row.share > TARGET else ""
        off, on = statistics.median(row.off), statistics.median(row.on)
        lines.append(f"{kind:21}{way:24}{off:9.0f} us{on:9.0f} us{row.share:8.1%}{over}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.records", description="What records cost.")
    parser.add_argument("--quick", action="store_true", help="four minutes: two ways, fewer rounds, less exact")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="aiclient-bench-") as home:
        ways, rounds = (QUICK, QUICK_ROUNDS) if quick else (tuple(WAYS), ROUNDS)
        print(table(execute(measure_all(ways, rounds, Path(home)))))


if __name__ == "__main__":
    main()

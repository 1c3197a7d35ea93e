"""`python -m bench.records [--quick]`: what a record of each exchange costs, as a share of the proxy's own CPU time.

One proxy, whose clients are recorded or not by what they call themselves (`unrecorded.py`). Each round asks once the one way and once
the other, which one first in turn, and the difference of these two counts: a machine that gets slower or faster does so for both. The
share is the median of the differences, of many short rounds, to the median without records. A round ends when its records are
written and the proxy is at rest; all its threads count.

Near to real use: the provider is reached over TLS, connections stay open, and heads are those of SDKs (`sdk.py`) and of real providers
(`provider.py`). An agent asks with a body of 100 KB (`agent.py`).
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import proxies, unrecorded
from bench.__main__ import WAYS, execute
from bench.answers import shape_of
from bench.load import Connection, Work, connections, run
from bench.provider import provider
from bench.proxies import KEY, Cpu, Proxy
from bench.sdk import sdk_headers

ROUNDS, QUICK_ROUNDS = 28, 14  # even: each way goes first as often as the other
WARMING = 2  # rounds that are not counted: connections are opened, and what conversations have in common is written
TARGET = 0.10
_PAUSE = 3  # milliseconds between two chunks, as `bench.__main__` has it: each is a read of its own
WORKS = {
    "short, whole answer": Work("whole", clients=4, requests=40),
    "agent, whole answer": Work("whole", clients=3, requests=10, agent=True),
    "short, paced stream": Work("paced", clients=10, requests=1, chunks=300, milliseconds=_PAUSE),
    "agent, paced stream": Work("paced", clients=10, requests=1, chunks=300, milliseconds=_PAUSE, agent=True),
    "short, burst stream": Work("burst", clients=2, requests=3, chunks=3200),
}
QUICK = ("chat -> chat", "chat -> anthropic")
_REST_SECONDS, _AT_REST = 0.06, 0.001  # at rest is who used less CPU in that time; twice what a writer gathers for
_WRITTEN_SECONDS = 10.0
_ONE_FILE = "100g"  # or a file that is done would be compressed within a round


@dataclass
class Row:
    """CPU microseconds per exchange, by round."""

    off: list[Cpu] = field(default_factory=list)
    on: list[Cpu] = field(default_factory=list)

    def more(self, part: Callable[[Cpu], float]) -> float:
        """What records add, in the middle of all rounds."""
        return statistics.median(part(on) - part(off) for on, off in zip(self.on, self.off, strict=True))

    @property
    def share(self) -> float:
        return self.more(_total) / statistics.median(map(_total, self.off))

    def __str__(self) -> str:
        off, on = (statistics.median(map(_total, cpus)) for cpus in (self.off, self.on))
        threads = f"{self.more(lambda cpu: cpu.main):+8.0f} us{self.more(lambda cpu: cpu.others):+8.0f} us"
        over = f"  over {TARGET * 100:.0f} %" if self.share > TARGET else ""
        return f"{off:9.0f} us{on:9.0f} us{self.more(_total):+8.0f} us{self.share:+8.1%}{threads}{over}"


HEAD = f"{'CPU of an exchange':21}{'':24}{'without':>12}{'recorded':>12}{'more':>11}{'':8}{'main thread':>11}{'others':>11}"


def _total(cpu: Cpu) -> float:
    return cpu.total


class Lines:
    """The records that are added to a folder. total: since this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.total = folder, 0
        self._read: dict[Path, int] = {}  # bytes

    def look(self) -> int:
        for path in self._folder.glob("*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                text = file.read()
                self._read[path] = file.tell()
            self.total += text.count(b"\n")
        return self.total


@dataclass(frozen=True)
class Bench:
    proxy: Proxy
    lines: Lines

    async def row(self, path: str, work: Work, rounds: int) -> Row:
        row = Row()
        async with connections(self.proxy.port, work.clients) as opened:
            for number in range(WARMING + rounds):
                for recorded in (False, True) if number % 2 else (True, False):
                    spent = await self._spent(opened, path, work, recorded=recorded)
                    if number >= WARMING:
                        (row.on if recorded else row.off).append(spent)
        return row

    async def _spent(self, opened: list[Connection], path: str, work: Work, *, recorded: bool) -> Cpu:
        """Microseconds per exchange. RuntimeError if others were recorded than should be: the figures would mean nothing."""
        due = self.lines.look() + (work.exchanges if recorded else 0)
        headers = sdk_headers(shape_of(path).path, KEY, "" if recorded else unrecorded.MARK)
        before = await self._at_rest()
        await run(opened, path, headers, work)
        await self._written(due)
        after = await self._at_rest()
        if self.lines.look() != due:
            raise RuntimeError(f"{self.lines.total} exchanges are on record instead of {due}")
        return Cpu(*((then - now) / work.exchanges * 1e6 for now, then in zip(before, after, strict=True)))

    async def _written(self, due: int) -> None:
        """Waits for that many records; `_spent` tells when they do not come."""
        clock = asyncio.get_running_loop().time
        end = clock() + _WRITTEN_SECONDS
        while self.lines.look() < due and clock() < end:  # noqa: ASYNC110 (another process writes them)
            await asyncio.sleep(_REST_SECONDS)

    async def _at_rest(self) -> Cpu:
        """What the proxy has used, once it has nothing left to do."""
        before = self.proxy.cpu()
        while True:
            await asyncio.sleep(_REST_SECONDS)
            now = self.proxy.cpu()
            if now.total - before.total < _AT_REST:
                return now
            before = now


async def measure_all(works: Iterator[tuple[str, str]], rounds: int, home: Path) -> None:
    """Prints a row for each kind of work and way."""
    async with provider(home) as (port, authority):
        settings = proxies.base_urls("https", port) | {
            "AICLIENT_RECORD": "true",
            "AICLIENT_RECORD_ROTATE_SIZE": _ONE_FILE,
        }
        arguments = ("-s", unrecorded.__file__, "--set", f"ssl_verify_upstream_trusted_ca={authority}")
        with proxies.launched(port, home, settings=settings, arguments=arguments) as proxy:
            bench = Bench(proxy, Lines(home / "launched-home" / "records"))
            print(HEAD)
            for kind, way in works:
                row = await bench.row(WAYS[way][0], WORKS[kind], rounds)
                print(f"{kind:21}{way:24}{row}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.records", description="What records cost.")
    parser.add_argument("--quick", action="store_true", help="four minutes: two ways, fewer rounds, less exact")
    parser.add_argument("--work", choices=WORKS, help="that kind of work alone")
    parser.add_argument("--rounds", type=int, help=f"by default {ROUNDS}, with --quick {QUICK_ROUNDS}")
    args = parser.parse_args()
    ways = QUICK if args.quick else tuple(WAYS)
    kinds = (args.work,) if args.work else tuple(WORKS)
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    with tempfile.TemporaryDirectory(prefix="aiclient-bench-") as home:
        execute(measure_all(((kind, way) for kind in kinds for way in ways), rounds, Path(home)))


if __name__ == "__main__":
    main()

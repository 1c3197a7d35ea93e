"""`python -m bench [--quick]`: CPU of the proxy process, and its ratio to a bare mitmdump's, for each way and kind of answer.

Every number is measured in this run. Rounds go through all proxies in turn, so that a machine that gets slower or faster does
so for all. Of the rounds, the least figure counts: what else the machine does can only add to the CPU time of the same work.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from bench import proxies
from bench.answers import CHAT, MESSAGES
from bench.fake import Fake
from bench.load import Work, connections, plain_headers, run
from bench.proxies import KEY, Proxy

# How long a paced stream waits between two chunks: long enough that each chunk is a read of its own.
PAUSE = 5
ROUNDS = 5
QUICK_ROUNDS, QUICK_WAYS = 3, ("chat -> chat", "anthropic -> chat")
FULL = {
    "whole answer": Work("whole", clients=4, requests=400),
    "paced chunk": Work("paced", clients=10, requests=1, chunks=500, milliseconds=PAUSE),
    "burst chunk": Work("burst", clients=2, requests=5, chunks=6400),
}
QUICK = {
    "whole answer": Work("whole", clients=4, requests=150),
    "paced chunk": Work("paced", clients=10, requests=1, chunks=160, milliseconds=PAUSE),
    "burst chunk": Work("burst", clients=2, requests=2, chunks=3200),
}
WAYS = {  # client -> provider: path, and the bare proxy's path to the same answers
    "chat -> chat": (f"/openai-custom{CHAT}", CHAT),
    "anthropic -> anthropic": (f"/claude-custom{MESSAGES}", MESSAGES),
    "anthropic -> chat": (f"/openai-custom{MESSAGES}", CHAT),
    "chat -> anthropic": (f"/claude-custom{CHAT}", MESSAGES),
}
TARGETS = {"chat -> chat": 1.0, "anthropic -> anthropic": 1.0, "anthropic -> chat": 1.3, "chat -> anthropic": 1.3}


@dataclass
class Row:
    """CPU in microseconds per answer or chunk: the least of all rounds."""

    bare: float = float("inf")
    ours: dict[str, float] = field(default_factory=dict)


async def measure(proxy: Proxy, path: str, work: Work) -> float:
    before = proxy.cpu().total
    async with connections(proxy.port, work.clients) as opened:
        await run(opened, path, plain_headers(KEY), work)
    return (proxy.cpu().total - before) / work.units * 1e6


async def measure_all(
    works: dict[str, Work], ways: Collection[str], rounds: int, home: Path
) -> dict[tuple[str, str], Row]:
    server = await asyncio.get_running_loop().create_server(Fake, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rows = {(kind, way): Row() for kind in works for way in ways}
    with contextlib.ExitStack() as stack:
        bare = stack.enter_context(proxies.bare(port, home))
        ours = {
            "mitmdump -s": stack.enter_context(proxies.product(port, home)),
            "aiclient": stack.enter_context(proxies.launched(port, home)),
        }
        for number in range(rounds + 1):  # the first one warms up
            for kind, work in works.items():
                bares = {path: await measure(bare, path, work) for path in {WAYS[way][1] for way in ways}}
                for way in ways:
                    path, bare_path = WAYS[way]
                    row = rows[kind, way]
                    found = {name: await measure(proxy, path, work) for name, proxy in ours.items()}
                    if number:
                        row.bare = min(row.bare, bares[bare_path])
                        row.ours = {name: min(value, row.ours.get(name, value)) for name, value in found.items()}
    server.close()
    return rows


def table(rows: dict[tuple[str, str], Row]) -> str:
    """Microseconds per unit and ratios; 1 us per chunk is 0.1 s per 100,000."""
    names = list(next(iter(rows.values())).ours)
    lines = [f"{'':14}{'':24}{'bare':>9}" + "".join(f"{name:>13}{'ratio':>7}" for name in names) + f"{'target':>8}"]
    for (kind, way), row in rows.items():
        figures = "".join(f"{row.ours[name]:10.1f} us{row.ours[name] / row.bare:7.2f}" for name in names)
        lines.append(f"{kind:14}{way:24}{row.bare:6.1f} us{figures}{TARGETS[way]:>8.1f}")
    return "\n".join(lines)


def execute[T](work: Coroutine[object, object, T]) -> T:
    """On uvloop if it is there: the load itself then takes less of the machine."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="CPU of the proxy, next to a bare mitmdump.")
    parser.add_argument("--quick", action="store_true", help="less than a minute: two ways, less exact")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="aiclient-bench-") as home:
        if quick:
            rows = execute(measure_all(QUICK, QUICK_WAYS, QUICK_ROUNDS, Path(home)))
        else:
            rows = execute(measure_all(FULL, tuple(WAYS), ROUNDS, Path(home)))
    print(table(rows))


if __name__ == "__main__":
    main()

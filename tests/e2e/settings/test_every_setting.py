"""Every setting does what it says, set by flag, variable, file or mitmproxy option: four proxies have them all at once, and four
more of each further start what would get in the way of the others."""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from addons.settings import NAMES, Settings, written
from addons.settings_sources import load
from tests.e2e.conftest import Upstreams
from tests.e2e.settings import ways
from tests.e2e.settings.effects import Effect
from tests.e2e.settings.rows import ROWS, STARTS, rows_of
from tests.e2e.settings.ways import WAYS, Started

EFFECTS = [(start, name, way) for start in STARTS for name, row in rows_of(start).items() if row.effect for way in WAYS]
SEEN = [each for each in EFFECTS if each[2] not in rows_of(each[0])[each[1]].not_by]
NOT_SEEN = [each for each in EFFECTS if each not in SEEN]


def parsed(name: str, text: str) -> str:
    return written(getattr(load({name: text}).settings, name))


def test_there_is_a_row_for_every_setting_and_something_to_be_seen_of_each() -> None:
    assert list(ROWS) == list(NAMES)
    assert {name for _, name, _ in EFFECTS} == set(NAMES)


def test_no_effect_is_looked_for_that_the_default_has_as_well(tmp_path: Path, upstreams: Upstreams) -> None:
    with ExitStack() as stack:
        place = ways.new_place("file", tmp_path / "place", upstreams, stack)
        rows = [(name, row) for start in STARTS for name, row in rows_of(start).items() if row.effect]
        same = {name for name, row in rows if parsed(name, row.text(place)) == written(getattr(Settings(), name))}
    assert same == ({"host", "workers"} if sys.platform != "linux" else set())


@dataclass(frozen=True)
class Outcome:
    """Of one start. looks: what became of each, by way. parsed, texts: each setting but secrets as a way's proxy had it, and as it was given."""

    looks: Mapping[tuple[str, Effect], Future[None]]
    parsed: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Callable[[str], Outcome]:
    """Each start once, when it is first asked for."""
    return cache(lambda start: tried(start, tmp_path_factory.mktemp(start), upstreams))


def tried(start: str, folder: Path, upstreams: Upstreams) -> Outcome:
    """Its proxies start at the same time, and at most looks are deadlines, so all of them are waited for together."""
    looks: dict[tuple[str, Effect], Future[None]] = {}
    proxies: dict[str, Started] = {}
    texts: dict[str, Mapping[str, str]] = {}
    rows = rows_of(start).values()
    with ExitStack() as running:
        for way in WAYS:
            place = ways.new_place(way, folder / way, upstreams, running)
            texts[way] = {name: row.text(place) for name, row in {**ROWS, **STARTS[start]}.items()}
            proxies[way] = ways.begin(place, texts[way], running)
        for each in proxies.values():
            ways.wait(each)
        for alone, at_once in ((False, 6), (True, 1)):
            with ExitStack() as stack:
                for way in WAYS:
                    pool = stack.enter_context(ThreadPoolExecutor(at_once))
                    effects = (row.effect for row in rows if row.alone == alone and way not in row.not_by)
                    for effect in filter(None, dict.fromkeys(effects)):
                        looks[way, effect] = pool.submit(effect, proxies[way])
            wait(looks.values())
        return Outcome(looks, {way: each.parsed for way, each in proxies.items()}, texts)


@pytest.mark.parametrize(("start", "name", "way"), SEEN)
def test_it_is_seen_from_outside(outcome: Callable[[str], Outcome], start: str, name: str, way: str) -> None:
    effect = rows_of(start)[name].effect
    assert effect
    outcome(start).looks[way, effect].result()


@pytest.mark.parametrize(("start", "name", "way"), NOT_SEEN)
def test_where_it_has_no_effect_the_proxy_takes_it_all_the_same(
    outcome: Callable[[str], Outcome], start: str, name: str, way: str
) -> None:
    found = outcome(start)
    assert found.parsed[way][name] == parsed(name, found.texts[way][name])

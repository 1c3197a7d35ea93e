"""Every setting does what it says, set by flag, variable, file or mitmproxy option: four proxies have them all at once."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest

from addons.settings import NAMES, SECRETS, written
from addons.settings_sources import load
from tests.e2e.conftest import Upstreams
from tests.e2e.settings import ways
from tests.e2e.settings.effects import Effect
from tests.e2e.settings.rows import ROWS
from tests.e2e.settings.ways import WAYS, Started

type Looked = Mapping[tuple[str, Effect], Future[None]]

SEEN = [
    (name, way)
    for name in NAMES
    for way in WAYS
    if name in ROWS and ROWS[name].effect and not (way == "option" and ROWS[name].not_as_option)
]


def test_there_is_a_row_for_every_setting_and_each_says_what_is_seen_or_why_not() -> None:
    assert list(ROWS) == list(NAMES)
    assert [name for name, row in ROWS.items() if (row.effect is None) != bool(row.why)] == []


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[Mapping[str, Started]]:
    """way -> its proxy. They start at the same time."""
    folder = tmp_path_factory.mktemp("ways")
    with ExitStack() as stack:
        started = {}
        for way in WAYS:
            place = ways.new_place(way, folder / way, upstreams, stack)
            started[way] = ways.begin(place, {name: row.text(place) for name, row in ROWS.items()}, stack)
        for each in started.values():
            ways.wait(each)
        yield started


@pytest.fixture(scope="module")
def looked(proxies: Mapping[str, Started]) -> Looked:
    """What became of every look: at most are deadlines, so all of them are waited for together."""
    found: dict[tuple[str, Effect], Future[None]] = {}
    together = [row.effect for row in ROWS.values() if row.effect and not row.alone]
    alone = [row.effect for row in ROWS.values() if row.effect and row.alone]
    for effects, at_once in ((together, 6), (alone, 1)):
        with ExitStack() as stack:
            for way in WAYS:
                pool = stack.enter_context(ThreadPoolExecutor(at_once))
                for effect in dict.fromkeys(effects):
                    found[way, effect] = pool.submit(effect, proxies[way])
        wait(found.values())
    return found


@pytest.mark.parametrize(("name", "way"), SEEN)
def test_it_is_seen_from_outside(looked: Looked, name: str, way: str) -> None:
    effect = ROWS[name].effect
    assert effect
    looked[way, effect].result()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_the_proxy_has_the_value(proxies: Mapping[str, Started], name: str, way: str) -> None:
    started = proxies[way]
    text = ROWS[name].text(started.place)
    expected = written(getattr(load({name: text}).settings, name))
    assert started.parsed[name] == (ways.hashed(expected) if name in SECRETS else expected)

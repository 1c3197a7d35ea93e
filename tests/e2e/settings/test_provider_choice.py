"""Every way to choose the provider that the table in docs/routing.md names, each against the default of the start."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS
from tests.e2e.settings import ways
from tests.e2e.settings.effects import ask, mark, seen
from tests.e2e.settings.ways import Started
from tests.fakes.samples import CLIENT_KEY

DEFAULT, OTHER = "openai-custom", "claude-custom"
MODEL = "claude-sonnet-4-5-text"
HEADER = {"model-provider": OTHER}


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[Mapping[str, Started]]:
    """way -> one whose start names two providers in this way."""
    folder = tmp_path_factory.mktemp("choice")
    with ExitStack() as stack:
        started = {}
        for way in ways.WAYS:
            place = ways.new_place(way, folder / way, upstreams, stack)
            values = {
                "host": ways.HOST,
                "port": str(place.port),
                "api_key": CLIENT_KEY,
                "openai_api_key": KEYS[DEFAULT],
                "openai_base_url": upstreams.of(DEFAULT).url,
                "claude_api_key": KEYS[OTHER],
                "claude_base_url": upstreams.of(OTHER).url,
                "model_provider": f"{DEFAULT},{OTHER}",
                "routes": f"by-route={OTHER}:{MODEL}",
            }
            started[way] = ways.begin(place, values, stack)
        for each in started.values():
            ways.wait(each)
        yield started


@pytest.mark.parametrize("way", ways.WAYS)
@pytest.mark.parametrize(
    ("path", "model", "headers", "expected"),
    [
        pytest.param("", MODEL, {}, DEFAULT, id="start"),
        pytest.param(OTHER, MODEL, {}, OTHER, id="path"),
        pytest.param("", MODEL, HEADER, OTHER, id="header"),
        pytest.param("", f"{OTHER}:{MODEL}", {}, OTHER, id="name"),
        pytest.param("", "by-route", {}, OTHER, id="route"),
        pytest.param(DEFAULT, MODEL, HEADER, DEFAULT, id="path and header"),
        pytest.param("", f"{DEFAULT}:{MODEL}", HEADER, OTHER, id="header and name"),
    ],
)
def test_the_provider_is_the_one_that_was_chosen(
    proxies: Mapping[str, Started], way: str, path: str, model: str, headers: dict[str, str], expected: str
) -> None:
    started = proxies[way]
    words = mark(started, f"{path}+{model}+{len(headers)}")
    ask(started, path, model, words, headers=headers)
    (sent,) = seen(started, expected, words)
    assert sent.json["model"] in (MODEL, model)
    assert seen(started, OTHER if expected == DEFAULT else DEFAULT, words) == []

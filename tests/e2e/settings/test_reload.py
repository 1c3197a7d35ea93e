"""Files that settings and secrets come from change under `aiclient serve`: new requests see it, and a stream under way does not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS
from tests.e2e.pools.asking import until
from tests.e2e.settings import ways
from tests.e2e.settings.effects import ask, streamed
from tests.e2e.settings.ways import Started
from tests.fakes.samples import CLIENT_KEY

NEW_KEY = "another-key-for-clients"


@pytest.fixture
def started(tmp_path: Path, upstreams: Upstreams) -> Iterator[Started]:
    """Its port is in the file, both keys are in files of their own."""
    with ExitStack() as stack:
        place = ways.new_place("file", tmp_path / "place", upstreams, stack)
        values = {
            "host": ways.HOST,
            "port": str(place.port),
            "api_key": f"file:{place.file('client_key', CLIENT_KEY)}",
            "openai_api_key": f"file:{place.file('openai_key', 'not-yet')}",
            "openai_base_url": upstreams.of("openai-custom").url,
        }
        found = ways.begin(place, values, stack)
        ways.wait(found)
        yield found


def test_new_requests_see_it_and_a_stream_does_not(started: Started) -> None:
    place = started.place
    assert ask(started, "openai-custom", "gpt-4.1-text").status_code == 503, "its key is refused"
    place.file("openai_key", KEYS["openai-custom"])
    until(lambda: started.log.count("settings read again: openai-custom:default") == 1)
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(streamed, started, "gpt-4.1-paced")
        until(lambda: any(b"gpt-4.1-paced" in each.body for each in place.upstreams.of("openai-custom").requests))
        place.file("client_key", NEW_KEY)
        until(lambda: started.log.count("settings read again") == 2)
        assert ask(started, "openai-custom", "gpt-4.1-text").status_code == 401
        headers = {"authorization": f"Bearer {NEW_KEY}"}
        assert ask(started, "openai-custom", "gpt-4.1-text", headers=headers).status_code == 200
        assert not under_way.done(), "too late to see anything"
        raw, _ = under_way.result()
    assert raw.rstrip().endswith(b"data: [DONE]")
    assert b'"error"' not in raw


def test_a_mistake_is_said_and_what_needs_a_restart_too(started: Started) -> None:
    file = started.place.folder / "my.toml"
    text = file.read_text()
    file.write_text(f"prot = 1\n{text}")
    until(lambda: "settings are not read again" in started.log)
    assert f"settings are not read again: {file}: prot is not a setting; did you mean port?" in started.log
    assert started.web.get("/health").status_code == 200
    file.write_text(text.replace(f"port = {started.place.port}", "port = 1"))
    until(lambda: "needs a restart" in started.log)
    assert f"port = 1 needs a restart: it stays {started.place.port} until then" in started.log
    assert started.web.get("/health").status_code == 200
    assert CLIENT_KEY not in started.log

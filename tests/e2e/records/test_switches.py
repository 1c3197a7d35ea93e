"""What the switches do in a real process, and a folder that cannot be written."""

import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PLAIN_MODEL, RIGHT, plain
from tests.e2e.records.conftest import Written
from tests.fakes.scripts import TEXT

MODEL = f"{PLAIN_MODEL['claude-custom']}-text"


def ask(web: httpx.Client, kept: Written, words: str, *, stream: bool = False) -> httpx.Response:
    asked = plain("chat", MODEL, words, stream=stream)
    return web.post(f"{kept.proxy.url}/claude-custom{asked.path}", content=asked.raw, headers=RIGHT)


def test_without_records_nothing_is_written_but_the_transcript_that_was_asked_for(
    start: Launch, upstreams: Upstreams, web: httpx.Client, tmp_path: Path
) -> None:
    settings = {"RECORD": "false", "LOG_PROMPTS": "file", "PROMPT_LOG_BASE_NAME": str(tmp_path / "logs" / "talk")}
    kept = Written(start("unrecorded", {**upstreams.settings, **settings}))
    for stream in (False, True):
        assert ask(web, kept, "to be read in a file", stream=stream).status_code == 200
    kept.proxy.stop()
    assert not kept.folder.exists()
    (file,) = (tmp_path / "logs").iterdir()
    assert re.fullmatch(r"talk-\d{8}-\d{6}\.log", file.name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().count(f"\n[user]\nto be read in a file\n[assistant]\n{''.join(TEXT)}\n") == 2
    assert b"to be read in a file" not in kept.proxy.log.read_bytes()


@pytest.fixture
def no_folder(tmp_path: Path) -> Iterator[Path]:
    """One that can be made or written by nobody, root included where that is how tests are run."""
    folder = tmp_path / "full"
    if os.geteuid() == 0:
        folder.write_text("a file stands here")
        yield folder / "records"
        return
    folder.mkdir()
    folder.chmod(0o500)
    yield folder / "records"
    folder.chmod(0o700)


def test_where_nothing_can_be_written_requests_go_on_after_one_warning(
    start: Launch, upstreams: Upstreams, web: httpx.Client, no_folder: Path
) -> None:
    kept = Written(start("full", {**upstreams.settings, "RECORD_DIR": str(no_folder)}))
    for stream in (False, True, False):
        assert ask(web, kept, "Hi", stream=stream).status_code == 200
    until = time.monotonic() + 5
    while "records cannot be written" not in (log := kept.proxy.log.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    kept.proxy.stop()
    log = kept.proxy.log.read_text()
    assert log.count("requests go on without") == 1
    assert not no_folder.exists()

"""Keys that a program prints: run once, not again at a reload; and never for a file that came with a folder."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS, RIGHT, plain
from tests.e2e.pools.asking import until
from tests.e2e.proxy import Proxy, launch
from tests.fakes.samples import CLIENT_KEY


def printer(folder: Path) -> tuple[str, Path]:
    """A program that prints the key, as a setting names it, and where it counts how often it was run."""
    program, count = folder / "print_key.py", folder / "count"
    program.write_text(f"open({str(count)!r}, 'a').write('x'); print({KEYS['openai-custom']!r})")
    return json.dumps(f"command:'{sys.executable}' '{program}'"), count


def test_it_is_run_at_the_start_and_not_again_when_something_else_changes(
    tmp_path: Path, upstreams: Upstreams, running: list[Proxy], web: httpx.Client
) -> None:
    command, count = printer(tmp_path)
    home = tmp_path / "run"
    (home / "aiclient").mkdir(parents=True)
    file = home / "aiclient" / "aiclient.toml"
    text = f"openai_api_key = {command}\nopenai_base_url = '{upstreams.of('openai-custom').url}'\n"
    file.write_text(text)
    proxy = launch(home, {"API_KEY": CLIENT_KEY})
    running.append(proxy)
    asked = plain("chat", "gpt-4.1-text", "Hi")
    url = f"{proxy.url}{asked.path}"
    assert web.post(url, json=asked.body, headers=RIGHT).status_code == 200
    assert count.read_text() == "x"
    file.write_text(text + "strict_conversion = true\n")
    until(lambda: "settings read again" in proxy.log.read_text())
    assert web.post(url, json=asked.body, headers=RIGHT).status_code == 200
    assert count.read_text() == "x"
    file.write_text(text.replace("print_key.py'", "print_key.py' other"))
    until(lambda: count.read_text() == "xx")
    assert proxy.stop() == 0
    assert KEYS["openai-custom"].encode() not in proxy.log.read_bytes() + proxy.dump.read_bytes()


def test_a_folder_from_somebody_else_runs_nothing(tmp_path: Path) -> None:
    command, count = printer(tmp_path)
    home = tmp_path / "cloned"
    home.mkdir()
    (home / "aiclient.toml").write_text(f"openai_api_key = {command}\n")
    with pytest.raises(AssertionError, match="`command:` runs a program, so it counts only in flags"):
        launch(home, {"API_KEY": CLIENT_KEY})
    assert not count.exists()

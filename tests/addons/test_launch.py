"""From settings to mitmproxy's arguments; what is refused before anything listens."""

import os
import re
import socket
from pathlib import Path

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.tools import main as tools

from addons import launch
from addons.accounts import Accounts, read_all
from addons.client_key import key_path
from addons.launch import free_port, mitmproxy_arguments, serve
from addons.providers import catalogue
from addons.settings import Settings
from addons.settings_sources import SettingsError, load


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """mitmproxy is not started; what it would have been started with is noted here."""
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(tools, "mitmdump", lambda arguments: calls.append(("mitmdump", arguments)))
    monkeypatch.setattr(tools, "mitmweb", lambda arguments: calls.append(("mitmweb", arguments)))
    monkeypatch.setattr(launch, "use_uvloop", lambda: False)
    monkeypatch.setattr(launch, "_quieten", lambda: None)  # it would last longer than the test
    monkeypatch.setattr(launch.os, "environ", os.environ.copy())
    return calls


def run(flags: dict[str, str], **more: object) -> None:
    serve(load(flags), flags, accounts=Accounts(), **more)  # type: ignore[arg-type]


def option(arguments: list[str], name: str) -> str | None:
    return next((a.removeprefix(name + "=") for a in arguments if a.startswith(name + "=")), None)


def test_flags_reach_the_addons_by_environment_and_no_secret_is_an_argument(
    started: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    run({"port": "0", "openai_api_key": "hunter2", "api_key": "hunter2-client"})
    tool, arguments = started[0]
    assert tool == "mitmdump"
    assert "hunter2" not in " ".join(arguments)
    assert "hunter2" not in capsys.readouterr().out
    assert launch.os.environ["AICLIENT_OPENAI_API_KEY"] == "hunter2"


def test_port_0_becomes_one_free_port_everywhere(
    started: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    run({"port": "0"})
    mode = ProxyMode.parse(started[0][1][started[0][1].index("--mode") + 1])
    assert mode.custom_listen_port
    assert f"http://127.0.0.1:{mode.custom_listen_port}" in capsys.readouterr().out
    assert launch.os.environ["AICLIENT_PORT"] == str(mode.custom_listen_port)


def test_a_port_of_the_file_stays_one_so_that_a_change_of_it_is_seen(started: list[tuple[str, list[str]]]) -> None:
    """The environment would win over the file for ever."""
    port = launch.free_port("127.0.0.1", 0, "--port")
    Path("aiclient.toml").write_text(f"port = {port}")
    run({})
    assert "AICLIENT_PORT" not in launch.os.environ
    assert started


def test_the_first_start_shows_the_key_and_the_second_does_not(
    started: list[tuple[str, list[str]]], own_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run({"port": "0"})
    key = key_path(own_environment).read_text().strip()
    assert key in capsys.readouterr().out
    run({"port": "0"})
    assert key not in capsys.readouterr().out


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_mode_binds_the_host_that_was_asked_for(host: str) -> None:
    arguments = mitmproxy_arguments(Settings(host=host), 3000, web_port=None, open_browser=False)
    mode = ProxyMode.parse(arguments[arguments.index("--mode") + 1])
    assert (mode.type_name, mode.custom_listen_host, mode.custom_listen_port) == ("reverse", host, 3000)
    assert Path(arguments[arguments.index("-s") + 1]) == Path(launch.__file__).parent / "aiclient.py"


def test_mitmproxy_has_a_folder_of_its_own(own_environment: Path) -> None:
    """A `config.yaml` that was made for other work must not change what we are."""
    arguments = mitmproxy_arguments(Settings(), 3000, web_port=None, open_browser=False)
    assert option(arguments, "confdir") == str(own_environment / "mitmproxy")


def test_web_is_mitmweb_with_its_own_token_and_no_browser_unless_asked(started: list[tuple[str, list[str]]]) -> None:
    run({"port": "0"}, web_port=0)
    run({"port": "0"}, web_port=0, open_browser=True)
    assert [tool for tool, _ in started] == ["mitmweb", "mitmweb"]
    assert [option(arguments, "web_open_browser") for _, arguments in started] == ["false", "true"]
    assert int(option(started[0][1], "web_port") or 0) > 0
    assert option(started[0][1], "web_password") is None


def test_further_arguments_come_last(started: list[tuple[str, list[str]]]) -> None:
    run({"port": "0"}, extra=["--set", "flow_detail=3"])
    assert started[0][1][-2:] == ["--set", "flow_detail=3"]


def test_an_open_bind_without_a_key_is_refused_before_anything_starts(
    started: list[tuple[str, list[str]]], own_environment: Path
) -> None:
    with pytest.raises(SettingsError, match="AICLIENT_API_KEY"):
        run({"host": "0.0.0.0", "port": "0"})
    assert started == []
    assert not own_environment.exists()


def test_a_port_in_use_names_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} on 127.0.0.1 is in use: .*--web-port {port + 1}"):
            free_port("127.0.0.1", port, "--web-port")


def test_a_host_that_is_not_ours_is_said_to_be_wrong() -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1 port 0"):
        free_port("192.0.2.1", 0, "--port")


def test_a_home_that_cannot_be_written_names_the_cure(
    started: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setitem(launch.os.environ, "AICLIENT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SettingsError, match="set AICLIENT_HOME or api_key"):
        run({"port": "0"})
    assert started == []


# --- several processes ---


@pytest.fixture
def parents(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many workers would be started, and on which port."""
    calls: list[tuple[int, int]] = []

    def run_workers(count: int, held: socket.socket, work: object) -> int:
        calls.append((count, held.getsockname()[1]))
        return len(calls) - 1

    monkeypatch.setattr(launch, "run_workers", run_workers)
    monkeypatch.setattr(launch, "refusal", lambda workers: "")
    return calls


def test_workers_have_a_parent_that_holds_the_port_and_gives_the_exit_code(
    started: list[tuple[str, list[str]]], parents: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    run({"port": "0", "workers": "3"})
    assert parents == [(3, int(launch.os.environ["AICLIENT_PORT"]))]
    assert capsys.readouterr().out.endswith("workers: 3\n")
    with pytest.raises(SystemExit, match="1"):
        run({"port": "0", "workers": "3"})
    assert started == []


def test_what_workers_need_of_the_system_and_do_not_get_is_said(
    started: list[tuple[str, list[str]]], parents: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_workers(*_: object) -> int:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(launch, "run_workers", run_workers)
    with pytest.raises(SettingsError, match="cannot run 2 workers: No usable temporary directory found"):
        run({"port": "0", "workers": "2"})


def test_one_process_has_no_parent_and_web_is_one(
    started: list[tuple[str, list[str]]], parents: list[tuple[int, int]]
) -> None:
    run({"port": "0", "workers": "1"})
    run({"port": "0", "workers": "3"}, web_port=0)
    assert [tool for tool, _ in started] == ["mitmdump", "mitmweb"]
    assert parents == []


@pytest.mark.parametrize(
    ("flags", "extra", "why"),
    [
        ({"replay": "x"}, [], "replayed by one process"),
        ({}, ["-w", "x"], "-w has a file written"),
        ({}, ["-wx"], "-wx has a file written"),
        ({}, ["--set", "hardump=x.har"], "hardump=x.har has a file written"),
        ({"kiro_oauth_creds_base64": "e30="}, [], "claude-kiro-oauth:default is a base64"),
    ],
    ids=["replay", "dump", "dump in one word", "har", "base64"],
)
def test_what_one_process_alone_can_do_is_refused_with_the_cure(
    parents: list[tuple[int, int]], flags: dict[str, str], extra: list[str], why: str
) -> None:
    loaded = load({**flags, "port": "0", "workers": "2"})
    accounts = read_all(loaded, catalogue())
    with pytest.raises(SettingsError, match=rf"{re.escape(why)}.*set workers to 1"):
        serve(loaded, {}, accounts=accounts, extra=extra)
    assert parents == []


def test_a_base64_whose_refresh_token_stays_is_no_matter(parents: list[tuple[int, int]]) -> None:
    flags = {"gemini_oauth_creds_base64": "e30=", "port": "0", "workers": "2"}
    serve(load(flags), flags, accounts=read_all(load(flags), catalogue()))
    assert len(parents) == 1

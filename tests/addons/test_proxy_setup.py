"""mitmproxy set up for what we are: loopback, a key, and no default of its own that would work against us."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.addons.onboarding import Onboarding
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.save import Save
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.addons.view import View
from mitmproxy.exceptions import OptionsError
from mitmproxy.test import taddons

from addons import worker
from addons.client_key import PREFIX
from addons.proxy_setup import HOST_OPTIONS, ProxySetup, listen_hosts, listens
from addons.worker import Board, Worker
from creds import places
from creds.places import own_file

MODE = "reverse:https://placeholder.test@127.0.0.1:3000"
OPEN = "reverse:https://placeholder.test@0.0.0.0:3000"
LONG_KEY = "a-long-key-of-my-own"


@pytest.fixture
def setup() -> ProxySetup:
    return ProxySetup()


@pytest.fixture
def tctx(setup: ProxySetup, caplog: pytest.LogCaptureFixture) -> Iterator[taddons.context]:
    caplog.set_level(logging.INFO, "aiclient")
    with taddons.context(Proxyserver(), Onboarding()) as context:
        context.options.update(mode=[MODE])
        context.master.addons.add(setup)
        yield context


def start(tctx: taddons.context, setup: ProxySetup, **options: object) -> None:
    tctx.configure(setup, **(options or {"mode": [MODE]}))


def test_29_mitmproxy_is_set_to_listen_on_loopback_and_to_keep_the_host_header(
    tctx: taddons.context, setup: ProxySetup
) -> None:
    assert tctx.options.listen_host == "127.0.0.1"
    assert {name: getattr(tctx.options, name) for name in HOST_OPTIONS} == HOST_OPTIONS
    assert tctx.options.validate_inbound_headers is True


def test_29_a_listen_host_that_was_chosen_stays(setup: ProxySetup) -> None:
    with taddons.context(Proxyserver(), Onboarding()) as context:
        context.options.update(listen_host="::1")
        context.master.addons.add(setup)
        assert context.options.listen_host == "::1"


@pytest.mark.parametrize("terminal", [True, False])
def test_23_a_first_start_makes_a_key_of_its_own_and_shows_it_to_a_person(
    tctx: taddons.context,
    setup: ProxySetup,
    own_environment: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    start(tctx, setup)
    file = own_environment / "client_key"
    assert setup.key == file.read_bytes().strip()
    assert setup.key.startswith(PREFIX.encode())
    assert len(setup.key) > 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (setup.key.decode() in caplog.text) == terminal


def test_28_a_stored_key_is_used_again_and_not_shown(
    tctx: taddons.context, setup: ProxySetup, own_environment: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_environment.mkdir(parents=True)
    (own_environment / "client_key").write_text("a-stored-key-of-before\n")
    start(tctx, setup)
    assert setup.key == b"a-stored-key-of-before"
    assert "a-stored-key-of-before" not in caplog.text
    assert "http://127.0.0.1:3000" in caplog.text


def test_28_a_configured_key_wins_and_is_neither_stored_nor_shown(
    tctx: taddons.context,
    setup: ProxySetup,
    own_environment: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AICLIENT_API_KEY", LONG_KEY)
    start(tctx, setup)
    assert setup.key == LONG_KEY.encode()
    assert not (own_environment / "client_key").exists()
    assert LONG_KEY not in caplog.text
    assert LONG_KEY not in str(tctx.options.keys()) + str(dict(tctx.options.items()))


def test_the_banner_is_told_once(tctx: taddons.context, setup: ProxySetup, caplog: pytest.LogCaptureFixture) -> None:
    start(tctx, setup)
    start(tctx, setup, aiclient_idle_seconds="7")
    start(tctx, setup, mode=[MODE])
    assert sum("aiclient listens on" in message for message in caplog.messages) == 1
    assert all("\n" not in message for message in caplog.messages)
    assert any("demo (no account configured)" in message for message in caplog.messages)


@pytest.mark.parametrize("mode", [OPEN, "reverse:https://placeholder.test@:::3000", "regular@192.168.1.5:8080"])
def test_29_a_bind_beyond_loopback_is_refused_without_a_key_of_ones_own(
    tctx: taddons.context, setup: ProxySetup, mode: str
) -> None:
    with pytest.raises(OptionsError, match="set api_key"):
        start(tctx, setup, mode=[MODE, mode])


@pytest.mark.parametrize("key", ["123456", "changeme", "sk-123456"])
def test_23_a_bind_beyond_loopback_is_refused_with_a_key_that_everybody_knows(
    tctx: taddons.context, setup: ProxySetup, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AICLIENT_API_KEY", key)
    with pytest.raises(OptionsError, match="short or from an example"):
        start(tctx, setup, mode=[OPEN])


def test_29_a_bind_beyond_loopback_is_possible_with_a_key(
    tctx: taddons.context, setup: ProxySetup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AICLIENT_API_KEY", LONG_KEY)
    start(tctx, setup, mode=[OPEN])
    assert setup.key == LONG_KEY.encode()


def test_29_opening_the_listener_later_is_refused_too(tctx: taddons.context, setup: ProxySetup) -> None:
    start(tctx, setup, mode=["reverse:https://placeholder.test"])
    key = setup.key
    for host in ("", "0.0.0.0"):
        with pytest.raises(OptionsError, match="set api_key"):
            tctx.options.update(listen_host=host)
    assert setup.key == key


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("aiclient_idle_seconds", "soon", "idle_seconds"),
        ("aiclient_idle_seconds", "-1", "idle_seconds"),
        ("aiclient_body_limit", "much", "body_limit"),
        ("aiclient_openai_base_url", "ftp://x", "openai_base_url"),
        ("aiclient_cors_origins", "*", "cors_origins"),
        ("aiclient_model_provider", "opnai-custom", "model_provider"),
        ("aiclient_openai_api_key", "two words", "openai_api_key"),
        ("aiclient_openai_api_key", "file:/nowhere/key", "openai_api_key"),
    ],
)
def test_a_bad_option_is_refused_by_name_and_the_old_settings_stay(
    tctx: taddons.context, setup: ProxySetup, option: str, value: str, said: str
) -> None:
    start(tctx, setup, aiclient_idle_seconds="5")
    before = setup.settings
    with pytest.raises(OptionsError, match=said.replace("_", "[_-]")):
        tctx.configure(setup, **{option: value})
    assert setup.settings == before


def test_25_a_bad_setting_at_the_start_is_logged_as_an_error_which_ends_mitmproxy(
    setup: ProxySetup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception out of `load` alone is lost, and mitmproxy would serve without us: an open proxy."""
    monkeypatch.setenv("AICLIENT_IDLE_SECONDS", "soon")
    with taddons.context(loadcore=False) as tctx, pytest.raises(OptionsError, match="IDLE_SECONDS"):
        tctx.master.addons.add(setup)
    assert any(record.levelno == logging.ERROR and "IDLE_SECONDS" in record.message for record in caplog.records)


def test_an_unreadable_home_is_refused_by_name(tctx: taddons.context, setup: ProxySetup, own_environment: Path) -> None:
    own_environment.parent.mkdir(exist_ok=True)
    own_environment.write_text("a file where the folder should be")
    with pytest.raises(OptionsError, match="client key in"):
        start(tctx, setup)


def test_a_changed_option_counts_at_once(tctx: taddons.context, setup: ProxySetup) -> None:
    start(tctx, setup, aiclient_openai_api_key="sk-of-mine", aiclient_body_limit="1m")
    assert setup.accounts.usable == ("openai-custom", "openaiResponses-custom")
    assert setup.settings.body_limit_bytes == 1 << 20
    assert tctx.options.body_size_limit == "1m"
    start(tctx, setup, aiclient_openai_api_key="", aiclient_claude_api_key="sk-ant")
    assert setup.accounts.usable == ("claude-custom",)


def test_options_of_others_change_nothing(tctx: taddons.context, setup: ProxySetup) -> None:
    start(tctx, setup)
    before = setup.settings
    tctx.options.update(ssl_insecure=True)
    assert setup.settings == before


def test_a_change_is_told_of() -> None:
    told: list[object] = []
    setup = ProxySetup(lambda *found: told.append(found))
    with taddons.context(Proxyserver(), Onboarding()) as context:
        context.options.update(mode=[MODE])
        context.master.addons.add(setup)
        tells = len(told)
        context.configure(setup, aiclient_idle_seconds="9")
        assert told[tells:] == [(setup.settings, setup.accounts)]
        assert setup.settings.idle_seconds == 9


@pytest.mark.parametrize(
    ("modes", "default", "hosts"),
    [
        ([MODE], "", ["127.0.0.1"]),
        (["reverse:https://x.test"], "127.0.0.1", ["127.0.0.1"]),
        (["reverse:https://x.test"], "", ["0.0.0.0"]),
        (["regular@8080"], "::1", ["::1"]),
        (["reverse:https://x.test:443@::1:3000"], "", ["::1"]),
        (["regular", "reverse:http://x.test@0.0.0.0:1"], "127.0.0.1", ["127.0.0.1", "0.0.0.0"]),
        ([], "", []),
    ],
)
def test_the_addresses_that_modes_bind(modes: list[str], default: str, hosts: list[str]) -> None:
    assert listen_hosts(modes, default) == hosts


@pytest.mark.parametrize(
    ("modes", "host", "port", "found"),
    [
        ([MODE], "", None, ("127.0.0.1", 3000)),
        (["regular"], "127.0.0.1", None, ("127.0.0.1", 8080)),
        (["regular"], "127.0.0.1", 9000, ("127.0.0.1", 9000)),
        (["regular@9100"], "127.0.0.1", 9000, ("127.0.0.1", 9100)),
        ([], "127.0.0.1", None, ("127.0.0.1", 8080)),
    ],
)
def test_where_the_first_mode_listens(modes: list[str], host: str, port: int | None, found: tuple[str, int]) -> None:
    assert listens(modes, host, port) == found


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, False), ({"save_stream_file": "x.flow"}, True), ({"hardump": "x.har"}, True)],
)
def test_20_finished_flows_are_kept_where_somebody_looks_at_them(options: dict[str, str], kept: bool) -> None:
    with taddons.context(Save(), SaveHar()) as context:
        for name, value in options.items():
            context.options._options[name].set(value)
        assert ProxySetup.keeps_flows() is kept
        context.master.addons.add(View())
        assert ProxySetup.keeps_flows()


def test_streams_are_kept_whole_where_mitmweb_shows_them_though_it_shows_none_yet(setup: ProxySetup) -> None:
    with taddons.context(Save(), Proxyserver()) as context:
        setup.running()
        assert not context.options.store_streamed_bodies
        context.master.addons.add(View())
        setup.running()
        assert context.options.store_streamed_bodies


# --- files that are read again ---

POOL = "[[account]]\nprovider = 'openai-custom'\nlabel = '{}'\nopenai_api_key = 'sk-{}'\n"


def labels(setup: ProxySetup) -> list[str]:
    return [member.slot.label for member in setup.accounts.members]


def test_what_a_reload_would_wait_for_is_done_before_it_and_changes_nothing(
    tctx: taddons.context, setup: ProxySetup, tmp_path: Path
) -> None:
    """A program that prints a key may take its time; `prepare` is called in a thread."""
    start(tctx, setup)
    mark = tmp_path / "ran"
    folder = places.home(os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "aiclient.toml").write_text(f"claude_api_key = 'command:sh -c \"touch {mark}; echo sk-ant-printed\"'")
    before = setup.settings
    setup.prepare()
    assert mark.exists()
    assert setup.settings is before
    mark.unlink()
    setup.again()
    assert not mark.exists()
    assert setup.settings.claude_api_key.get_secret_value() == "sk-ant-printed"
    (folder / "aiclient.toml").write_text("port = 'x'")
    setup.prepare()  # what is wrong is said by `again`


def test_a_file_that_has_changed_is_read_again(tctx: taddons.context, setup: ProxySetup) -> None:
    Path("aiclient.toml").write_text(POOL.format("a", "a"))
    start(tctx, setup)
    assert labels(setup) == ["openai-custom:a"]
    Path("aiclient.toml").write_text("account_tries = 7\n" + POOL.format("a", "a") + POOL.format("b", "b"))
    setup.again()
    assert labels(setup) == ["openai-custom:a", "openai-custom:b"]
    assert setup.settings.account_tries == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 'x'", "port"),
        ("[[account]]\nprovider = 'openai-custom'", "has no openai_api_key"),
        ("not toml", "not TOML"),
        ("provider_pools_file = 'nowhere.json'", "provider_pools_file: cannot read nowhere.json"),
    ],
)
def test_a_file_that_is_wrong_now_leaves_all_as_it_was(
    tctx: taddons.context, setup: ProxySetup, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    Path("aiclient.toml").write_text(POOL.format("a", "a"))
    start(tctx, setup)
    before = (setup.settings, setup.accounts, setup.key)
    Path("aiclient.toml").write_text(text)
    setup.again()
    assert (setup.settings, setup.accounts, setup.key) == before
    ours = [record for record in caplog.records if record.name.startswith("aiclient")]
    (warning,) = [record.message for record in ours if record.levelno == logging.WARNING]
    assert warning.startswith("settings are not read again: ")
    assert said in warning
    assert "\n" not in warning


def test_what_cannot_be_taken_over_is_told_once(
    tctx: taddons.context, setup: ProxySetup, caplog: pytest.LogCaptureFixture
) -> None:
    Path("pools.json").write_text('{"nobody": [{}], "openai-custom": [{"OPENAI_API_KEY": "sk-1"}]}')
    Path("aiclient.toml").write_text("provider_pools_file = 'pools.json'")
    start(tctx, setup)
    setup.again()
    assert caplog.text.count("provider_pools_file: 'nobody' is no provider here") == 1
    assert labels(setup) == ["openai-custom:1"]


def test_the_stamp_changes_with_each_file_and_with_no_other(
    tctx: taddons.context, setup: ProxySetup, own_environment: Path
) -> None:
    """An empty path would be the current folder, which changes with every file in it."""
    Path("aiclient.toml").write_text("")
    start(tctx, setup)
    stamps = [setup.stamp()]
    Path("another").write_text("x")
    assert setup.stamp() == stamps[0]
    Path("aiclient.toml").write_text("provider_pools_file = 'pools.json'")
    stamps.append(setup.stamp())
    Path("pools.json").write_text("{}")
    setup.again()
    stamps.append(setup.stamp())
    Path("pools.json").write_text('{"openai-custom": []}')
    stamps.append(setup.stamp())
    own = own_file("openai-qwen-oauth", own_environment)
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    stamps.append(setup.stamp())
    own.write_text('{"access_token": "renewed"}')
    assert setup.stamp() == stamps[-1], "what is in a login is for its account to see"
    Path("aiclient.toml").unlink()
    stamps.append(setup.stamp())
    assert len({repr(stamp) for stamp in stamps}) == len(stamps) == 6


def test_a_secrets_file_that_changes_is_a_reason_to_read_again(
    tctx: taddons.context, setup: ProxySetup, tmp_path: Path
) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text("sk-first")
    other.write_text("sk-other")
    account = f"[[account]]\nprovider = 'openai-custom'\nopenai_api_key = 'file:{other}'"
    Path("aiclient.toml").write_text(f"openai_api_key = 'file:{key}'\n{account}")
    start(tctx, setup)
    before = setup.stamp()
    assert setup.stamp() == before
    key.write_text("sk-second")
    between = setup.stamp()
    other.write_text("sk-another")
    assert len({repr(stamp) for stamp in (before, between, setup.stamp())}) == 3
    setup.again()
    assert {"sk-second", "sk-another"} <= {*setup.secrets()}


def test_a_secrets_file_that_is_emptied_leaves_the_old_secret(
    tctx: taddons.context, setup: ProxySetup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-first")
    Path("aiclient.toml").write_text(f"openai_api_key = 'file:{key}'")
    start(tctx, setup)
    key.write_text("")
    setup.again()
    assert caplog.messages[-1] == f"settings are not read again: aiclient.toml: openai_api_key: {key} is empty"
    assert "sk-first" in setup.secrets()


def test_what_needs_a_restart_is_said_and_all_else_is_taken(
    tctx: taddons.context, setup: ProxySetup, caplog: pytest.LogCaptureFixture
) -> None:
    Path("aiclient.toml").write_text("port = 4000")
    start(tctx, setup)
    Path("aiclient.toml").write_text("port = 4001\nhost = '::1'\nidle_seconds = 7")
    setup.again()
    setup.again()
    said = [message for message in caplog.messages if "restart" in message]
    assert said == [
        "host = ::1 needs a restart: it stays 127.0.0.1 until then",
        "port = 4001 needs a restart: it stays 4000 until then",
    ]
    assert setup.settings.idle_seconds == 7


def test_a_settings_file_that_is_named_and_gone_has_a_stamp(
    tctx: taddons.context, setup: ProxySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.toml").write_text("")
    monkeypatch.setenv("AICLIENT_CONFIG", "mine.toml")
    start(tctx, setup)
    before = setup.stamp()
    Path("mine.toml").unlink()
    assert setup.stamp() != before


def test_workers_that_one_process_cannot_have_are_told_of_once(
    tctx: taddons.context, setup: ProxySetup, caplog: pytest.LogCaptureFixture
) -> None:
    start(tctx, setup, aiclient_workers=3)
    setup.again()
    said = [message for message in caplog.messages if "workers" in message]
    assert said == ["workers = 3 counts with `aiclient serve` alone: this is one process"]


def test_another_number_of_workers_needs_a_restart(
    tctx: taddons.context,
    setup: ProxySetup,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(worker, "_here", Worker(1, 2, tmp_path, Board(2), 0.0))
    start(tctx, setup, aiclient_workers=2)
    assert "workers" not in caplog.text
    start(tctx, setup, aiclient_workers=4)
    assert "workers = 4 needs a restart: it stays 2 until then" in caplog.messages

"""The command line: words, flags, exit codes, one-line errors."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from addons import cli, launch
from addons.client_key import key_path
from addons.settings import NAMES
from addons.settings_sources import Loaded, flag

type Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    """Exit code, output, error output."""
    try:
        code = cli.main(words)
    except SystemExit as e:
        code = int(e.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Loaded, dict[str, Any]]]:
    """Nothing is started; what would have been is noted here."""
    calls: list[tuple[Loaded, dict[str, Any]]] = []

    def serve(loaded: Loaded, flags: Mapping[str, str], **more: object) -> None:
        calls.append((loaded, {"flags": flags, **more}))

    monkeypatch.setattr(launch, "serve", serve)
    return calls


def test_help_lists_commands_and_examples(capsys: Capture) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for word in (
        "serve",
        "web",
        "chaos",
        "accounts",
        "login",
        "logout",
        "providers",
        "route",
        "config",
        "key",
        "version",
        "examples:",
    ):
        assert word in out


@pytest.mark.parametrize("command", ["serve", "web"])
def test_every_setting_is_a_flag_in_its_group(capsys: Capture, command: str) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert [name for name in NAMES if flag(name) not in out] == []
    assert "limits and deadlines:" in out


def test_flags_become_settings(served: list[tuple[Loaded, dict[str, Any]]], capsys: Capture) -> None:
    code, _, err = run(
        capsys, "serve", "--port", "4000", "--strict-conversion", "--openai-api-key=sk-1", "--", "-w", "x"
    )
    assert (code, err) == (0, "")
    loaded, call = served[0]
    assert (loaded.settings.port, loaded.settings.strict_conversion) == (4000, True)
    assert call["flags"] == {"port": "4000", "strict_conversion": "true", "openai_api_key": "sk-1"}
    assert call["accounts"].labels == ["openai-custom:default", "openaiResponses-custom:default"]
    assert call["extra"] == ["-w", "x"]
    assert call["web_port"] is None


def test_a_switch_can_be_turned_off(
    served: list[tuple[Loaded, dict[str, Any]]], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICLIENT_STRICT_CONVERSION", "true")
    run(capsys, "serve", "--strict-conversion", "false")
    assert served[0][0].settings.strict_conversion is False


def test_web_has_a_port_of_its_own(served: list[tuple[Loaded, dict[str, Any]]], capsys: Capture) -> None:
    run(capsys, "web")
    run(capsys, "web", "--web-port", "9000", "--open")
    assert [(call["web_port"], call["open_browser"]) for _, call in served] == [(8081, False), (9000, True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "required: COMMAND"),
        (("sevre",), "invalid choice: 'sevre'"),
        (("serve", "--prot", "1"), "--prot is not known here (did you mean --port?)"),
        (("serve", "--prot=1"), "(did you mean --port?)"),
        (("serve", "--port"), "expected one argument"),
        (("serve", "stray"), "stray is not known here"),
        (("accounts", "--", "x"), "with `serve`, `web` and `chaos` alone"),
        (("config", "chek"), "invalid choice: 'chek'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys: Capture, words: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("aiclient: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--port", "abc"), "--port = 'abc'"),
        (("serve", "--model-provider", "claude-costum"), "did you mean claude-custom?"),
        (("serve", "--openai-api-key", "a b"), "openai_api_key holds a blank"),
        (("serve", "--host", "0.0.0.0"), "AICLIENT_API_KEY"),
        (("serve", "--routes", "fast"), "--routes = 'fast'"),
        (("serve", "--routes", "fast=claude-costum:x"), "did you mean claude-custom?"),
        (("serve", "--default-models", "claude-costum=x"), "did you mean claude-custom?"),
    ],
)
def test_a_wrong_setting_is_one_line_and_code_1(capsys: Capture, words: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("aiclient: ")
    assert err.count("\n") == 1


def test_accounts_shows_where_a_key_is_from_and_not_the_key(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnopqrst")
    Path("aiclient.toml").write_text("claude_api_key = 'sk-ant-hunter2-hunter2'\nclaude_base_url = 'https://x.example'")
    code, out, _ = run(capsys, "accounts", "--json")
    assert code == 0
    assert "hunter2-" not in out
    rows = {row["provider"]: row for row in json.loads(out)}
    assert rows["openai-custom"] == {
        "provider": "openai-custom",
        "label": "openai-custom:default",
        "base_url": "https://api.openai.com/v1",
        "key_from": "OPENAI_API_KEY",
        "key": "sk-...qrst",
        "source": "",
        "state": "healthy",
        "since": None,
        "until": None,
        "reason": "",
        "exchange": "",
        "models": [],
        "advice": "",
        "service": "live",
        "used": "always",
    }
    assert rows["claude-custom"]["base_url"] == "https://x.example/v1"
    assert rows["claude-custom"]["key_from"] == "file aiclient.toml"
    assert "openai-custom:default" in run(capsys, "accounts")[1]


def test_accounts_names_the_setting_that_a_shared_key_is_from(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnopqrst")
    line = run(capsys, "accounts")[1].splitlines()[1]
    assert line.startswith("openaiResponses-custom ")
    assert line.endswith("https://api.openai.com/v1                key sk-...qrst from openai_api_key")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://vendor.test")
    assert run(capsys, "accounts")[1].splitlines()[1].endswith("from openai_api_key, used when named")
    monkeypatch.setenv("AICLIENT_OPENAI_RESPONSES_API_KEY", "sk-own")
    rows = {row["provider"]: row for row in json.loads(run(capsys, "accounts", "--json")[1])}
    assert rows["openaiResponses-custom"]["key_from"] == "AICLIENT_OPENAI_RESPONSES_API_KEY"
    assert rows["openaiResponses-custom"]["base_url"] == "https://api.openai.com/v1"


def test_no_accounts_says_how_to_get_one(capsys: Capture) -> None:
    code, out, _ = run(capsys, "accounts")
    assert code == 0
    assert "OPENAI_API_KEY" in out
    assert "GEMINI_API_KEY" in out
    assert run(capsys, "accounts", "--json")[1] == "[]\n"


def test_config_show_names_every_setting_with_its_source_and_masks_secrets(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "4000")
    monkeypatch.setenv("AICLIENT_API_KEY", "hunter2-hunter2-hunter2-hunter2")
    code, out, _ = run(capsys, "config", "show")
    assert code == 0
    assert [line.split(" = ")[0] for line in out.splitlines()] == list(NAMES)
    assert "hunter2-" not in out
    assert [line.split() for line in out.splitlines() if line.startswith("port")] == [
        ["port", "=", "4000", "#", "AICLIENT_PORT"]
    ]
    shown = json.loads(run(capsys, "config", "--json")[1])
    assert shown["port"] == {"value": 4000, "from": "AICLIENT_PORT"}
    assert shown["host"]["from"] == "default"
    monkeypatch.setenv("AICLIENT_ROUTES", "fast=demo,gpt-5")
    assert "routes = fast=demo,gpt-5" in run(capsys, "config")[1]
    assert json.loads(run(capsys, "config", "--json")[1])["routes"]["value"] == {"fast": ["demo", "gpt-5"]}


def test_config_check_fails_on_the_first_wrong_value(capsys: Capture) -> None:
    assert run(capsys, "config", "check")[0] == 0
    Path("aiclient.toml").write_text("port = 70000")
    code, _, err = run(capsys, "config", "check")
    assert code == 1
    assert "aiclient.toml: port = '70000'" in err


def test_key_says_where_it_is_shows_it_when_asked_and_rotates(capsys: Capture, own_environment: Path) -> None:
    code, out, _ = run(capsys, "key")
    assert code == 0
    assert str(key_path(own_environment)) in out
    assert not own_environment.exists()
    first = run(capsys, "key", "--show")[1].strip()
    assert first == key_path(own_environment).read_text().strip()
    code, out, _ = run(capsys, "key", "--rotate")
    second = key_path(own_environment).read_text().strip()
    assert code == 0
    assert second != first
    assert second not in out


def test_a_pipe_that_nobody_reads_ends_a_command_without_a_word(own_environment: Path) -> None:
    """As `aiclient WORD | head` does, where its output is longer than a pipe holds."""
    script = "import sys; from addons import cli; cli.show_version = lambda _: print('x' * 1000000)"
    command = [sys.executable, "-P", "-c", f"{script}; sys.exit(cli.main(['version']))"]
    root = Path(cli.__file__).resolve().parents[1]
    with subprocess.Popen(
        command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(1)
        child.stdout.close()
        assert (child.stderr.read(), child.wait()) == (b"", 141)


def test_so_it_does_one_that_ends_with_an_error(own_environment: Path) -> None:
    """What little it has said is written when it ends."""
    script = "import sys; from addons import cli; cli.show_version = lambda _: (print('x'), sys.exit(1))"
    root = Path(cli.__file__).resolve().parents[1]
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-P", "-c", f"{script}; sys.exit(cli.main(['version']))"]
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": ""}
    child = subprocess.run(command, cwd=root, env=environment, stdout=writes, stderr=subprocess.PIPE)
    os.close(writes)
    assert (child.stderr, child.returncode) == (b"", 141)


def test_a_configured_key_is_not_rotated_here(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_API_KEY", "mine-and-long")
    code, _, err = run(capsys, "key", "--rotate")
    assert (code, err) == (1, "aiclient: api_key is set by AICLIENT_API_KEY: change it there\n")
    assert run(capsys, "key", "--show")[1] == "mine-and-long\n"


def test_a_home_that_cannot_be_used_is_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AICLIENT_HOME", str(tmp_path / "file" / "home"))
    code, _, err = run(capsys, "key", "--show")
    assert code == 1
    assert "set AICLIENT_HOME" in err
    assert err.count("\n") == 1

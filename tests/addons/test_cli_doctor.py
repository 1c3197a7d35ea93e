"""`aiclient doctor`: what it finds, its cures and its exit code."""

import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from addons import cli_doctor
from addons.client_key import ensure_key, key_path
from tests.addons.test_cli import Capture, run
from tests.e2e.proxy import free_port


@pytest.fixture(autouse=True)
def _a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_PORT", str(free_port()))
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", "sk-hunter2-hunter2")


def found(capsys: Capture, *words: str) -> tuple[int, list[dict[str, str]]]:
    code, out, err = run(capsys, "doctor", "--json", *words)
    assert err == ""
    assert "hunter2-" not in out
    return code, json.loads(out)


def wrong(capsys: Capture, what: str, verdict: str = "wrong") -> tuple[str, str]:
    """Text and cure of the one finding that is so."""
    code, findings = found(capsys)
    (finding,) = [each for each in findings if each["verdict"] == verdict and each["what"] == what]
    assert code == (verdict == "wrong")
    return finding["text"], finding["cure"]


@contextmanager
def listening(status: int, body: bytes) -> Iterator[int]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_all_is_well(capsys: Capture) -> None:
    code, out, err = run(capsys, "doctor", "--model", "gpt-5")
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()} == {"ok"}
    for text in ("is free", "is made at the first start", "openai-custom:default healthy", "openai-custom with gpt-5"):
        assert text in out


def test_wrong_settings_are_told_and_what_depends_on_them_is_not_looked_at(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "70000")
    text, cure = wrong(capsys, "settings")
    assert text.startswith("AICLIENT_PORT = '70000'")
    assert "`aiclient config check`" in cure
    assert {each["what"] for each in found(capsys)[1]} == {"python", "mitmproxy", "clock", "settings"}


def test_a_port_in_use_is_wrong_unless_aiclient_has_it(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(404, b"{}") as port:
        monkeypatch.setenv("AICLIENT_PORT", str(port))
        assert f"take another port with --port {port + 1}" in wrong(capsys, "port")[0]
    with listening(200, b'{"status":"ok"}') as port:
        monkeypatch.setenv("AICLIENT_PORT", str(port))
        code, findings = found(capsys)
        assert code == 0
        assert f"aiclient runs on 127.0.0.1:{port}" in [each["text"] for each in findings]


def test_a_port_that_says_nothing_of_http_is_in_use(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AICLIENT_PORT", str(server.getsockname()[1]))
        threading.Thread(target=lambda: server.accept()[0].close()).start()
        assert "is in use" in wrong(capsys, "port")[0]


def test_an_open_bind_is_wrong(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_HOST", "0.0.0.0")
    assert "set api_key" in wrong(capsys, "port")[1]


def test_workers_where_no_port_can_be_shared_are_wrong(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_WORKERS", "2")
    monkeypatch.setattr("addons.workers.refusal", lambda workers: f"{workers} are too many")
    assert "2 are too many" in wrong(capsys, "port")[1]


def test_a_client_key_that_others_can_read_is_wrong(capsys: Capture, own_environment: Path) -> None:
    ensure_key(own_environment, None)
    key_path(own_environment).chmod(0o644)
    text, cure = wrong(capsys, "client key")
    assert "mode 644" in text
    assert cure == f"chmod 600 '{key_path(own_environment)}'"


@pytest.mark.parametrize(
    "line",
    [
        "claude_api_key = 'sk-ant-hunter2-hunter2'",
        "gemini_oauth_client_secret = 'hunter2-hunter2'",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 'sk-ant-hunter2-hunter2'",
    ],
)
def test_a_file_with_keys_that_others_can_read_is_a_hint(capsys: Capture, line: str) -> None:
    Path("aiclient.toml").write_text(line)
    Path("aiclient.toml").chmod(0o644)
    assert wrong(capsys, "settings", "hint")[1] == "chmod 600 'aiclient.toml'"


def test_a_file_of_pools_that_others_can_read_is_a_hint(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pools.json").write_text('{"claude-custom": [{"CLAUDE_API_KEY": "sk-ant-hunter2"}]}')
    Path("pools.json").chmod(0o644)
    monkeypatch.setenv("AICLIENT_PROVIDER_POOLS_FILE", "pools.json")
    assert wrong(capsys, "settings", "hint")[1] == "chmod 600 'pools.json'"


def test_a_folder_that_cannot_be_written_is_wrong(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AICLIENT_RECORD_DIR", str(tmp_path / "file" / "records"))
    text, cure = wrong(capsys, "records")
    assert text == f"cannot write in {tmp_path}/file/records"
    assert cure.endswith("or set record_dir")


def test_a_login_that_is_over_is_wrong_and_names_the_command(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AICLIENT_QWEN_OAUTH_CREDS_FILE", str(tmp_path / "nowhere.json"))
    text, cure = wrong(capsys, "account")
    assert text.startswith("openai-qwen-oauth:default needs login")
    assert "aiclient login" in cure


def test_no_account_is_a_hint(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AICLIENT_OPENAI_API_KEY")
    assert "OPENAI_API_KEY" in wrong(capsys, "accounts", "hint")[1]


def test_a_clock_behind_the_files_is_a_hint(capsys: Capture, own_environment: Path) -> None:
    ensure_key(own_environment, None)
    ahead = time.time() + 5000
    os.utime(key_path(own_environment), (ahead, ahead))
    text, cure = wrong(capsys, "clock", "hint")
    assert "behind files on this disk" in text
    assert "timedatectl" in cure


def test_an_old_python_and_an_untried_mitmproxy_are_told(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_doctor, "sys", SimpleNamespace(version="3.11.2 (x)", version_info=(3, 11, 2), exit=exit))
    assert wrong(capsys, "python")[0] == "3.11.2"
    monkeypatch.undo()
    monkeypatch.setattr(cli_doctor, "version", lambda _: "13.0.0")
    assert cli_doctor._mitmproxy().verdict == "hint"


def test_a_model_that_nobody_serves_is_wrong(capsys: Capture) -> None:
    code, findings = found(capsys, "--model", "claude-custom:opus")
    assert code == 1
    assert findings[-1]["what"] == "model"
    assert findings[-1]["verdict"] == "wrong"


@pytest.mark.parametrize(
    ("state", "peers", "verdict", "cure"),
    [
        ("healthy", 1, "ok", ""),
        ("disabled", 1, "ok", ""),
        ("cooling", 1, "hint", "wait, or `aiclient pool reset`"),
        ("stopped", 2, "hint", "`aiclient pool reset openai-custom:a` once it is mended"),
        ("stopped", 1, "wrong", "`aiclient pool reset openai-custom:a` once it is mended"),
    ],
)
def test_an_accounts_state_decides(
    state: str, peers: int, verdict: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of several that is ill keeps nobody from working."""
    row = {"provider": "openai-custom", "label": "openai-custom:a", "state": state, "reason": "", "used": "always"}
    monkeypatch.setattr(cli_doctor, "account_rows", lambda *_: [row])
    accounts = SimpleNamespace(pools={"openai-custom": [None] * peers}, replay="", notes=())
    (finding,) = cli_doctor._accounts(None, accounts)  # type: ignore[arg-type]
    assert (finding.verdict, finding.cure) == (verdict, cure)

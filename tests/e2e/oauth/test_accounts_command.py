"""`aiclient accounts` and `aiclient route` as processes of their own: the three accounts, each in a state, with what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.oauth.logins import SECRETS, Stage
from tests.e2e.proxy import ROOT


def run(settings: Mapping[str, str], home: Path, *words: str) -> str:
    """What a command says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AICLIENT_", "KIRO_", "GOOGLE_"))}
    environment = kept | {f"AICLIENT_{name}": value for name, value in settings.items()}
    environment |= {"HOME": str(home), "AICLIENT_HOME": str(home / "aiclient"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "addons", *words]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=home, timeout=30, check=True, text=True)
    shown = done.stdout + done.stderr
    assert not [secret for secret in SECRETS if secret in shown], shown
    return done.stdout


@pytest.fixture
def settings(stage: Stage) -> dict[str, str]:
    return {name: value for name, value in stage.settings.items() if name != "API_KEY"}


def states(settings: Mapping[str, str], home: Path, *words: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(run(settings, home, "accounts", "--json", *words))
    return {row["provider"]: row for row in rows}


def test_three_good_accounts_are_valid(settings: dict[str, str], stage: Stage, tmp_path: Path) -> None:
    for login in stage.logins:
        login.log_in()
    requests = [len(login.fake.requests) for login in stage.logins]
    found = states(settings, tmp_path)
    assert {name: row["state"] for name, row in found.items()} == {login.provider: "valid" for login in stage.logins}
    for login in stage.logins:
        assert found[login.provider]["source"] == str(login.path)
        assert found[login.provider]["used"] == "always"
        assert found[login.provider]["until"]
    assert [len(login.fake.requests) for login in stage.logins] == requests, "nobody is asked"


def test_each_state_comes_with_what_to_do(tmp_path: Path) -> None:
    with ExitStack() as stack:
        own = Stage(tmp_path / "logins", stack)
        own.gemini.log_in(ends_in=-10)
        own.kiro.log_in(ends_in=100)
        own.qwen.path.write_text("{")
        found = states(own.settings, tmp_path)
        assert [found[login.provider]["state"] for login in own.logins] == ["expired", "expiring", "needs login"]
        assert str(own.qwen.path) in found["openai-qwen-oauth"]["advice"]
        shown = run(own.settings, tmp_path, "accounts")
        assert all(login.provider in shown for login in own.logins)
        assert "service retired" in shown, "Qwen's"
        assert own.gemini.refreshes == own.kiro.refreshes == 0, "looking renews nothing"


def test_kiro_tells_how_much_is_used(settings: dict[str, str], stage: Stage, tmp_path: Path) -> None:
    stage.kiro.log_in()
    found = states(settings, tmp_path, "--usage")
    assert "113.87 of 560" in found["claude-kiro-oauth"]["usage"], found["claude-kiro-oauth"]["usage"]


@pytest.mark.parametrize("name", ["gemini-cli-oauth", "claude-kiro-oauth", "openai-qwen-oauth"])
def test_a_model_can_be_routed_to_each(settings: dict[str, str], stage: Stage, tmp_path: Path, name: str) -> None:
    stage.of(name).log_in()
    assert name in run(settings, tmp_path, "route", f"{name}:{stage.of(name).model}")

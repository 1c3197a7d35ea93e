"""`aiclient accounts` with logins in it, and `aiclient providers`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from addons import cli, cli_accounts
from addons.providers import BUILT_IN, catalogue
from addons.providers.claude_kiro_oauth import ClaudeKiroOAuth
from creds.account import CredentialError
from creds.kiro import KiroCredential
from creds.kiro_usage import Usage
from creds.places import own_file

type Capture = pytest.CaptureFixture[str]

PROVIDERS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers.md"
FAR = 4_000_000_000


def put(path: Path, **fields: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))


def run(capsys: Capture, *words: str) -> str:
    assert cli.main(words) == 0
    return capsys.readouterr().out


def rows(capsys: Capture, *words: str) -> dict[str, dict[str, Any]]:
    return {row["provider"]: row for row in json.loads(run(capsys, "accounts", "--json", *words))}


@pytest.fixture
def home(own_environment: Path) -> Path:
    return own_environment


def test_a_login_is_listed_with_state_end_and_place(capsys: Capture, home: Path) -> None:
    path = own_file("openai-qwen-oauth", home)
    put(path, access_token="hunter2-a", refresh_token="hunter2-b", expiry_date=FAR * 1000)
    row = rows(capsys)["openai-qwen-oauth"]
    assert (row["state"], row["until"], row["source"], row["used"]) == ("valid", FAR, str(path), "always")
    assert (row["key"], row["key_from"], row["service"]) == ("", "", "retired")
    out = run(capsys, "accounts")
    assert f"valid until 2096-10-02 07:06 UTC from {path}, service retired" in out
    assert "hunter2" not in out


def test_one_providers_account_can_be_asked_for(capsys: Capture, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    put(own_file("openai-qwen-oauth", home), access_token="a", refresh_token="b", expiry_date=FAR * 1000)
    assert len(rows(capsys)) > 1
    assert list(rows(capsys, "openai-qwen-oauth")) == ["openai-qwen-oauth"]
    assert cli.main(["accounts", "claude-custom"]) == 1
    assert "AICLIENT_CLAUDE_API_KEY" in capsys.readouterr().err
    assert cli.main(["accounts", "qwen-oauth"]) == 1
    assert "there is no provider" in capsys.readouterr().err


def test_a_login_of_the_official_tool_is_used_when_named(capsys: Capture, home: Path) -> None:
    put(home.parent / ".gemini" / "oauth_creds.json", access_token="a", expiry_date=1)
    row = rows(capsys)["gemini-cli-oauth"]
    assert (row["state"], row["used"]) == ("needs login", "when named")
    assert row["source"] == str(home.parent / ".gemini" / "oauth_creds.json")
    assert row["advice"]
    assert row["advice"] in run(capsys, "accounts")


@pytest.fixture
def kiro(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of it."""
    monkeypatch.setattr(cli_accounts, "catalogue", lambda: {ClaudeKiroOAuth.name: ClaudeKiroOAuth()})
    put(own_file("claude-kiro-oauth", home), accessToken="a", refreshToken="b", expiresAt="2096-10-02T07:06:40Z")


def test_6_how_much_of_a_plan_is_used_is_asked_only_on_demand(
    capsys: Capture, kiro: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def usage(_: KiroCredential) -> Usage:
        return Usage("KIRO PRO", 12.37, 50, None, False)

    monkeypatch.setattr(KiroCredential, "usage", usage)
    assert "usage" not in rows(capsys)["claude-kiro-oauth"]
    assert "12.37" not in run(capsys, "accounts")
    assert rows(capsys, "--usage")["claude-kiro-oauth"]["usage"] == "KIRO PRO: 12.37 of 50 credits used"
    assert "12.37 of 50 credits used" in run(capsys, "accounts", "--usage")


def test_6_a_usage_that_is_not_told_is_no_error_of_the_list(
    capsys: Capture, kiro: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def usage(_: KiroCredential) -> Usage:
        raise CredentialError("Kiro does not tell its limits")

    monkeypatch.setattr(KiroCredential, "usage", usage)
    assert rows(capsys, "--usage")["claude-kiro-oauth"]["usage"] == "Kiro does not tell its limits"


def test_accounts_with_a_key_have_no_usage(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnopqrst")
    assert rows(capsys, "--usage")["openai-custom"]["usage"] == ""


def test_providers_shows_the_whole_catalogue(capsys: Capture) -> None:
    Path("aiclient.toml").write_text("port = 70000")  # no settings are needed for it
    out = run(capsys, "providers")
    assert all(name in out for name in catalogue())
    assert "Service: retired since 2026-04-15" in out
    found = {row["provider"]: row for row in json.loads(run(capsys, "providers", "--json"))}
    assert list(found) == list(catalogue())
    assert (found["gemini-cli-oauth"]["state"], found["gemini-cli-oauth"]["since"]) == ("limited", "2026-06-18")
    assert found["gemini-cli-oauth"]["instead"]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_the_page_on_providers_says_what_the_catalogue_says(kind: Any) -> None:
    section = re.search(rf"^## {re.escape(kind.name)}\n(.*?)(?=^## |\Z)", PROVIDERS_PAGE.read_text(), re.M | re.S)
    assert section
    status = re.search(r"^Status: (.*)$", section[1], re.M)
    assert status
    assert status[1].startswith(kind.status.state)
    assert kind.status.since in status[1]

"""Qwen with the login of Qwen Code."""

import json
import time
from pathlib import Path

import pytest

from addons.providers.base import Action, Call
from addons.providers.openai_qwen_oauth import OpenAIQwenOAuth
from addons.settings import Settings
from converters.errors import Kind, UpstreamError
from creds.account import Account, CredentialError, State
from creds.oauth import OAuthCredential

PROVIDER = OpenAIQwenOAuth()
LABEL = "openai-qwen-oauth:work"


def login(path: Path, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    token = {"access_token": "qwen-access", "refresh_token": "qwen-refresh", "token_type": "Bearer"}
    path.write_text(json.dumps(token | {"expiry_date": int((time.time() + 3600) * 1000)} | more))
    return path


def made(settings: Settings) -> tuple[Account, bool]:
    found = PROVIDER.account(settings, LABEL)
    assert found is not None
    return found


def settings(**given: object) -> Settings:
    return Settings(**given)  # type: ignore[arg-type]


def test_without_a_login_there_is_no_account() -> None:
    assert PROVIDER.account(settings(), LABEL) is None


def test_the_official_tools_login_waits_to_be_named(own_environment: Path) -> None:
    login(own_environment.parent / ".qwen" / "oauth_creds.json")
    account, on_demand = made(settings())
    assert on_demand
    assert account.label == LABEL


def test_a_configured_file_and_our_own_login_are_used_at_once(own_environment: Path, tmp_path: Path) -> None:
    login(own_environment / "accounts" / "openai-qwen-oauth.json", resource_url="own.qwen.ai")
    account, on_demand = made(settings())
    assert not on_demand
    assert PROVIDER.url(account, Action.GENERATE) == "https://own.qwen.ai/v1/chat/completions"
    file = login(tmp_path / "mine.json", resource_url="mine.qwen.ai")
    account, on_demand = made(settings(qwen_oauth_creds_file=str(file)))
    assert not on_demand
    assert PROVIDER.url(account, Action.GENERATE) == "https://mine.qwen.ai/v1/chat/completions"
    assert made(settings(qwen_oauth_creds_file=str(file)))[0].credential is account.credential, "one refresh for all"


def test_the_address_is_the_settings_else_the_logins_and_never_a_strangers(tmp_path: Path) -> None:
    file = str(login(tmp_path / "a.json", resource_url="https://evil.test"))
    account, _ = made(settings(qwen_oauth_creds_file=file))
    with pytest.raises(CredentialError, match="qwen_base_url"):
        PROVIDER.url(account, Action.GENERATE)
    account, _ = made(settings(qwen_oauth_creds_file=file, qwen_base_url="http://127.0.0.1:1/v1"))
    assert PROVIDER.url(account, Action.GENERATE) == "http://127.0.0.1:1/v1/chat/completions"
    assert PROVIDER.url(account, Action.MODELS) is None
    assert [model.id for model in PROVIDER.known_models(account)] == ["coder-model"]


def test_5_1_the_head_says_what_kind_of_token_it_is(tmp_path: Path) -> None:
    account, _ = made(settings(qwen_oauth_creds_file=str(login(tmp_path / "a.json"))))
    assert PROVIDER.headers(account) == [(b"authorization", b"Bearer qwen-access")]
    assert dict(PROVIDER.more_headers(account, Call(Action.GENERATE, "m"))) == {
        "x-dashscope-authtype": "qwen-oauth",
        "x-dashscope-cachecontrol": "enable",
    }


def test_5_2_openais_own_fields_are_left_out() -> None:
    assert {"user", "store", "service_tier", "prompt_cache_key", "verbosity"} <= PROVIDER.profile.rejected
    assert not {"max_tokens", "tools", "enable_thinking", "max_completion_tokens"} & PROVIDER.profile.rejected


@pytest.mark.parametrize(
    ("body", "as_sent"),
    [
        ({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]}, True),
        ({"messages": [{"role": "user", "content": "y"}], "tool_choice": "auto"}, True),
        ({"messages": [{"role": "user", "content": "y"}, {"role": "system", "content": "x"}]}, False),
        ({"messages": [{"role": "system", "content": "x"}, {"role": "system", "content": "y"}]}, False),
        ({"messages": [{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}]}, False),
        ({"messages": [], "tools": []}, False),
        ({"messages": [], "tool_choice": "required"}, False),
        ({"messages": [], "max_completion_tokens": 5}, False),
        ({"messages": [], "reasoning_effort": "low"}, False),
        ({"messages": [], "max_tokens": 5, "enable_thinking": True, "thinking_budget": 9, "top_k": 3}, True),
        ({}, True),  # malformed: its parser or the provider will say so
    ],
)
def test_5_3_what_qwen_refuses_is_not_passed_as_it_came(body: dict[str, object], as_sent: bool) -> None:
    assert PROVIDER.takes_as_sent(body) is as_sent  # type: ignore[arg-type]


def test_0_a_refused_token_that_we_just_renewed_ends_the_account(tmp_path: Path) -> None:
    account, _ = made(settings(qwen_oauth_creds_file=str(login(tmp_path / "a.json"))))
    assert isinstance(account.credential, OAuthCredential)
    gone = UpstreamError(Kind.AUTH, "invalid access token or token expired", status=401)
    PROVIDER.judge(account, gone)
    assert account.credential.status().state is State.VALID
    account.credential._renewed_at = time.time()
    PROVIDER.judge(account, gone)
    assert account.credential.status().state is State.SUSPENDED
    assert "openai-custom" in account.credential.status().advice

"""The settings of one account, and the seed project's names for them."""

import pytest

from addons.providers import BUILT_IN
from addons.settings import Settings
from addons.settings_sources import SECRETS as ALL_SECRETS
from creds.account import CredentialError
from creds.pool_keys import CHOICES, FILES, SECRETS, SEED_NAMES, SETTINGS, checked, keys_of

OURS = {setting for provider in SETTINGS for setting in keys_of(provider).all}


def test_every_provider_with_accounts_can_have_a_pool() -> None:
    assert {kind.name for kind in BUILT_IN if kind.wire is not None} == set(SETTINGS)


def test_the_settings_of_an_account_are_settings_of_ours() -> None:
    assert OURS - set(Settings.model_fields) == set()
    assert set(SEED_NAMES.values()) <= OURS
    assert SECRETS == ALL_SECRETS & OURS
    assert {name for name in OURS if name.endswith("_creds_file")} == FILES


def test_the_key_and_url_of_a_provider_are_among_its_settings() -> None:
    for kind in BUILT_IN:
        if kind.wire is not None:
            assert {kind.key_setting, kind.url_setting} - {""} <= set(keys_of(kind.name).all)


@pytest.mark.parametrize("name", CHOICES)
def test_the_choices_are_those_of_the_settings(name: str) -> None:
    for choice in CHOICES[name]:
        Settings(**{name: choice})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=name):
        Settings(**{name: "other"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("provider", "key", "expected"),
    [
        ("openai-custom", "OPENAI_API_KEY", "openai_api_key"),
        ("openai-custom", "openai_api_key", "openai_api_key"),
        ("openai-custom", "CLAUDE_API_KEY", None),
        ("openaiResponses-custom", "OPENAI_API_KEY", "openai_responses_api_key"),
        ("openaiResponses-custom", "OPENAI_RESPONSES_API_KEY", "openai_responses_api_key"),
        ("claude-custom", "CLAUDE_BASE_URL", "claude_base_url"),
        ("gemini-custom", "GEMINI_BASE_URL", "gemini_base_url"),
        ("gemini-cli-oauth", "GEMINI_BASE_URL", "gemini_code_assist_base_url"),
        ("gemini-cli-oauth", "GEMINI_OAUTH_CREDS_FILE_PATH", "gemini_oauth_creds_file"),
        ("gemini-cli-oauth", "PROJECT_ID", "project_id"),
        ("claude-kiro-oauth", "KIRO_OAUTH_CREDS_FILE_PATH", "kiro_oauth_creds_file"),
        ("claude-kiro-oauth", "KIRO_REFRESH_IDC_URL", "kiro_oidc_base_url"),
        ("openai-qwen-oauth", "QWEN_OAUTH_CREDS_FILE_PATH", "qwen_oauth_creds_file"),
        ("openai-qwen-oauth", "uuid", None),
    ],
)
def test_names_in_capitals_and_the_seeds_names_are_understood(provider: str, key: str, expected: str | None) -> None:
    assert keys_of(provider).ours(key) == expected


@pytest.mark.parametrize(
    ("setting", "text", "message"),
    [
        ("openai_base_url", "api.example.com", "here: openai_base_url must begin with http"),
        ("kiro_wire", "xml", "here: kiro_wire must be rest-json or aws-json-1.0"),
        ("openai_api_key", "command:pass show key", "here: openai_api_key: `command:` cannot be used"),
        ("project_id", "p\nsecret", "here: project_id holds a line break"),
        ("openai_api_key", "sk-1\nsecret", "here: openai_api_key holds a blank, a line break or a non-ASCII"),
        ("claude_api_key", "my secret", "here: claude_api_key holds a blank"),
        ("kiro_api_key", "ksk_sécret", "here: kiro_api_key holds a blank, a line break or a non-ASCII"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_text(setting: str, text: str, message: str) -> None:
    with pytest.raises(CredentialError, match=message) as caught:
        checked(setting, text, "here")
    assert "secret" not in str(caught.value)


def test_a_reference_that_is_not_looked_up_yet_is_no_key() -> None:
    assert checked("openai_api_key", "file:~/my keys/openai", "here") == "file:~/my keys/openai"


def test_a_wrapped_base64_is_put_together() -> None:
    assert checked("kiro_oauth_creds_base64", "ab\n cd\r\nef==", "here") == "abcdef=="

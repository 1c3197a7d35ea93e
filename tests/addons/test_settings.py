"""The table of settings: types, limits, groups."""

import pytest
from pydantic import SecretStr, ValidationError

from addons.settings import NAMES, SECRETS, Settings, group_of, written
from addons.settings_routes import DefaultModels, Routes, read_default_models, read_routes


def test_the_defaults_are_those_that_are_promised() -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert (settings.first_byte_seconds, settings.idle_seconds, settings.header_seconds) == (60, 120, 60)
    assert settings.body_limit_bytes == 32 * 1024 * 1024
    assert (settings.header_limit_bytes, settings.stream_limit_bytes) == (128 * 1024, 256 * 1024 * 1024)
    assert (settings.json_depth, settings.concurrent_requests) == (200, 1000)
    assert settings.model_provider == ()
    assert settings.strict_conversion is False
    assert settings.cors_origins == ()
    assert (settings.routes, settings.default_models) == (Routes(), DefaultModels())


def test_the_table_itself_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` layers the sources; two readings would disagree on precedence."""
    monkeypatch.setenv("AICLIENT_PORT", "4000")
    assert Settings().port == 3000


def test_secrets_show_in_no_repr_and_no_error() -> None:
    assert "hunter2" not in repr(Settings(openai_api_key=SecretStr("hunter2")))
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"openai_api_key": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


def test_every_key_is_a_secret() -> None:
    assert {name for name in NAMES if name.endswith(("_key", "_base64", "_secret"))} == SECRETS


def test_every_setting_has_a_group_and_a_sentence() -> None:
    for name in NAMES:
        assert group_of(name)
        description = Settings.model_fields[name].description
        assert description
        assert description.endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("system_prompt_file", "nowhere.md"),
        ("system_prompt_mode", "shout"),
        ("system_prompts", "client:x=append:nowhere.md"),
        ("system_prompt_replacements", "[1]"),
        ("port", 65536),
        ("port", -1),
        ("request_max_retries", 101),
        ("account_tries", 0),
        ("request_base_delay", 60_001),
        ("account_wait_seconds", 86_401),
        ("idle_seconds", -1),
        ("idle_seconds", float("nan")),
        ("idle_seconds", float("inf")),
        ("body_limit", "0"),
        ("header_limit", "0"),
        ("stream_limit", "0k"),
        ("json_depth", 0),
        ("json_depth", 201),
        ("concurrent_requests", -1),
        ("host", ""),
        ("host", "http://127.0.0.1"),
        ("host", "a b"),
        ("host", "127.0.0.1:3000"),
        ("allowed_hosts", "http://x"),
        ("cors_origins", "*"),
        ("cors_origins", "https://x/path"),
        ("cors_origins", "null"),
        ("openai_base_url", "api.openai.com"),
        ("claude_base_url", "https://u:p@x"),
        ("openai_responses_base_url", "api.openai.com"),
        ("gemini_base_url", ""),
        ("routes", "fast"),
        ("routes", None),
        ("default_models", "openai-custom"),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3000, "3000"),
        (60.0, "60"),
        (1.5, "1.5"),
        (("a", "b"), "a,b"),
        (SecretStr("x"), "x"),
        (read_routes({"fast": ["demo", "gpt-5"], "a*": "demo:*"}), "fast=demo,gpt-5; a*=demo:*"),
        (read_default_models({"demo": "x", "openai-custom": "gpt-5"}), "demo=x; openai-custom=gpt-5"),
    ],
)
def test_a_value_is_written_as_a_person_would(value: object, text: str) -> None:
    assert written(value) == text


def test_what_settings_hold_cannot_be_changed() -> None:
    """One reading is shared by all exchanges that began under it."""
    settings = Settings.model_validate({"routes": "a=demo", "default_models": "demo=x"})
    assert len({settings.routes, settings.default_models}) == 2  # hashable
    with pytest.raises(ValidationError):
        settings.routes = Routes()
    with pytest.raises(AttributeError):
        settings.routes.rows = ()  # type: ignore[misc]

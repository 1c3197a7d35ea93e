"""Settings as mitmproxy's options."""

from pathlib import Path

import pytest
from mitmproxy.options import Options

from addons.proxy_options import add_options, from_options
from addons.settings import NAMES, SECRETS, written
from addons.settings_sources import SettingsError


class OptionLoader:
    """mitmproxy's own `Loader`, without a master."""

    def __init__(self) -> None:
        self.options = Options()

    def add_option(
        self, name: str, typespec: type, default: object, help: str, choices: list[str] | None = None
    ) -> None:
        self.options.add_option(name, typespec, default, help, choices)


@pytest.fixture
def options() -> Options:
    loader = OptionLoader()
    add_options(loader)
    return loader.options


def test_every_setting_is_an_option_with_a_help_text(options: Options) -> None:
    assert {f"aiclient_{name}" for name in NAMES} == {
        name for name, _ in options.items() if name.startswith("aiclient_")
    }
    assert all(options._options[f"aiclient_{name}"].help for name in NAMES)


def test_options_that_were_left_alone_are_the_settings_of_environment_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "4000")
    monkeypatch.setenv("AICLIENT_MODEL_PROVIDER", "a,b")
    Path("aiclient.toml").write_text("idle_seconds = 1.5")
    loader = OptionLoader()
    add_options(loader)
    assert (loader.options.aiclient_port, loader.options.aiclient_model_provider) == (4000, "a,b")
    settings = from_options(loader.options).settings
    assert (settings.port, settings.model_provider, settings.idle_seconds) == (4000, ("a", "b"), 1.5)


def test_a_changed_option_counts_as_a_flag(monkeypatch: pytest.MonkeyPatch, options: Options) -> None:
    monkeypatch.setenv("AICLIENT_IDLE_SECONDS", "7")
    options.update(aiclient_idle_seconds="1.5", aiclient_strict_conversion=True, aiclient_allowed_hosts="a,b")
    loaded = from_options(options)
    settings = loaded.settings
    assert (loaded.origin["idle_seconds"], loaded.origin["port"]) == ("--idle-seconds", "default")
    assert (settings.idle_seconds, settings.strict_conversion, settings.allowed_hosts) == (1.5, True, ("a", "b"))


def test_a_secret_of_environment_or_file_is_no_option_and_counts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """mitmweb shows options to everybody who may open it."""
    monkeypatch.setenv("AICLIENT_API_KEY", "hunter2-client")
    Path("aiclient.toml").write_text("openai_api_key = 'hunter2-openai'\nclaude_api_key = 'hunter2-claude'")
    loader = OptionLoader()
    add_options(loader)
    assert [value for name in SECRETS if (value := getattr(loader.options, f"aiclient_{name}"))] == []
    assert written(from_options(loader.options).settings.openai_api_key) == "hunter2-openai"
    assert written(from_options(loader.options).settings.api_key) == "hunter2-client"


def test_a_secret_that_was_set_as_an_option_wins(monkeypatch: pytest.MonkeyPatch, options: Options) -> None:
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", "sk-env")
    options.update(aiclient_openai_api_key="sk-option")
    assert written(from_options(options).settings.openai_api_key) == "sk-option"


def test_a_wrong_option_says_what_would_be_right(options: Options) -> None:
    options.update(aiclient_body_limit="big")
    with pytest.raises(SettingsError, match="must be a size like 32m"):
        from_options(options)


def test_routes_are_a_text_that_can_be_changed() -> None:
    Path("aiclient.toml").write_text("[routes]\nfast = ['demo', 'gpt-5']\n[default_models]\ndemo = 'x'")
    loader = OptionLoader()
    add_options(loader)
    assert (loader.options.aiclient_routes, loader.options.aiclient_default_models) == ("fast=demo,gpt-5", "demo=x")
    assert from_options(loader.options).settings.routes.table == {"fast": ["demo", "gpt-5"]}
    loader.options.update(aiclient_routes="slow=demo", aiclient_default_models="")
    settings = from_options(loader.options).settings
    assert (settings.routes.table, settings.default_models.table) == ({"slow": ["demo"]}, {})


def test_account_tables_of_the_file_are_read_though_they_are_no_option(options: Options) -> None:
    Path("aiclient.toml").write_text("[[account]]\nprovider = 'openai-custom'\nopenai_api_key = 'k'")
    assert from_options(options).account_tables == [{"provider": "openai-custom", "openai_api_key": "k"}]

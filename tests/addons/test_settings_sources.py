"""Sources of settings: which wins, and what is said when one is wrong."""

from pathlib import Path

import pytest

from addons.accounts import read_all
from addons.providers import catalogue
from addons.settings import Settings, written
from addons.settings_sources import (
    MAY_BE_NONE,
    SettingsError,
    config_file,
    home,
    is_own,
    load,
    refuse_unknown_providers,
)
from creds.account import CredentialError
from creds.api_key import ApiKey


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def complaint(flags: dict[str, object] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().settings.port == 3000
    assert load().origin["port"] == "default"
    write(Path("aiclient.toml"), "port = 1")
    assert (load().settings.port, load().origin["port"]) == (1, "aiclient.toml")
    monkeypatch.setenv("AICLIENT_PORT", "2")
    assert (load().settings.port, load().origin["port"]) == (2, "AICLIENT_PORT")
    loaded = load({"port": "3"})
    assert (loaded.settings.port, loaded.origin["port"]) == (3, "--port")


def test_a_flag_that_was_not_given_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "2")
    assert load({"port": None}).settings.port == 2


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "")
    assert load().settings.port == 3000


def test_every_type_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_MODEL_PROVIDER", "claude-custom, demo")
    monkeypatch.setenv("AICLIENT_STRICT_CONVERSION", "true")
    monkeypatch.setenv("AICLIENT_IDLE_SECONDS", "1.5")
    monkeypatch.setenv("AICLIENT_CORS_ORIGINS", "https://a.example,https://b.example")
    settings = load().settings
    assert settings.model_provider == ("claude-custom", "demo")
    assert settings.strict_conversion is True
    assert settings.idle_seconds == 1.5
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_one_file_is_read_and_the_nearest_one_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_home = write(home() / "aiclient.toml", "port = 1")
    assert config_file() == in_home
    write(Path("aiclient.toml"), "host = '::1'")
    assert config_file() == Path("aiclient.toml")
    assert load().settings.port == 3000
    monkeypatch.setenv("AICLIENT_CONFIG", str(write(tmp_path / "my.toml", "port = 2")))
    assert load().settings.port == 2


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_CONFIG", "nowhere.toml")
    assert complaint() == "AICLIENT_CONFIG: there is no file nowhere.toml"


def test_the_home_is_a_hidden_folder_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.delenv("AICLIENT_HOME")
    assert home() == Path("/somewhere/.aiclient")
    monkeypatch.setenv("AICLIENT_HOME", "~/x")
    assert home() == Path("/somewhere/x")


def test_an_unknown_variable_is_an_error_that_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_MODEL_PROVDER", "x")
    assert complaint() == (
        "environment variable AICLIENT_MODEL_PROVDER is not a setting; did you mean AICLIENT_MODEL_PROVIDER?"
    )


def test_variables_of_tests_and_benchmarks_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_TEST_FOLDER", "x")
    monkeypatch.setenv("AICLIENT_BENCH_SECONDS", "x")
    assert load().settings == Settings()


def test_an_unknown_key_in_the_file_is_an_error_that_names_the_nearest() -> None:
    write(Path("aiclient.toml"), "prot = 1")
    assert complaint() == "aiclient.toml: prot is not a setting; did you mean port?"


def test_a_key_that_is_near_to_nothing_says_where_the_list_is() -> None:
    write(Path("aiclient.toml"), "zzz = 1")
    assert complaint() == "aiclient.toml: zzz is not a setting; `aiclient config show` lists them all"


@pytest.mark.parametrize("name", ["server", "aiclient_x"])
def test_a_name_that_is_like_no_other_gets_no_far_fetched_advice(name: str) -> None:
    write(Path("aiclient.toml"), f"{name} = 1")
    assert complaint().endswith("; `aiclient config show` lists them all")


def test_a_mark_that_some_editors_put_first_is_no_part_of_the_file() -> None:
    write(Path("aiclient.toml"), "\ufeffport = 4321")
    assert load().settings.port == 4321


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("port = true", "port = 'true': must be a whole number from 0 to 65535"),
        ("idle_seconds = false", "idle_seconds = 'false': must be a number of seconds from 0 to 86400"),
        ("project_id = true", "project_id = 'true': must not be true or false"),
    ],
)
def test_true_is_no_number(line: str, said: str) -> None:
    write(Path("aiclient.toml"), line)
    assert complaint() == f"aiclient.toml: {said}"


def test_a_secret_from_an_empty_file_is_not_taken_for_none(tmp_path: Path) -> None:
    """Else a provider would be left without an account, or clients with another key, and nobody told."""
    path = write(tmp_path / "key", "\n")
    assert complaint({"openai_api_key": f"file:{path}"}) == f"--openai-api-key: {path} is empty"


def test_a_file_that_is_no_toml_is_named() -> None:
    write(Path("aiclient.toml"), "port: 1")
    assert complaint().startswith("aiclient.toml: not TOML: ")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "abc", "--port = 'abc': must be a whole number from 0 to 65535"),
        ("strict_conversion", "maybe", "--strict-conversion = 'maybe': must be true or false"),
        ("idle_seconds", "soon", "--idle-seconds = 'soon': must be a number of seconds from 0 to 86400"),
        (
            "system_prompt_mode",
            "shout",
            "--system-prompt-mode = 'shout': must be 'overwrite', 'append', 'prepend' or 'replace'",
        ),
        ("body_limit", "big", "--body-limit = 'big': must be a size like 32m, 512k, 1g or a number of bytes"),
        (
            "cors_origins",
            "*",
            "--cors-origins = '*': must hold origins like https://app.example.com; `*` is not allowed",
        ),
        (
            "routes",
            "fast",
            "--routes = 'fast': 'fast' is not complete; write NAME=TARGET,TARGET; NAME=TARGET, "
            "like fast=openai-custom:gpt-5-mini; claude-*=claude-custom,gpt-5",
        ),
        (
            "default_models",
            "gpt-5",
            "--default-models = 'gpt-5': 'gpt-5' is not complete; write PROVIDER=MODEL; PROVIDER=MODEL, "
            "like openai-custom=gpt-5; claude-custom=claude-sonnet-4-5",
        ),
    ],
)
def test_a_wrong_value_says_what_would_be_right(name: str, value: str, said: str) -> None:
    assert complaint({name: value}) == said


def test_a_wrong_value_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("aiclient.toml"), "port = 'x'")
    assert complaint().startswith("aiclient.toml: port = 'x': must be")
    monkeypatch.setenv("AICLIENT_PORT", "y")
    assert complaint().startswith("AICLIENT_PORT = 'y': must be")


def test_a_password_in_a_url_is_not_repeated() -> None:
    said = complaint({"openai_base_url": "https://me:hunter2@x.example"})
    assert "user name or password" in said
    assert "hunter2" not in said


def test_a_secret_of_a_wrong_type_is_not_repeated() -> None:
    write(Path("aiclient.toml"), "openai_api_key = ['hunter2']")
    assert "hunter2" not in complaint()


def test_the_vendors_own_variable_counts_when_nothing_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-vendor")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant")
    loaded = load()
    assert written(loaded.settings.openai_api_key) == "sk-vendor"
    assert written(loaded.settings.claude_api_key) == "sk-ant"
    assert loaded.origin["openai_api_key"] == "OPENAI_API_KEY"
    write(Path("aiclient.toml"), "openai_api_key = 'sk-file'")
    assert written(load().settings.openai_api_key) == "sk-file"


def test_our_own_client_key_is_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shell that is set up for a client of ours, OPENAI_API_KEY is our key."""
    monkeypatch.setenv("OPENAI_API_KEY", "aic-" + "x" * 43)
    assert written(load().settings.openai_api_key) == ""


def test_references_in_secrets_are_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_KEY", "sk-env")
    path = write(tmp_path / "key", "sk-file\n")
    settings = load({"openai_api_key": "env:MY_KEY", "claude_api_key": f"file:{path}"}).settings
    assert (written(settings.openai_api_key), written(settings.claude_api_key)) == ("sk-env", "sk-file")


def test_a_reference_to_nothing_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", "env:MY_KEY")
    assert complaint() == "AICLIENT_OPENAI_API_KEY is `env:MY_KEY`, but the variable MY_KEY is not set"


def test_a_provider_that_does_not_exist_is_refused() -> None:
    settings = Settings(model_provider=("demo", "claude-costum"))
    with pytest.raises(SettingsError, match=r"no provider 'claude-costum'; did you mean claude-custom\?"):
        refuse_unknown_providers(settings, ["demo", "claude-custom"])
    refuse_unknown_providers(settings, ["demo", "claude-costum"])


def test_a_vendors_key_goes_to_the_vendors_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compatible vendor's key must not end up at OpenAI."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-vendor")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://vendor.test/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://nobody.test")  # without its key it names no account

    loaded = load()

    assert loaded.settings.openai_base_url == "https://vendor.test/v1"
    assert loaded.origin["openai_base_url"] == "OPENAI_BASE_URL"
    assert loaded.settings.claude_base_url == "https://api.anthropic.com/v1"


def test_a_vendors_url_is_not_joined_to_a_key_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", "sk-own")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-vendor")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://vendor.test/v1")

    assert load().settings.openai_base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000/v1", "http://localhost:3000"])
def test_a_shell_that_points_at_us_names_no_account(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-client-key-of-my-own")
    monkeypatch.setenv("OPENAI_BASE_URL", url)

    assert written(load().settings.openai_api_key) == ""
    assert load({"port": 4000}).settings.openai_base_url == url


def test_geminis_variables_are_those_of_googles_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "g-2")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://gemini.test")
    loaded = load()
    assert written(loaded.settings.gemini_api_key) == "g-2"
    assert loaded.settings.gemini_base_url == "https://gemini.test"
    assert loaded.origin["gemini_base_url"] == "GOOGLE_GEMINI_BASE_URL"
    monkeypatch.setenv("GEMINI_API_KEY", "g-1")
    assert (written(load().settings.gemini_api_key), load().origin["gemini_api_key"]) == ("g-1", "GEMINI_API_KEY")


TABLES = """
[routes]
"fast" = "openai-custom:gpt-5-mini"
"claude-*" = ["claude-custom", "openai-custom:gpt-5"]
[default_models]
openai-custom = "gpt-5"
"""


def test_routes_are_a_table_in_the_file_and_a_text_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("aiclient.toml"), TABLES)
    settings = load().settings
    assert written(settings.routes) == "fast=openai-custom:gpt-5-mini; claude-*=claude-custom,openai-custom:gpt-5"
    assert written(settings.default_models) == "openai-custom=gpt-5"
    monkeypatch.setenv("AICLIENT_ROUTES", written(settings.routes))
    monkeypatch.setenv("AICLIENT_DEFAULT_MODELS", written(settings.default_models))
    Path("aiclient.toml").unlink()
    assert load().settings == settings
    assert load({"routes": ""}).settings.routes.rows == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[routes]\nfast = 5", "aiclient.toml: routes: 'fast' has a target that cannot be one"),
        ("[routes]\ngpt-4.1 = 'x'", 'aiclient.toml: routes: a name with a dot goes in quotes: "gpt-4.1" = '),
        ("routes = 'fast'", "aiclient.toml: routes = 'fast': 'fast' is not complete; write NAME=TARGET"),
        ("[default_models]\ndemo = ['x']", "aiclient.toml: default_models: 'demo' must have the name of one model"),
        ("[routs]\na = 'x'", "aiclient.toml: routs is not a setting; did you mean routes?"),
        ("[routes]\na = 'x'\nport = 1", "aiclient.toml: port stands in [routes], which takes all lines below it"),
    ],
)
def test_a_wrong_table_says_what_would_be_right(text: str, said: str) -> None:
    write(Path("aiclient.toml"), text)
    assert complaint().startswith(said)


KNOWN = ("openai-custom", "openaiResponses-custom", "claude-custom", "gemini-custom", "demo")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"default_models": "openai-custm=x"},
            "default_models: there is no provider 'openai-custm'; did you mean openai-custom?",
        ),
        ({"default_models": "nobody=x"}, "default_models: there is no provider 'nobody'; there are openai-custom, "),
        (
            {"system_prompts": "provider:claude-custm=none"},
            "system_prompts: there is no provider 'claude-custm'; did you mean claude-custom?",
        ),
        (
            {"system_prompts": "client:x+provider:x*=none"},
            "system_prompts: there is no provider 'x*'; there are openai-",
        ),
        (
            {"routes": "fast=demo", "system_prompts": "route:fats=none"},
            "system_prompts: there is no route 'fats'; did you mean fast?",
        ),
        ({"system_prompts": "route:*=none"}, "system_prompts: there is no route '*'; there are none"),
        ({"routes": "a=demo,claude-custm"}, "routes: there is no provider 'claude-custm'; did you mean claude-custom?"),
        ({"routes": "a=CLAUDE-custom/x"}, "routes: there is no provider 'CLAUDE-custom'; did you mean claude-custom?"),
        (
            {"routes": "a=openai:gpt-5"},
            "did you mean openai-custom? (for a model of this name write PROVIDER:openai:gpt-5)",
        ),
        ({"routes": "a=kiro-oauth:x"}, "routes: there is no provider 'kiro-oauth'; there are openai-custom, "),
    ],
)
def test_a_provider_that_does_not_exist_is_refused_wherever_it_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        refuse_unknown_providers(load(given).settings, KNOWN)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        *("demo", "openaiResponses-custom:x", "claude-custom/x", "openai-custom:openai:gpt-5"),
        *("gpt-5", "openai/gpt-5", "anthropic/claude-opus:thinking", "llama3:8b", "qwen2.5-coder:7b", "gemma3:4b"),
        *("claude-opus", "claude-opus-4-5", "gemini-2.5-pro", "mistral-nemo:12b", "deepseek-r1:7b", "demon"),
    ],
)
def test_a_target_may_be_a_plain_model(target: str) -> None:
    refuse_unknown_providers(load({"routes": f"a={target}"}).settings, KNOWN)


@pytest.mark.parametrize(
    ("variable_", "name"),
    [
        ("KIRO_API_KEY", "kiro_api_key"),
        ("GOOGLE_CLOUD_PROJECT", "project_id"),
        ("GOOGLE_CLOUD_PROJECT_ID", "project_id"),
    ],
)
def test_a_vendors_variable_without_a_url_counts_alone(
    monkeypatch: pytest.MonkeyPatch, variable_: str, name: str
) -> None:
    monkeypatch.setenv(variable_, "its-value")
    loaded = load()
    assert written(getattr(loaded.settings, name)) == "its-value"
    assert loaded.origin[name] == variable_
    assert written(getattr(load({name: "mine"}).settings, name)) == "mine"


# --- `none`, and programs that print secrets ---


@pytest.mark.parametrize("name", sorted(MAY_BE_NONE))
def test_none_switches_off_what_a_weaker_source_sets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as unset, so that there must be a word for nothing."""
    write(Path("aiclient.toml"), f"{name} = 'not-empty'")
    monkeypatch.setenv(f"AICLIENT_{name.upper()}", "None")
    assert getattr(load().settings, name) == Settings.model_fields[name].get_default()


def test_none_is_a_word_where_it_is_one() -> None:
    assert load({"log_prompts": "none"}).settings.log_prompts == "none"
    assert written(load({"openai_api_key": "none"}).settings.openai_api_key) == "none"
    assert complaint({"port": "none"}).startswith("--port = 'none'")


COMMAND = "command:echo sk-printed"


def test_a_program_prints_a_secret_for_a_flag_and_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(load({"openai_api_key": COMMAND}).settings.openai_api_key) == "sk-printed"
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", COMMAND)
    assert written(load().settings.openai_api_key) == "sk-printed"


def test_a_program_prints_a_secret_for_the_file_in_our_home_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder from somebody else may hold an aiclient.toml; to start there must not run what it names."""
    mark = tmp_path / "ran"
    for name in ("openai_api_key", "api_key"):
        text = f"{name} = 'command:touch {mark}'"
        write(Path("aiclient.toml"), text)
        assert complaint().startswith(f"aiclient.toml: {name}: `command:` runs a program, so it counts only in flags")
        monkeypatch.setenv("AICLIENT_CONFIG", str(write(tmp_path / "named.toml", text)))
        assert "put it there, or use env:NAME or file:PATH" in complaint()
        monkeypatch.delenv("AICLIENT_CONFIG")
    assert not mark.exists()
    Path("aiclient.toml").unlink()
    write(home() / "aiclient.toml", f"openai_api_key = '{COMMAND}'")
    assert written(load().settings.openai_api_key) == "sk-printed"
    monkeypatch.chdir(home())
    assert written(load().settings.openai_api_key) == "sk-printed"


def test_a_link_in_a_folder_to_our_own_file_is_not_our_own(tmp_path: Path) -> None:
    own = write(home() / "aiclient.toml", "")
    link = tmp_path / "aiclient.toml"
    link.symlink_to(own)
    assert (is_own(own), is_own(link), is_own(None)) == (True, False, False)


def test_an_accounts_secret_follows_the_same_rule() -> None:
    table = f"[[account]]\nprovider = 'claude-custom'\nlabel = 'x'\nclaude_api_key = '{COMMAND}'"
    write(Path("aiclient.toml"), table)
    with pytest.raises(CredentialError, match=r"\(claude-custom:x\): claude_api_key: `command:` runs a program"):
        read_all(load(), catalogue())
    Path("aiclient.toml").unlink()
    write(home() / "aiclient.toml", table)
    (member,) = read_all(load(), catalogue()).members
    assert isinstance(member.account.credential, ApiKey)
    assert member.account.credential.key == "sk-printed"

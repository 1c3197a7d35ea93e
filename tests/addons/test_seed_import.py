"""The seed project's files, as it documents and writes them, become an `aiclient.toml` that loads."""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from addons.accounts import Accounts, read_all
from addons.providers import catalogue
from addons.seed_import import Converted, convert
from addons.settings_sources import load
from creds.account import CredentialError

# What a new installation has, key for key.
EXAMPLE: Mapping[str, object] = {
    "REQUIRED_API_KEY": "123456",
    "SERVER_PORT": 3000,
    "HOST": "localhost",
    "MODEL_PROVIDER": "gemini-cli-oauth",
    "OPENAI_API_KEY": None,
    "OPENAI_BASE_URL": None,
    "CLAUDE_API_KEY": None,
    "CLAUDE_BASE_URL": None,
    "GEMINI_OAUTH_CREDS_BASE64": None,
    "GEMINI_OAUTH_CREDS_FILE_PATH": None,
    "KIRO_OAUTH_CREDS_BASE64": None,
    "KIRO_OAUTH_CREDS_FILE_PATH": None,
    "QWEN_OAUTH_CREDS_FILE_PATH": None,
    "PROJECT_ID": None,
    "SYSTEM_PROMPT_FILE_PATH": "input_system_prompt.txt",
    "SYSTEM_PROMPT_MODE": "overwrite",
    "PROMPT_LOG_BASE_NAME": "prompt_log",
    "PROMPT_LOG_MODE": "none",
    "REQUEST_MAX_RETRIES": 3,
    "REQUEST_BASE_DELAY": 1000,
    "CRON_NEAR_MINUTES": 1,
    "CRON_REFRESH_TOKEN": False,
    "PROVIDER_POOLS_FILE_PATH": None,
    "USE_SYSTEM_PROXY_GEMINI": False,
}

type Make = Callable[..., Converted]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """(config.json, pools) -> what it becomes; the files are in `tmp_path`."""

    def make(config: Mapping[str, object], pools: Mapping[str, object] | None = None) -> Converted:
        (tmp_path / "config.json").write_text(json.dumps(config))
        if pools is not None:
            (tmp_path / "pools.json").write_text(json.dumps(pools))
        return convert(tmp_path / "config.json", tmp_path / "pools.json" if pools is not None else None, catalogue())

    return make


def said(found: Converted) -> dict[str, object]:
    return tomllib.loads(found.text)


def accounts(found: Converted) -> Accounts:
    """As a start would have them."""
    Path("aiclient.toml").write_text(found.text)
    return read_all(load(), catalogue())


def test_the_example_is_taken_over_and_the_well_known_key_refused(made: Make) -> None:
    found = made(EXAMPLE)
    assert said(found) == {
        "port": 3000,
        "host": "127.0.0.1",
        "model_provider": ["gemini-cli-oauth"],
        "system_prompt_mode": "overwrite",
        "prompt_log_base_name": "prompt_log",
        "log_prompts": "none",
        "request_max_retries": 3,
        "request_base_delay": 1000,
        "cron_near_minutes": 1,
        "cron_refresh_token": False,
    }
    key, prompt = found.notes
    assert key.startswith("REQUIRED_API_KEY: 123456 is a key that everybody knows")
    assert "`aiclient key --show`" in key
    assert prompt.startswith("SYSTEM_PROMPT_FILE_PATH: there is no file")
    assert not found.holds_keys
    assert accounts(found).pools == {}


def test_a_key_of_ones_own_is_kept_and_the_address_with_it(made: Make) -> None:
    found = made({"REQUIRED_API_KEY": "my-own-long-key", "HOST": "0.0.0.0"})
    assert said(found) == {"api_key": "my-own-long-key", "host": "0.0.0.0"}
    assert (found.notes, found.holds_keys) == ((), True)


def test_an_address_beyond_this_machine_goes_with_the_refused_key(made: Make) -> None:
    found = made({"REQUIRED_API_KEY": "123456", "HOST": "0.0.0.0"})
    assert said(found) == {}
    assert any(note.startswith("HOST: host 0.0.0.0 is reachable") for note in found.notes)


@pytest.mark.parametrize("empty", [None, "", "none", "None", "null", []])
def test_null_and_none_are_no_value(made: Make, empty: object) -> None:
    keys = ("OPENAI_API_KEY", "GEMINI_OAUTH_CREDS_FILE_PATH", "SYSTEM_PROMPT_FILE_PATH", "PROVIDER_POOLS_FILE_PATH")
    found = made(dict.fromkeys(keys, empty))
    assert (said(found), found.notes) == ({}, ())


def test_relative_paths_are_found_where_the_seed_was_started(made: Make, tmp_path: Path) -> None:
    (tmp_path / "input_system_prompt.txt").write_text("Be brief.")
    (tmp_path / "qwen.json").write_text("{}")
    found = made({"SYSTEM_PROMPT_FILE_PATH": "input_system_prompt.txt", "QWEN_OAUTH_CREDS_FILE_PATH": "./qwen.json"})
    assert said(found) == {
        "system_prompt_file": str(tmp_path / "input_system_prompt.txt"),
        "qwen_oauth_creds_file": str(tmp_path / "qwen.json"),
    }


@pytest.mark.parametrize(
    "value", ["claude-custom, openai-custom", '["claude-custom", "openai-custom"]', ["claude-custom", "openai-custom"]]
)
def test_a_list_of_providers_may_be_written_in_three_ways(made: Make, value: object) -> None:
    assert said(made({"MODEL_PROVIDER": value})) == {"model_provider": ["claude-custom", "openai-custom"]}


@pytest.mark.parametrize("mode", ["overwrite", "append", "prepend", "replace"])
def test_what_is_done_with_system_prompts_is_taken_over(made: Make, mode: str) -> None:
    """Pairs in either spelling; what is no pair costs no other one."""
    pairs = [{"old": "cat", "new": "dog", "note": "x"}, ['a "b"', ""], {"old": "", "new": "x"}]
    found = made({"SYSTEM_PROMPT_MODE": mode, "SYSTEM_PROMPT_REPLACEMENTS": pairs})
    assert said(found) == {
        "system_prompt_mode": mode,
        "system_prompt_replacements": [{"old": "cat", "new": "dog"}, {"old": 'a "b"', "new": ""}],
    }
    assert found.notes == ("SYSTEM_PROMPT_REPLACEMENTS: entry 3 is no pair of old and new text: left out",)
    Path("aiclient.toml").write_text(found.text)
    assert load().settings.system_prompt_replacements.pairs == (("cat", "dog"), ('a "b"', ""))


def test_a_provider_that_is_not_there_is_named(made: Make) -> None:
    found = made({"MODEL_PROVIDER": "grok-custom,claude-custom"})
    assert said(found) == {"model_provider": ["claude-custom"]}
    assert found.notes == ("MODEL_PROVIDER: 'grok-custom' is no provider here: left out",)


def test_one_openai_pair_serves_both_providers(made: Make) -> None:
    found = made({"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "https://api.openai.com/v1"})
    assert said(found) == {"openai_api_key": "sk-1", "openai_base_url": "https://api.openai.com/v1"}
    assert set(accounts(found).pools) == {"openai-custom", "openaiResponses-custom"}


def test_an_account_of_the_config_stands_behind_the_pool(made: Make) -> None:
    """It was what was left when no account of the pool was well."""
    pool = {"claude-custom": [{"CLAUDE_API_KEY": "sk-p", "customName": "first", "priority": 4, "concurrencyLimit": 2}]}
    found = made({"CLAUDE_API_KEY": "sk-c", "CLAUDE_BASE_URL": "https://c.test"}, pool)
    assert said(found) == {
        "account": [
            {
                "provider": "claude-custom",
                "label": "first",
                "claude_api_key": "sk-p",
                "priority": 4,
                "concurrency": 2,
            },
            {
                "provider": "claude-custom",
                "label": "config.json",
                "claude_api_key": "sk-c",
                "claude_base_url": "https://c.test",
                "priority": 5,
            },
        ]
    }
    assert [member.slot.priority for member in accounts(found).pools["claude-custom"]] == [4, 5]


def test_the_same_account_twice_is_one(made: Make) -> None:
    found = made({"CLAUDE_API_KEY": "sk-p"}, {"claude-custom": [{"CLAUDE_API_KEY": "sk-p", "customName": "first"}]})
    assert found.accounts == 1
    assert found.notes == ("claude-custom:config.json is the same account as claude-custom:first: left out",)


def test_a_pools_account_may_be_called_as_that_of_the_config_is(made: Make) -> None:
    """It is its own and its options stay, whatever its name."""
    pool = {"claude-custom": [{"CLAUDE_API_KEY": "sk-p", "customName": "config.json", "isDisabled": True}]}
    (alone,) = said(made({}, pool))["account"]  # type: ignore[misc]
    assert alone["disabled"] is True  # type: ignore[index]
    found = made({"CLAUDE_API_KEY": "sk-c"}, pool)
    accounts(found)
    (first, last) = said(found)["account"]  # type: ignore[misc]
    assert (first["label"], first["disabled"]) == ("config.json", True)  # type: ignore[index]
    assert (last["label"], last["claude_api_key"], last["priority"]) == ("config.json+", "sk-c", 1)  # type: ignore[index]


def test_names_that_are_long_and_alike_are_labels_that_are_taken(made: Make) -> None:
    pool = {"claude-custom": [{"CLAUDE_API_KEY": f"sk-{n}", "customName": "x" * 70} for n in range(3)]}
    assert len(accounts(made({}, pool)).pools["claude-custom"]) == 3


@pytest.mark.parametrize("key", ["YOUR API KEY", "sk-ключ", "sk-1\nsk-2"])
def test_a_key_that_cannot_be_sent_costs_its_account_alone(made: Make, key: str) -> None:
    found = made({"OPENAI_API_KEY": key}, {"claude-custom": [{"CLAUDE_API_KEY": key}, {"CLAUDE_API_KEY": "sk-1"}]})
    assert [*accounts(found).pools] == ["claude-custom"]
    assert key not in found.text
    assert [note.partition(" holds ")[0] for note in found.notes] == [
        "claude-custom:1: claude_api_key",
        "openai-custom:config.json: openai_api_key",
        "openaiResponses-custom:config.json: openai_responses_api_key",
    ]


def test_true_is_no_number(made: Make) -> None:
    found = made({"SERVER_PORT": True})
    assert said(found) == {}
    assert found.notes == ("SERVER_PORT: port must be a whole number from 0 to 65535: left out",)


def test_the_options_of_a_pools_account_are_kept(made: Make) -> None:
    entry = {
        "OPENAI_API_KEY": "env:MINE",
        "uuid": "u-1",
        "weight": 3,
        "notSupportedModels": ["b", "a"],
        "supportedModels": ["c"],
        "isDisabled": True,
        "checkHealth": True,
        "checkModelName": "gpt-5-mini",
        "isHealthy": False,
        "usageCount": 9,
        "queueLimit": 4,
    }
    found = made({}, {"openai-custom": [entry]})
    assert said(found)["account"] == [
        {
            "provider": "openai-custom",
            "label": "u-1",
            "openai_api_key": "env:MINE",
            "weight": 3,
            "not_supported_models": ["a", "b"],
            "supported_models": ["c"],
            "disabled": True,
            "check_health": True,
            "check_model": "gpt-5-mini",
        }
    ]
    assert found.notes == ("openai-custom:u-1: 'queueLimit' is not known here, and ignored",)
    assert not found.holds_keys, "a reference is no key"


def test_a_login_without_a_file_is_the_official_tools(made: Make, own_environment: Path) -> None:
    found = made({}, {"gemini-cli-oauth": [{"GEMINI_OAUTH_CREDS_FILE_PATH": None, "PROJECT_ID": "p"}]})
    (table,) = said(found)["account"]  # type: ignore[misc]
    assert table["gemini_oauth_creds_file"] == str(own_environment.parent / ".gemini" / "oauth_creds.json")  # type: ignore[index]
    assert [*accounts(found).pools] == ["gemini-cli-oauth"]


def test_of_a_file_and_a_base64_the_base64_is_kept(made: Make) -> None:
    found = made({"KIRO_OAUTH_CREDS_FILE_PATH": "/x/kiro.json", "KIRO_OAUTH_CREDS_BASE64": "e30="})
    assert said(found) == {"kiro_oauth_creds_base64": "e30="}
    assert found.notes == ("KIRO_OAUTH_CREDS_FILE_PATH: left out, for KIRO_OAUTH_CREDS_BASE64 wins over it",)


def test_the_pools_file_that_the_config_names_is_taken(made: Make, tmp_path: Path) -> None:
    (tmp_path / "provider_pools.json").write_text(json.dumps({"claude-custom": [{"CLAUDE_API_KEY": "sk-1"}]}))
    assert made({"PROVIDER_POOLS_FILE_PATH": "provider_pools.json"}).accounts == 1
    (note,) = made({"PROVIDER_POOLS_FILE_PATH": "other.json"}).notes
    assert note.startswith("PROVIDER_POOLS_FILE_PATH: there is no file")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"SERVER_PORT": 70_000}, "SERVER_PORT: port must be a whole number from 0 to 65535: left out"),
        ({"CRON_NEAR_MINUTES": 0}, "CRON_NEAR_MINUTES: cron_near_minutes must be a whole number from 1"),
        ({"SYSTEM_PROMPT_MODE": "shout"}, "SYSTEM_PROMPT_MODE: system_prompt_mode "),
        ({"SYSTEM_PROMPT_REPLACEMENTS": [5]}, "SYSTEM_PROMPT_REPLACEMENTS: entry 1 is no pair of old and new text"),
        ({"SYSTEM_PROMPT_REPLACEMENTS": "x"}, "SYSTEM_PROMPT_REPLACEMENTS: entry 1 is no pair of old and new text"),
        ({"OPENAI_BASE_URL": "https://x.test"}, "OPENAI_BASE_URL: left out, for there is no OPENAI_API_KEY"),
        ({"KIRO_OAUTH_CREDS_DIR_PATH": "/x"}, "KIRO_OAUTH_CREDS_DIR_PATH: a folder does not say which"),
        ({"USE_SYSTEM_PROXY_QWEN": True}, "USE_SYSTEM_PROXY_QWEN: requests go out directly"),
        ({"providerFallbackChain": {"a": ["b"]}}, "providerFallbackChain: chains of providers are written as routes"),
        ({"WHAT_IS_THIS": 1}, "'WHAT_IS_THIS' is not known here, and left out"),
        ({"CLAUDE_API_KEY": 5}, "claude-custom:config.json: CLAUDE_API_KEY is not text: the account is left out"),
        (
            {"CLAUDE_API_KEY": "k", "CLAUDE_BASE_URL": "ftp://x"},
            "claude-custom:config.json: claude_base_url must begin",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_is_not_taken_over_is_named_with_the_reason(made: Make, config: Mapping[str, object], why: str) -> None:
    found = made(config)
    assert said(found) == {}
    assert any(note.startswith(why) for note in found.notes), found.notes


def test_a_file_that_is_something_else_is_an_error_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"OPENAI_API_KEY": "hunter2"')
    with pytest.raises(CredentialError, match=r"config import: .*config\.json is not a JSON object") as caught:
        convert(path, None, catalogue())
    assert "hunter2" not in str(caught.value)

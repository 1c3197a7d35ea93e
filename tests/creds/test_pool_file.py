"""Accounts of a pool: the seed project's file, as it and its later versions write it, and our own tables."""

import json
import tomllib
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.pool_file import MAX_BYTES, Definition, Imported, read_account_tables, read_pools_file
from creds.slot import Slot

STATE = {
    "isHealthy": False,
    "lastUsed": None,
    "usageCount": 7,
    "errorCount": 3,
    "lastErrorTime": "2025-10-31T10:00:00Z",
}
LATER_STATE = {
    "lastErrorMessage": "429",
    "lastHealthCheckTime": None,
    "lastHealthCheckModel": "x",
    "refreshCount": 1,
    "lastRefreshTime": 5,
    "needsRefresh": False,
    "scheduledRecoveryTime": None,
    "_lastSelectionSeq": 4,
}


@pytest.fixture
def pools(tmp_path: Path) -> Path:
    return tmp_path / "configs" / "provider_pools.json"


def imported(path: Path, document: object, **environ: str) -> Imported:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return read_pools_file(path, environ)


def seed(**fields: object) -> dict[str, object]:
    return {"uuid": "2f579c65-d3c5", "checkModelName": None, "checkHealth": False, **STATE, **fields}


def only(found: Imported) -> Definition:
    (definition,) = found.definitions
    return definition


# --- the seed's file ---


def test_the_seeds_first_file_is_taken_over_whole(pools: Path) -> None:
    """All six providers of its example, two accounts where it has two."""
    creds = {name: pools.parent.parent / f"{name}.json" for name in ("g1", "g2", "k1", "q1")}
    document = {
        "openai-custom": [
            seed(OPENAI_API_KEY="sk-1", OPENAI_BASE_URL="https://api.openai.com/v1", uuid="u1", checkHealth=True),
            seed(
                OPENAI_API_KEY="sk-2", OPENAI_BASE_URL="https://api.openai.com/v1", uuid="u2", checkModelName="gpt-4o"
            ),
        ],
        "openaiResponses-custom": [seed(OPENAI_API_KEY="sk-1", OPENAI_BASE_URL="https://api.openai.com/v1")],
        "gemini-cli-oauth": [
            seed(GEMINI_OAUTH_CREDS_FILE_PATH=str(creds["g1"]), PROJECT_ID="p-1", uuid="u1"),
            seed(GEMINI_OAUTH_CREDS_FILE_PATH=str(creds["g2"]), PROJECT_ID="p-2", uuid="u2"),
        ],
        "claude-custom": [seed(CLAUDE_API_KEY="sk-c", CLAUDE_BASE_URL="https://api.anthropic.com")],
        "claude-kiro-oauth": [seed(KIRO_OAUTH_CREDS_FILE_PATH=str(creds["k1"]))],
        "openai-qwen-oauth": [seed(QWEN_OAUTH_CREDS_FILE_PATH=str(creds["q1"]))],
    }
    found = imported(pools, document)
    assert found.notes == ()
    assert [(each.label, dict(each.settings)) for each in found.definitions] == [
        ("openai-custom:u1", {"openai_api_key": "sk-1", "openai_base_url": "https://api.openai.com/v1"}),
        ("openai-custom:u2", {"openai_api_key": "sk-2", "openai_base_url": "https://api.openai.com/v1"}),
        (
            "openaiResponses-custom:2f579c65-d3c5",
            {"openai_responses_api_key": "sk-1", "openai_responses_base_url": "https://api.openai.com/v1"},
        ),
        ("gemini-cli-oauth:u1", {"gemini_oauth_creds_file": str(creds["g1"]), "project_id": "p-1"}),
        ("gemini-cli-oauth:u2", {"gemini_oauth_creds_file": str(creds["g2"]), "project_id": "p-2"}),
        ("claude-custom:2f579c65-d3c5", {"claude_api_key": "sk-c", "claude_base_url": "https://api.anthropic.com"}),
        ("claude-kiro-oauth:2f579c65-d3c5", {"kiro_oauth_creds_file": str(creds["k1"])}),
        ("openai-qwen-oauth:2f579c65-d3c5", {"qwen_oauth_creds_file": str(creds["q1"])}),
    ]
    first, second = found.definitions[:2]
    assert (first.slot.check_health, first.slot.check_model) == (True, "")
    assert (second.slot.check_health, second.slot.check_model) == (False, "gpt-4o")
    assert {each.slot.provider == each.provider and each.slot.label == each.label for each in found.definitions} == {
        True
    }


def test_the_options_of_its_later_versions_are_taken_over(pools: Path) -> None:
    account = seed(
        customName="Work 节点 1",
        OPENAI_API_KEY="sk-1",
        isDisabled=True,
        notSupportedModels=["GPT-4-turbo", " gpt-4 "],
        supportedModels=["gpt-5"],
        concurrencyLimit=3,
        priority=2,
        weight=5,
        **LATER_STATE,
    )
    found = imported(pools, {"openai-custom": [account]})
    definition = only(found)
    assert definition.slot == Slot(
        "openai-custom",
        "openai-custom:Work-节点-1",
        priority=2,
        weight=5,
        concurrency=3,
        without_models=frozenset({"gpt-4-turbo", "gpt-4"}),
        only_models=frozenset({"gpt-5"}),
        disabled=True,
        mark=definition.slot.mark,
    )
    assert found.notes == ()


def test_the_seeds_own_state_is_not_ours(pools: Path) -> None:
    """`isHealthy: false` of another program says nothing of today; the file is read, never written."""
    definition = only(imported(pools, {"openai-custom": [seed(OPENAI_API_KEY="sk-1")]}))
    before = pools.read_bytes()
    assert not definition.slot.disabled
    assert pools.read_bytes() == before


def test_our_own_names_are_understood_there_in_capitals(pools: Path) -> None:
    document = {"gemini-custom": [{"GEMINI_API_KEY": "g", "GEMINI_BASE_URL": "http://127.0.0.1:9"}]}
    assert only(imported(pools, document)).settings == {"gemini_api_key": "g", "gemini_base_url": "http://127.0.0.1:9"}
    document = {"claude-kiro-oauth": [{"KIRO_API_KEY": "ksk_1", "KIRO_REGION": "eu-west-1", "kiro_wire": "rest-json"}]}
    assert only(imported(pools, document)).settings == {
        "kiro_api_key": "ksk_1",
        "kiro_region": "eu-west-1",
        "kiro_wire": "rest-json",
    }


def test_kiros_addresses_come_without_the_path_and_without_the_seeds_default(pools: Path) -> None:
    account = {
        "KIRO_OAUTH_CREDS_FILE_PATH": "/k.json",
        "KIRO_BASE_URL": "https://codewhisperer.{{region}}.amazonaws.com/generateAssistantResponse",
        "KIRO_REFRESH_URL": "https://kiro.example.com/refreshToken",
        "KIRO_REFRESH_IDC_URL": "https://oidc.example.com/token",
    }
    assert only(imported(pools, {"claude-kiro-oauth": [account]})).settings == {
        "kiro_oauth_creds_file": "/k.json",
        "kiro_auth_base_url": "https://kiro.example.com",
        "kiro_oidc_base_url": "https://oidc.example.com",
    }


def test_secrets_may_be_elsewhere(pools: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    document = {
        "openai-custom": [{"OPENAI_API_KEY": "env:MY_KEY"}],
        "claude-custom": [{"CLAUDE_API_KEY": f"file:{tmp_path / 'key'}"}],
    }
    found = imported(pools, document, MY_KEY="sk-env")
    assert [dict(each.settings) for each in found.definitions] == [
        {"openai_api_key": "sk-env"},
        {"claude_api_key": "sk-file"},
    ]


@pytest.mark.parametrize("where", ["configs", "."])
def test_a_relative_path_is_looked_for_where_the_seed_ran(pools: Path, where: str) -> None:
    file = pools.parent.parent / where / "kiro" / "one.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    found = only(imported(pools, {"claude-kiro-oauth": [{"KIRO_OAUTH_CREDS_FILE_PATH": "./kiro/one.json"}]}))
    assert Path(found.settings["kiro_oauth_creds_file"]).resolve() == file.resolve()


def test_a_relative_path_that_is_nowhere_is_beside_the_file(pools: Path) -> None:
    found = only(imported(pools, {"openai-qwen-oauth": [{"QWEN_OAUTH_CREDS_FILE_PATH": "./none.json"}]}))
    assert found.settings["qwen_oauth_creds_file"] == str(pools.parent / "none.json")


def test_an_oauth_account_may_have_its_login_where_it_always_is(pools: Path) -> None:
    definition = only(imported(pools, {"gemini-cli-oauth": [seed(GEMINI_OAUTH_CREDS_FILE_PATH=None)]}))
    assert definition.settings == {}


@pytest.mark.parametrize(
    ("document", "note"),
    [
        (
            {"gemini-antigravity": [seed(ANTIGRAVITY_OAUTH_CREDS_FILE_PATH="./a.json"), seed()]},
            "'gemini-antigravity' is no provider here: 2 accounts left out",
        ),
        ({"openai-custom": {"OPENAI_API_KEY": "sk-1"}}, "openai-custom is not a list of accounts: left out"),
        ({"openai-custom": ["sk-1"]}, "account 1 of openai-custom is not an object: left out"),
        ({"openai-custom": [{"uuid": "u"}]}, "openai-custom:u has no OPENAI_API_KEY: the account is left out"),
        (
            {"openai-custom": [{"uuid": "u", "OPENAI_API_KEY": 5}]},
            "openai-custom:u: OPENAI_API_KEY is not text: the account is left out",
        ),
        (
            {"openai-custom": [{"uuid": "u", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "nowhere"}]},
            "openai-custom:u: openai_base_url must begin with http:// or https:// and name a host, like"
            " https://api.example.com/v1: the account is left out",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_said(pools: Path, document: object, note: str) -> None:
    assert imported(pools, document) == Imported((), (note,))


def test_a_flaw_costs_its_option_or_its_account_and_no_other(pools: Path) -> None:
    document = {
        "openai-custom": [
            {"uuid": "a", "OPENAI_API_KEY": "env:NOT_SET"},
            {
                "uuid": "b",
                "OPENAI_API_KEY": "sk-1",
                "isDisabled": "yes",
                "priority": 1.5,
                "notSupportedModels": "gpt-4",
            },
            {"uuid": "c", "OPENAI_API_KEY": "sk-1"},
            {"uuid": "d", "OPENAI_API_KEY": "sk-2", "queueLimit": 4, "USE_SYSTEM_PROXY_OPENAI": False},
            {"uuid": "e", "OPENAI_API_KEY": "sk-3", "USE_SYSTEM_PROXY_OPENAI": True},
            {"uuid": "f", "OPENAI_API_KEY": "YOUR KEY"},
        ]
    }
    found = imported(pools, document)
    assert [each.label for each in found.definitions] == [f"openai-custom:{name}" for name in "bde"]
    assert found.notes == (
        f"{pools}: openai-custom:a: OPENAI_API_KEY is `env:NOT_SET`, but the variable NOT_SET is not set: the account is left out",
        "openai-custom:b: isDisabled must be true or false: ignored",
        "openai-custom:b: priority must be a whole number from -10000 to 10000: ignored",
        'openai-custom:b: notSupportedModels must be a list of models, like ["gpt-5"]: ignored',
        "openai-custom:c is the same account as openai-custom:b: left out",
        "openai-custom:d: 'queueLimit' is not known here, and ignored",
        "openai-custom:e: 'USE_SYSTEM_PROXY_OPENAI' is not known here, and ignored",
        "openai-custom:f: openai_api_key holds a blank, a line break or a non-ASCII character; copy the key again:"
        " the account is left out",
    )


def test_a_file_that_is_no_json_is_named_with_the_place_and_without_its_text(pools: Path) -> None:
    """People leave comments in it."""
    pools.parent.mkdir()
    pools.write_text('{"openai-custom": [ // hunter2\n]}')
    with pytest.raises(CredentialError) as caught:
        read_pools_file(pools, {})
    assert str(caught.value).endswith(
        "provider_pools.json is not a JSON object with a list of accounts per provider: Expecting value in line 1, column 21"
    )


def test_a_file_that_is_far_too_large_is_not_read(pools: Path) -> None:
    pools.parent.mkdir()
    with pools.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CredentialError, match=r"provider_pools\.json is larger than 8388608 bytes; is it the right"):
        read_pools_file(pools, {})


def test_labels_are_unique_and_fit_for_a_log(pools: Path) -> None:
    accounts = [
        {"customName": "same", "OPENAI_API_KEY": "sk-1"},
        {"customName": "same", "OPENAI_API_KEY": "sk-2"},
        {"customName": "\x1b[2J evil\n", "OPENAI_API_KEY": "sk-3"},
        {"customName": "***", "uuid": "u-4", "OPENAI_API_KEY": "sk-4"},
        {"OPENAI_API_KEY": "sk-5"},
        {"customName": "x" * 500, "OPENAI_API_KEY": "sk-6"},
        {"customName": "x" * 500, "OPENAI_API_KEY": "sk-7"},
    ]
    labels = [
        each.label.removeprefix("openai-custom:") for each in imported(pools, {"openai-custom": accounts}).definitions
    ]
    assert labels == ["same", "same-2", "2J-evil", "u-4", "5", "x" * 60, "x" * 58 + "-2"]


def test_another_key_is_another_account_and_the_mark_does_not_show_it(pools: Path) -> None:
    one = only(imported(pools, {"openai-custom": [seed(OPENAI_API_KEY="sk-secret-1")]}))
    same = only(imported(pools, {"openai-custom": [seed(OPENAI_API_KEY="sk-secret-1", priority=4)]}))
    other = only(imported(pools, {"openai-custom": [seed(OPENAI_API_KEY="sk-secret-2")]}))
    assert one.slot.mark == same.slot.mark != other.slot.mark
    assert "secret" not in repr(one)


@pytest.mark.parametrize("content", ["", "{", "[]", '"sk-key"', "[" * 100_000])
def test_what_is_no_pools_file_is_refused_without_its_text(pools: Path, content: str) -> None:
    pools.parent.mkdir()
    pools.write_text(content)
    with pytest.raises(CredentialError, match=r"provider_pools\.json is not a JSON object") as caught:
        read_pools_file(pools, {})
    assert "sk-key" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match=r"provider_pools_file: cannot read .*none\.json: No such file"):
        read_pools_file(tmp_path / "none.json", {})


def test_a_byte_order_mark_is_no_flaw(pools: Path) -> None:
    pools.parent.mkdir()
    pools.write_bytes(b'\xef\xbb\xbf{"openai-custom": [{"OPENAI_API_KEY": "sk-1"}]}')
    assert only(read_pools_file(pools, {})).settings == {"openai_api_key": "sk-1"}


# --- [[account]] ---


def tables(text: str, **environ: str) -> tuple[Definition, ...]:
    return read_account_tables(tomllib.loads(text)["account"], environ)


def test_tables_are_accounts() -> None:
    found = tables(
        """
        [[account]]
        provider = "openai-custom"
        label = "work"
        openai_api_key = "env:WORK_KEY"
        openai_base_url = "https://api.example.com"
        priority = 1
        weight = 2
        concurrency = 4
        not_supported_models = ["GPT-4"]
        supported_models = ["gpt-5"]
        check_health = true
        check_model = "gpt-5-mini"

        [[account]]
        provider = "claude-kiro-oauth"
        kiro_oauth_creds_file = "~/kiro.json"
        kiro_region = "eu-west-1"
        disabled = true

        [[account]]
        provider = "openaiResponses-custom"
        openai_api_key = "sk-2"
        """,
        WORK_KEY="sk-1",
    )
    assert [(each.label, dict(each.settings)) for each in found] == [
        ("openai-custom:work", {"openai_api_key": "sk-1", "openai_base_url": "https://api.example.com"}),
        ("claude-kiro-oauth:2", {"kiro_oauth_creds_file": "~/kiro.json", "kiro_region": "eu-west-1"}),
        ("openaiResponses-custom:3", {"openai_responses_api_key": "sk-2"}),
    ]
    assert found[0].slot == Slot(
        "openai-custom",
        "openai-custom:work",
        1,
        2,
        4,
        frozenset({"gpt-4"}),
        frozenset({"gpt-5"}),
        check_health=True,
        check_model="gpt-5-mini",
        mark=found[0].slot.mark,
    )
    assert found[1].slot.disabled


KEY = 'provider = "openai-custom"\nopenai_api_key = "sk-secret"\n'


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "[[account]] 1: it has no provider; there are openai-custom, "),
        (
            'provider = "openai-costum"',
            "[[account]] 1: there is no provider 'openai-costum'; did you mean openai-custom?",
        ),
        ("provider = 5", "[[account]] 1: there is no provider 5; there are "),
        (
            KEY + "concurency = 3",
            "[[account]] 1 (openai-custom:1): 'concurency' is not a key; did you mean concurrency?",
        ),
        (
            KEY + 'openai_url = "x"',
            "[[account]] 1 (openai-custom:1): 'openai_url' is not a key; did you mean openai_base_url?",
        ),
        (KEY + 'zzzz = "x"', "[[account]] 1 (openai-custom:1): 'zzzz' is not a key; there are priority, "),
        (
            KEY + 'claude_api_key = "x"',
            "[[account]] 1 (openai-custom:1): claude_api_key is not a setting of openai-custom; it has openai_api_key,",
        ),
        (
            KEY + "priority = true",
            "[[account]] 1 (openai-custom:1): priority must be a whole number from -10000 to 10000",
        ),
        (KEY + "weight = 0", "[[account]] 1 (openai-custom:1): weight must be a whole number from 1 to 10000"),
        (KEY + "concurrency = -1", "[[account]] 1 (openai-custom:1): concurrency must be a whole number from 0 to"),
        (KEY + 'disabled = "no"', "[[account]] 1 (openai-custom:1): disabled must be true or false"),
        (KEY + "not_supported_models = [1]", "[[account]] 1 (openai-custom:1): not_supported_models must be a list of"),
        (KEY + "check_model = 1", "[[account]] 1 (openai-custom:1): check_model must be a model's name"),
        (KEY + "openai_base_url = 1", "[[account]] 1 (openai-custom:1): openai_base_url must be a text, in quotes"),
        (KEY + 'openai_base_url = "ftp://x"', "[[account]] 1 (openai-custom:1): openai_base_url must begin with http"),
        (
            KEY + 'OPENAI_API_KEY = "x"',
            "[[account]] 1 (openai-custom:1): OPENAI_API_KEY says again what openai_api_key is",
        ),
        (KEY + 'label = ""', "[[account]] 1: label must be a text of at most 60 characters"),
        ('provider = "claude-custom"', "[[account]] 1 (claude-custom:1) has no claude_api_key"),
        (
            'provider = "gemini-cli-oauth"\nproject_id = "p"',
            "[[account]] 1 (gemini-cli-oauth:1) has no gemini_oauth_creds_file or gemini_oauth_creds_base64",
        ),
        (
            'provider = "claude-custom"\nclaude_api_key = "env:NONE"',
            "[[account]] 1 (claude-custom:1): claude_api_key is `env:NONE`, but the variable NONE is not set",
        ),
    ],
)
def test_a_flaw_in_a_table_is_one_line_that_names_the_cure(table: str, message: str) -> None:
    with pytest.raises(CredentialError) as caught:
        tables("[[account]]\n" + table)
    said = str(caught.value)
    assert said.startswith(message)
    assert "\n" not in said
    assert "secret" not in said


def test_two_tables_of_one_label_or_one_account_are_a_mistake() -> None:
    with pytest.raises(CredentialError, match="there is a openai-custom:x already; give it another label"):
        tables(f'[[account]]\n{KEY}label = "x"\n[[account]]\n{KEY}label = "openai-custom:x"')
    with pytest.raises(CredentialError, match="2: openai-custom:2 is the same account as openai-custom:1"):
        tables(f"[[account]]\n{KEY}[[account]]\n{KEY}")


@pytest.mark.parametrize("value", [{"provider": "demo"}, "x", [1], None])
def test_anything_but_tables_is_refused(value: object) -> None:
    with pytest.raises(CredentialError, match=r"account must be tables, each headed \[\[account\]\]"):
        read_account_tables(value, {})


def test_no_tables_are_no_accounts() -> None:
    assert read_account_tables([], {}) == ()

"""The schema for editors says of a file what a start says of it."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from addons.providers import catalogue
from addons.settings import NAMES
from addons.settings_schema import schema
from creds.pool_keys import SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"
VALIDATOR = Draft202012Validator(schema(catalogue()))


def flaws(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def examples() -> list[str]:
    """Every setting's example, and every block of TOML in the pages about settings."""
    found = re.findall(r"Example: `(.*)`$", (DOCS / "configuration.md").read_text(), re.MULTILINE)
    for page in ("configuration.md", "pools.md", "routing.md", "system-prompts.md", "chaos.md", "security.md"):
        for block in re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL):
            if any(name in tomllib.loads(block) for name in (*NAMES, "account")):
                found.append(block)
    return found


def test_there_are_examples_of_everything() -> None:
    assert len(examples()) > len(NAMES)
    assert any("[[account]]" in text for text in examples())


@pytest.mark.parametrize("number", range(len(examples())))
def test_what_the_docs_show_is_valid(number: int) -> None:
    assert flaws(examples()[number]) == []


@pytest.mark.parametrize("provider", SETTINGS)
def test_an_account_may_be_written_with_each_key_of_its_provider(provider: str) -> None:
    first = SETTINGS[provider][0][0]
    table = f"[[account]]\nprovider = '{provider}'\nlabel = 'x'\n"
    assert flaws(table + f"{first} = '1'") == []
    assert flaws(table + f"{first.upper()} = '1'") == []
    assert flaws(table) != []


@pytest.mark.parametrize(
    "text",
    [
        "prot = 1",
        "port = 70000",
        "port = 'x'",
        "strict_conversion = 'maybe'",
        "system_prompt_mode = 'shout'",
        "system_prompt_replacements = [['x']]",
        "system_prompt_replacements = [{ old = '', new = 'x' }]",
        "[system_prompts]\n'client:x' = { mode = 'shout' }",
        "[system_prompts]\n'client:x' = { mode = 'none', fil = 'x' }",
        "openai_base_url = 'api.openai.com'",
        "kiro_base_url = 'kiro'",
        "body_limit = 'big'",
        "idle_seconds = -1",
        "model_provider = ['claude-costum']",
        "routes = 5",
        "[routes]\n'fast' = []",
        "[default_models]\nopenai-custom = 1",
        "[chaos]\nreset = 2",
        "chaos_seed = -1",
        "account = 1",
        "[[account]]\nlabel = 'x'",
        "[[account]]\nprovider = 'claude-costum'",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 1",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 'x'\nopenai_base_url = 'https://x.test'",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 'x'\npriority = 'high'",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 'x'\nweight = 0",
        "[[account]]\nprovider = 'claude-kiro-oauth'\nkiro_api_key = 'x'\nkiro_wire = 'soap'",
        "[[account]]\nprovider = 'claude-custom'\nclaude_api_key = 'x'\nsupported_models = 'gpt-5'",
    ],
)
def test_what_a_start_refuses_is_marked(text: str) -> None:
    assert flaws(text) != []


def test_each_setting_is_explained() -> None:
    for name, described in VALIDATOR.schema["properties"].items():
        assert described["description"], name

"""System prompts in the settings' sources: tables in the file, texts elsewhere, and what is refused at the start."""

from pathlib import Path

import pytest

from addons.settings import written
from addons.settings_sources import load, refuse_unknown_providers
from tests.addons.test_settings_sources import KNOWN, complaint, write


def test_system_prompts_may_name_what_is_there_and_any_client() -> None:
    rules = "client:nobody=none; provider:claude*=none; route:claude-*=none; route:fast+provider:demo=none"
    given = {"routes": "fast=demo; claude-*=claude-custom", "system_prompts": rules}
    refuse_unknown_providers(load(given).settings, KNOWN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[system_prompts]\n'client:x' = 'apend:a'",
            "aiclient.toml: system_prompts: 'client:x': there is no mode 'apend'",
        ),
        (
            "[system_prompts]\n'client:x' = 'append:a'",
            "aiclient.toml: system_prompts: 'client:x': a must be a text file",
        ),
        ("system_prompt_replacements = 'x'", "aiclient.toml: system_prompt_replacements = 'x': is no JSON"),
        ("system_prompt_file = 'x'", "aiclient.toml: system_prompt_file = 'x': must be a text file that can be read"),
    ],
)
def test_a_wrong_prompt_says_what_would_be_right(text: str, said: str) -> None:
    write(Path("aiclient.toml"), text)
    assert complaint().startswith(said)


def test_system_prompts_are_tables_in_the_file_and_texts_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("mine.md"), "Be brief.")
    write(
        Path("aiclient.toml"),
        "system_prompt_replacements = [{ old = 'a', new = 'b' }, ['c', '']]\n"
        "[system_prompts]\n"
        "'client:claude-cli+provider:claude-custom' = 'append:mine.md'\n"
        "'client:*' = { mode = 'prepend', text = 'x; y' }\n"
        "[system_prompts.'route:fast']\nmode = 'replace'\n"
        "[[system_prompts.'route:fast'.replacements]]\nold = 'd'\nnew = 'e'\n"
        "[system_prompts.'route:slow']\nmode = 'none'\n",
    )
    settings = load().settings
    assert settings.system_prompt_replacements.pairs == (("a", "b"), ("c", ""))
    rows = settings.system_prompts.rows
    assert [row.name for row in rows] == [
        "client:claude-cli+provider:claude-custom",
        "client:*",
        "route:fast",
        "route:slow",
    ]
    assert [row.mode for row in rows] == ["append", "prepend", "replace", "none"]
    assert rows[2].replacements is not None
    assert rows[2].replacements.pairs == (("d", "e"),)

    monkeypatch.setenv("AICLIENT_SYSTEM_PROMPTS", written(settings.system_prompts))
    monkeypatch.setenv("AICLIENT_SYSTEM_PROMPT_REPLACEMENTS", written(settings.system_prompt_replacements))
    Path("aiclient.toml").unlink()
    assert load().settings == settings
    off = load({"system_prompts": "none", "system_prompt_replacements": "none"}).settings
    assert (off.system_prompts.rows, off.system_prompt_replacements.pairs) == ((), ())

"""Which of the operator's prompts goes to which provider."""

import json
from pathlib import Path

import pytest

from addons.settings import Settings
from addons.system_prompt import SystemPrompts
from converters.system_prompt import SystemPrompt
from tests.addons.legs_rig import settings

PAIRS = (("a", "b"),)
JSON_PAIRS = '[["a", "b"]]'


@pytest.fixture(autouse=True)
def files() -> None:
    """In the current folder, which is the test's own."""
    for name in ("all", "one", "two"):
        Path(f"{name}.md").write_text(f"\n{name}.\n")


def put(mode: str, text: str = "", pairs: tuple[tuple[str, str], ...] = ()) -> SystemPrompt:
    return SystemPrompt(mode, text, pairs)  # type: ignore[arg-type]


def chosen(given: Settings, client: str = "c", route: str = "", provider: str = "p") -> SystemPrompt | None:
    return SystemPrompts().choose(given, client, route)(provider)


def test_without_settings_there_is_none() -> None:
    assert chosen(settings()) is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("overwrite", put("overwrite", "all.")),
        ("append", put("append", "all.", PAIRS)),
        ("prepend", put("prepend", "all.", PAIRS)),
        ("replace", put("replace", "", PAIRS)),
    ],
)
def test_the_settings_for_everybody(mode: str, expected: SystemPrompt) -> None:
    given = settings(system_prompt_file="all.md", system_prompt_mode=mode, system_prompt_replacements=JSON_PAIRS)
    assert chosen(given) == expected
    assert chosen(settings(system_prompt_mode=mode, system_prompt_replacements=JSON_PAIRS)) == put("replace", "", PAIRS)


RULES = {
    "client:claude-cli+provider:first": "append:one.md",
    "client:claude-cli": "prepend:two.md",
    "provider:fir*+route:fast": {"mode": "overwrite", "text": " Inline. "},
    "provider:second": "none",
    "provider:third": "replace",
    "provider:fourth": {"mode": "replace", "replacements": [["x", "y"]]},
    "provider:fifth": {"mode": "append", "text": "Alone.", "replacements": []},
}


@pytest.mark.parametrize(
    ("client", "route", "provider", "expected"),
    [
        ("claude-cli", "fast", "first", put("append", "one.", PAIRS)),
        ("Claude-CLI", "fast", "second", put("prepend", "two.", PAIRS)),
        ("codex", "fast", "first", put("overwrite", "Inline.")),
        ("codex", "slow", "first", put("append", "all.", PAIRS)),
        ("codex", "", "second", None),
        ("codex", "", "third", put("replace", "", PAIRS)),
        ("codex", "", "fourth", put("replace", "", (("x", "y"),))),
        ("codex", "", "fifth", put("append", "Alone.")),
        ("codex", "", "sixth", put("append", "all.", PAIRS)),
    ],
)
def test_the_first_rule_that_fits_decides_alone(
    client: str, route: str, provider: str, expected: SystemPrompt | None
) -> None:
    """Replacements of a rule stand in the place of those for everybody, which count where it has none."""
    everybody = {"system_prompt_file": "all.md", "system_prompt_mode": "append"}
    given = settings(**everybody, system_prompt_replacements=JSON_PAIRS, system_prompts=json.dumps(RULES))
    assert chosen(given, client, route, provider) == expected


@pytest.mark.parametrize("given", [{"system_prompt_file": "one.md"}, {"system_prompts": "client:c=overwrite:one.md"}])
def test_a_changed_file_counts_from_the_next_request_on(given: dict[str, object]) -> None:
    prompts, said = SystemPrompts(), settings(**given)
    under_way = prompts.choose(said, "c", "")
    file = Path("one.md")

    file.write_text("Other, longer.")
    assert prompts.choose(said, "c", "")("p") == put("overwrite", "Other, longer.")
    assert under_way("p") == put("overwrite", "one.")

    file.write_bytes(b"\xff\xfe")
    assert prompts.choose(said, "c", "")("p") == put("overwrite", "Other, longer.")
    file.unlink()
    assert prompts.choose(said, "c", "")("p") == put("overwrite", "Other, longer.")

    file.write_text(" \n")
    assert prompts.choose(said, "c", "")("p") is None


def test_a_file_that_is_gone_before_the_first_request_was_read_at_the_start() -> None:
    prompts, said = SystemPrompts(), settings(system_prompt_file="one.md", system_prompts="client:c=append:two.md")
    prompts.use(said)
    Path("one.md").unlink()
    Path("two.md").unlink()
    assert prompts.choose(said, "c", "")("p") == put("append", "two.")
    assert prompts.choose(said, "d", "")("p") == put("overwrite", "one.")


def test_a_file_in_the_home_folder() -> None:
    Path("~/mine.md").expanduser().write_text("Mine.")
    assert chosen(settings(system_prompt_file="~/mine.md")) == put("overwrite", "Mine.")

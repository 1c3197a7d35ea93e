"""Help: groups, examples that can be run, exit codes."""

import re
import shlex

import pytest

from addons.cli import make_parser
from addons.cli_words import EXAMPLES, EXIT_CODES, FIRST, GROUPS, overview
from addons.completion import words_of
from tests.addons.test_cli import Capture, run

COMMANDS = list(words_of(make_parser()).inner)
EVERY = [
    path
    for name, words in words_of(make_parser()).inner.items()
    for path in ((name,), *((name, inner) for inner in words.inner))
]
LINES = [line for examples in EXAMPLES.values() for line, _ in examples]


def test_every_command_stands_in_one_group_and_has_an_example() -> None:
    assert sorted(COMMANDS) == sorted(name for names in GROUPS.values() for name in names)
    assert sorted(EXAMPLES) == sorted(COMMANDS)
    assert set(FIRST) <= set(EXAMPLES)


@pytest.mark.parametrize("number", range(len(LINES)))
def test_an_example_can_be_run(number: int) -> None:
    words = shlex.split(LINES[number].partition(" > ")[0].partition(" -- ")[0])
    assert words.pop(0) == "aiclient"
    parser = make_parser()
    if words[-1] == "--help":
        with pytest.raises(SystemExit) as caught:
            parser.parse_args(words)
        assert caught.value.code == 0
    else:
        assert parser.parse_args(words).command == words[0]


def test_the_front_page_has_all_groups_and_the_exit_codes(capsys: Capture) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert re.findall(r"^([a-z ]+):$", out, re.MULTILINE) == ["options", *GROUPS, "examples"]
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z]", out, re.MULTILINE), name
    assert EXIT_CODES in out


@pytest.mark.parametrize("words", EVERY, ids="-".join)
def test_each_help_ends_with_examples_and_exit_codes(capsys: Capture, words: tuple[str, ...]) -> None:
    code, out, _ = run(capsys, *words, "--help")
    assert code == 0
    examples = out.partition("\nexamples:\n")[2].partition("\n\n")[0]
    assert examples
    assert all(line.startswith((f"  aiclient {' '.join(words)}", "      ")) for line in examples.splitlines())
    assert out.rstrip().endswith(EXIT_CODES)


@pytest.mark.parametrize("words", [(), *EVERY], ids="-".join)
def test_each_help_fits_into_a_terminal(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(capsys, *words, "--help")
    assert [line for line in out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", EVERY, ids="-".join)
def test_each_help_says_what_the_command_does(capsys: Capture, words: tuple[str, ...]) -> None:
    _, out, _ = run(capsys, *words, "--help")
    assert re.search(r"^usage: .*?\n\n[A-Z].*\.\n\n", out, re.DOTALL)


def test_a_flag_with_few_values_shows_them(capsys: Capture) -> None:
    _, out, _ = run(capsys, "serve", "--help")
    assert "--kiro-wire rest-json|aws-json-1.0\n" in out
    assert "--log-prompts none|console|file\n" in out
    assert "--system-prompt-mode overwrite|append|prepend|replace\n" in out


def test_a_command_without_a_group_is_shown_last() -> None:
    assert "\n  new          Is new.\n\nexamples:" in overview({"serve": "Serves.", "new": "Is new."})

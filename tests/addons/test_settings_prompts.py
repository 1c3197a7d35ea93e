"""How system prompts and replacements are written, and whom a rule is for."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.settings_prompts import (
    PromptRule,
    PromptRules,
    Replacements,
    read_prompt_rules,
    read_replacements,
)

PAIRS = Replacements((("a", "b"), ('say "hi"; now', "")))


@pytest.fixture(autouse=True)
def files() -> None:
    """In the current folder, which is the test's own."""
    Path("a.md").write_text("A")
    Path("b=;c.md").write_text("B")


@pytest.mark.parametrize(
    "value",
    [
        [{"old": "a", "new": "b"}, {"old": 'say "hi"; now', "new": ""}],
        [["a", "b"], ['say "hi"; now', ""]],
        (("a", "b"), {"old": 'say "hi"; now', "new": ""}),
        ' [["a","b"], {"old":"say \\"hi\\"; now","new":""}] ',
        PAIRS,
        PAIRS.table,
        str(PAIRS),
    ],
)
def test_replacements_are_a_list_of_pairs_or_the_same_as_json(value: object) -> None:
    assert read_replacements(value) == PAIRS


def test_no_replacements_are_an_empty_text() -> None:
    assert read_replacements("") == read_replacements(" ") == read_replacements([]) == Replacements()
    assert str(Replacements()) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5, "must be a list of pairs; write"),
        ({"old": "a", "new": "b"}, "must be a list of pairs"),
        ("a=b", "is no JSON"),
        ("[1]", "each must be a pair of texts, the old one not empty"),
        ([["a"]], "each must be a pair"),
        ([["a", "b", "c"]], "each must be a pair"),
        ([["", "b"]], "the old one not empty"),
        ([{"old": "a"}], "each must be a pair"),
        ([{"old": "a", "new": 1}], "each must be a pair"),
        ([{"old": "a", "new": "b", "nwe": "c"}], "each must be a pair"),
    ],
)
def test_what_is_no_pair_is_refused_with_the_right_form(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_replacements(value)
    assert '[{"old": "TEXT", "new": "TEXT"}]' in str(caught.value)


SIMPLE = PromptRules(
    (
        PromptRule((("client", "claude-cli"), ("provider", "gemini-*")), "append", "a.md"),
        PromptRule((("route", "claude-*"),), "replace"),
        PromptRule((("client", "OpenAI/Python"),), "none"),
    )
)
TEXT = "client:claude-cli+provider:gemini-*=append:a.md; route:claude-*=replace; client:OpenAI/Python=none"


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        " client:claude-cli + provider:gemini-* = append:a.md ;\nroute:claude-*= replace;client:OpenAI/Python =none;",
        {"client:claude-cli+provider:gemini-*": {"mode": "append", "file": "a.md"}, "route:claude-*": "replace",
         "client:OpenAI/Python": {"mode": "none"}},
        SIMPLE,
        SIMPLE.table,
        str(SIMPLE),
    ],
)  # fmt: skip
def test_rules_are_a_text_or_a_table(value: object) -> None:
    assert read_prompt_rules(value) == SIMPLE
    assert str(SIMPLE) == TEXT
    assert str(PromptRules()) == str(read_prompt_rules("")) == str(read_prompt_rules({})) == ""


@pytest.mark.parametrize(
    "rule",
    [
        {"mode": "append", "text": "Be brief; now."},
        {"mode": "prepend", "file": "b=;c.md"},
        {"mode": "replace", "replacements": PAIRS.table},
        {"mode": "append", "text": "x", "replacements": []},
    ],
    ids=["text", "file", "replacements", "none of them"],
)
def test_what_has_no_place_in_the_short_form_is_written_as_json(rule: dict[str, object]) -> None:
    rules = read_prompt_rules({"client:x": rule, "provider:y": "none"})
    assert json.loads(str(rules))["provider:y"] == "none"
    assert read_prompt_rules(str(rules)) == rules == read_prompt_rules(rules.table)
    assert hash(rules) == hash(read_prompt_rules(str(rules)))


@given(st.text(max_size=10), st.sampled_from(["append", "prepend", "overwrite"]))
def test_a_text_comes_back_from_its_json(text: str, mode: str) -> None:
    text = f"x{text}x"
    rules = read_prompt_rules({"client:x": {"mode": mode, "text": text}})
    assert read_prompt_rules(str(rules)).rows[0].text == text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5, "must be a table; write \"WHO\" = \"MODE:FILE\" or"),
        ("client:x", "'client:x' is not complete; write WHO=MODE:FILE; WHO=MODE:FILE, like client:claude-cli=append"),
        ("=none", "'=none' is not complete"),
        ("client:x=none; client:x=none", "'client:x' is there twice"),
        ("{", "is no JSON"),
        ({"client:x": 5}, "'client:x' must have"),
        ({"client:x": {"mode": "none", "fil": "x"}}, "'client:x': 'fil' is not known; did you mean file\\?"),
        ({"client:x": {}}, "there is no mode '', only overwrite, append, prepend, replace, none"),
        ("client:x=apend:a.md", "'client:x': there is no mode 'apend'; did you mean append\\?"),
        ("client:x=append:gone.md", "'client:x': gone.md must be a text file that can be read"),
        ("client:x=append", "append takes a file or a text"),
        ({"client:x": {"mode": "append", "text": " "}}, "append takes a file or a text"),
        ({"client:x": {"mode": "append", "file": "a.md", "text": "x"}}, "append takes a file or a text"),
        ({"client:x": {"mode": "append", "file": 5}}, "file and text must be texts"),
        ("client:x=replace:a.md", "replace takes no file and no text"),
        ({"client:x": {"mode": "none", "file": "a.md", "text": "x"}}, "none takes no file and no text"),
        ({"client:x": {"mode": "overwrite", "text": "x", "replacements": []}}, "overwrite leaves nothing to replace"),
        ({"client:x": {"mode": "replace", "replacements": [1]}}, "each must be a pair"),
        ("clint:x=none", "'clint:x': 'clint:x' is nobody; did you mean client\\?; write"),
        ("x=none", "'x': 'x' is nobody, only client, provider, route"),
        ("client:=none", "'client:': '' cannot be a name"),
        ({"client:a;b": "none"}, "'a;b' cannot be a name"),
        ("client:x+client:y=none", "client is there twice"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_an_error_that_shows_the_right_form(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_prompt_rules(value)


RULE = PromptRule((("client", "claude-CLI"), ("provider", "gemini-*"), ("route", "fast")), "none")


@pytest.mark.parametrize(
    ("names", "fits"),
    [
        ({"client": "Claude-Cli", "provider": "gemini-custom", "route": "fast"}, True),
        ({"client": "claude-cli", "route": "fast"}, True),
        ({"provider": "gemini-"}, True),
        ({}, True),
        ({"client": "claude-cli2", "route": "fast"}, False),
        ({"provider": "GEMINI-custom"}, False),
        ({"route": ""}, False),
        ({"provider": ""}, False),
        ({"client": "claude-cli", "provider": "openai-custom", "route": "fast"}, False),
    ],
)
def test_all_that_a_rule_names_must_fit_as_far_as_it_is_known(names: dict[str, str], fits: bool) -> None:
    assert RULE.fits(**names) is fits


def test_any_route_is_not_no_route() -> None:
    rule = PromptRule((("route", "*"),), "none")
    assert rule.fits(route="fast")
    assert not rule.fits(route="")

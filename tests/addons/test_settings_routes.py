"""How routes and default models are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.settings_routes import (
    DefaultModels,
    Route,
    Routes,
    head_of,
    provider_and_model,
    read_default_models,
    read_routes,
)

TEXT = "fast=openai-custom:gpt-5-mini,claude-custom:claude-haiku-4-5; claude-*=claude-custom"
ROWS = Routes(
    (
        Route("fast", ("openai-custom:gpt-5-mini", "claude-custom:claude-haiku-4-5")),
        Route("claude-*", ("claude-custom",)),
    )
)


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        " fast = openai-custom:gpt-5-mini , claude-custom:claude-haiku-4-5 ;\nclaude-* = claude-custom ; ",
        {"fast": ["openai-custom:gpt-5-mini", "claude-custom:claude-haiku-4-5"], "claude-*": "claude-custom"},
        {"fast": "openai-custom:gpt-5-mini, claude-custom:claude-haiku-4-5", "claude-*": ["claude-custom"]},
        ROWS,
    ],
)
def test_routes_are_a_text_or_a_table(value: object) -> None:
    assert read_routes(value) == ROWS


def test_a_table_of_routes_is_written_in_one_line_and_shown_as_a_table() -> None:
    assert str(ROWS) == TEXT
    assert read_routes(ROWS.table) == ROWS
    assert ROWS.names == ("fast",)
    assert str(Routes()) == str(read_routes("")) == str(read_routes(" ; ")) == ""


WORD = st.text(
    st.characters(exclude_characters=",;=* ", categories=("L", "N", "P", "S")), min_size=1, max_size=8
).filter(lambda word: word.isprintable() and word[-1] not in ":/")


@given(st.dictionaries(WORD, st.lists(WORD, min_size=1, max_size=3), max_size=4))
def test_routes_come_back_from_their_text(table: dict[str, list[str]]) -> None:
    routes = read_routes(table)
    assert routes.table == table
    assert read_routes(str(routes)) == routes
    assert hash(read_routes(str(routes))) == hash(routes)


@given(st.dictionaries(WORD, WORD, max_size=4))
def test_default_models_come_back_from_their_text(table: dict[str, str]) -> None:
    models = read_default_models(table)
    assert models.table == table
    assert read_default_models(str(models)) == models == read_default_models(models)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("fast", "'fast' is not complete; write NAME=TARGET,TARGET; NAME=TARGET, like fast=openai-custom:gpt-5-mini"),
        ("=x", "'=x' is not complete"),
        ("a=", "'a=' is not complete"),
        ("a=x; b", "'b' is not complete"),
        ("a=x b=y", "'a' has a target that cannot be one, 'x b=y'"),
        ("a=x,,y", "'a' has a target that cannot be one, ''"),
        ("a b=x", "'a b' cannot be a name"),
        ("a=x; a=y", "'a' is there twice"),
        ("a=openai-custom:", "'openai-custom:'"),
        ("a=openai-custom:gpt-*", "the name has no `*`"),
        (5, 'must be a table; write "NAME" = "PROVIDER:MODEL"'),
        (["a=x"], "must be a table"),
        ({"a": 5}, "'a' has a target that cannot be one, ''"),
        ({"a": []}, "'a' has no target"),
        ({"a": ["x", 5]}, """cannot be one, ''; write "NAME" = "PROVIDER:MODEL", or a list"""),
        ({"gpt-4": {"1": "x"}}, 'in quotes: "gpt-4.1" = "PROVIDER:MODEL"'),
        ({"": "x"}, "'' cannot be a name"),
        ({"a": "x\x00"}, r"'x\x00'"),
    ],
)
def test_wrong_routes_say_what_would_be_right_in_one_line(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=r"^.*\Z") as caught:
        read_routes(value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gpt-5", "'gpt-5' is not complete; write PROVIDER=MODEL; PROVIDER=MODEL, like openai-custom=gpt-5"),
        ("a=x,b=y", "'a' must have the name of one model"),
        ({"a": ["x"]}, "'a' must have the name of one model; write PROVIDER = \"MODEL\""),
        (True, "must be a table"),
    ],
)
def test_wrong_default_models_say_what_would_be_right(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=r"^.*\Z") as caught:
        read_default_models(value)
    assert said in str(caught.value)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(ValueError, match=r"\.\.\.") as caught:
        read_routes("x" * 10_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "model", "caught"),
    [
        ("fast", "fast", ""),
        ("fast", "faster", None),
        ("claude-*", "claude-opus", "opus"),
        ("claude-*", "claude-", ""),
        ("claude-*", "claude", None),
        ("*-mini", "gpt-5-mini", "gpt-5"),
        ("*", "any/thing:at all\n", "any/thing:at all\n"),
        ("a*a", "a", None),
        ("a*a", "aa", ""),
        ("*-*-*", "a-b-c-d", "a"),
        ("x*-*y", "x1-2-3y", "1"),
        ("**", "ab", ""),
        ("a*b*c", "abc", ""),
        ("a*b*c", "acb", None),
        ("a*bc*c", "abc", None),
    ],
)
def test_a_star_stands_for_any_text(name: str, model: str, caught: str | None) -> None:
    assert Route(name, ("x",)).caught(model) == caught


def test_the_exact_name_is_found_before_patterns_in_their_order() -> None:
    routes = read_routes("a*=p1; ab*=p2; abc=p3")
    assert [found[0].targets for name in ("abc", "abd", "ax") if (found := routes.find(name))] == [
        ("p3",),
        ("p1",),
        ("p1",),
    ]
    assert routes.find("b") is None


@pytest.mark.parametrize(
    ("name", "parts", "head"),
    [
        ("p:m", ("p", "m"), "p"),
        ("p/m:8b", ("p", "m:8b"), "p"),
        ("p:a/b", ("p", "a/b"), "p"),
        ("q:m", None, "q"),
        ("p", None, "p"),
        ("p:", None, "p:"),
        ("/p", None, "/p"),
    ],
)
def test_a_provider_may_stand_before_a_model(name: str, parts: tuple[str, str] | None, head: str) -> None:
    assert provider_and_model(name, ["p"]) == parts
    assert head_of(name) == head


def test_default_models_are_found_by_provider() -> None:
    assert read_default_models("a=x; b=y/z:1").table == {"a": "x", "b": "y/z:1"}
    assert DefaultModels() == read_default_models("")

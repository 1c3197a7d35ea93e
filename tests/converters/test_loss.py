"""17: nothing vanishes silently, and nothing of a value is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.loss import Loss


def test_17_the_header_names_what_was_dropped_and_changed() -> None:
    loss = Loss()
    loss.drop("seed", "no such field")
    loss.drop("tools.web_search", "hosted")
    loss.change("temperature", "clamped to 1")
    loss.note("metadata", "bookkeeping")
    assert loss.header("chat", "anthropic") == "chat->anthropic; dropped=seed,tools.web_search; changed=temperature"


def test_17_without_loss_the_header_names_the_two_protocols() -> None:
    assert Loss().header("anthropic", "chat") == "anthropic->chat"


@given(st.lists(st.text(max_size=200), max_size=30))
def test_17_no_name_can_break_the_header(names: list[str]) -> None:
    """Names come from the client's JSON: CR, LF, the header's own separators and all of unicode."""
    loss = Loss()
    for name in names:
        loss.drop(name, "")
    header = loss.header("chat", "anthropic")
    assert header.isascii()
    assert header.isprintable()
    assert len(header) <= 1024
    assert header.count(";") == bool(names)
    assert header.count("=") == bool(names)


def test_17_a_long_list_is_cut_at_one_kilobyte_and_shows_it() -> None:
    loss = Loss()
    for number in range(1000):
        loss.drop(f"field{number}", "")
    header = loss.header("chat", "anthropic")
    assert len(header) == 1024
    assert header.endswith("...")


def test_the_first_reason_of_a_name_stays() -> None:
    loss = Loss()
    loss.drop("a", "first")
    loss.drop("a", "second")
    assert loss.dropped == {"a": "first"}


@pytest.mark.parametrize(("kind", "verb"), [("drop", "drop"), ("change", "change")])
def test_17_strict_refuses_each_loss_by_name(kind: str, verb: str) -> None:
    loss = Loss()
    getattr(loss, kind)("top_k", "unknown there")
    loss.refuse_if_strict(False)
    with pytest.raises(ConversionError, match=f"would {verb} `top_k`: unknown there") as caught:
        loss.refuse_if_strict(True)
    assert (caught.value.param, caught.value.code, caught.value.status) == ("top_k", "strict_conversion", 400)


def test_17_strict_lets_bookkeeping_pass() -> None:
    loss = Loss()
    loss.note("metadata", "bookkeeping")
    loss.refuse_if_strict(True)
    assert loss.header("chat", "anthropic") == "chat->anthropic"

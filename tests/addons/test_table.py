"""A table for people."""

import pytest

from addons.table import cells, shortened, table


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert table([{"id": "a", "in": "1"}, {"id": "long", "in": "1,000"}]).splitlines() == [
        "id       in",
        "a         1",
        "long  1,000",
    ]


def test_odd_texts_are_still_one_line_a_row() -> None:
    text = table([{"a": "x\ny", "in": "1"}, {"a": "\x1b[2J", "in": "1,000"}])
    assert [line.split()[-1] for line in text.splitlines()] == ["in", "1", "1,000"]
    assert "\x1b" not in text


def test_letters_that_are_two_cells_wide_do_not_move_what_follows() -> None:
    lines = table([{"a": "日本語", "b": "x"}, {"a": "e\N{COMBINING ACUTE ACCENT}", "b": "x"}]).splitlines()
    assert {cells(line.partition("x")[0]) for line in lines[1:]} == {8}


def test_the_widest_texts_are_cut_where_a_line_is_wider_than_the_terminal() -> None:
    row = {"time": "2026-11-23", "model": "m" * 50, "asked of": "p/" + "m" * 30, "in": "12", "": "Hello, world!"}
    assert {cells(line) <= 70 for line in table([row], 70).splitlines()} == {True}
    assert "Hello, world!" in table([row], 90)
    assert "m" * 50 in table([row])


def test_what_is_worth_least_is_left_out_where_even_cut_texts_have_no_room() -> None:
    row = {"time": "2026-11-23", "client": "chat", "model": "m" * 50, "asked of": "p" * 30, "status": "200", "s": "1.5"}
    spare = ("client", "asked of", "s")
    assert "client" in table([row], 60, spare)
    assert table([row], 52, spare).splitlines()[0].split() == ["time", "model", "asked", "of", "status", "s"]
    assert table([row], 40, spare).splitlines()[0].split() == ["time", "model", "status", "s"]
    assert table([row], 10, spare).splitlines()[1] == "2026-11-23  mmmmmmmmm...  200", "too wide, and whole"


@pytest.mark.parametrize(
    ("text", "expected"), [("short", "short"), ("a\n b", "a b"), ("long enough", "long..."), ("日本語日本", "日本...")]
)
def test_a_text_is_shortened_to_its_cells(text: str, expected: str) -> None:
    assert shortened(text, 7) == expected

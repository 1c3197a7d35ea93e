"""Progress on a terminal."""

import io
from itertools import count
from typing import override

from addons.dataset_export.progress import Progress


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def drawn(out: io.StringIO, items: int, step: float, total: int | None) -> list[str]:
    clock = count(0.0, step)
    assert list(Progress(out, lambda: next(clock)).over(range(items), "records read", total)) == list(range(items))
    return out.getvalue().split("\r\x1b[K")


def test_a_bar_where_the_end_is_known() -> None:
    found = drawn(Terminal(), 4, 0.2, 4)
    assert found[1] == "[======                  ]  25 %  1 records read"
    assert found[-2] == "[========================] 100 %  4 records read"
    assert found[-1].startswith("4 records read")
    assert found[-1].endswith("\n")


def test_a_count_where_it_is_not_and_not_too_often() -> None:
    found = drawn(Terminal(), 100, 0.01, None)
    assert found[1] == "1 records read"
    assert 5 <= len(found) <= 13
    assert found[-1] == "100 records read, 99 a second\n"


def test_a_file_gets_the_last_line_alone() -> None:
    assert drawn(io.StringIO(), 1234, 0.0, None) == ["1,234 records read\n"]


def test_nothing_at_all_is_said_too() -> None:
    assert drawn(io.StringIO(), 0, 1.0, 0) == ["0 records read, 0 a second\n"]

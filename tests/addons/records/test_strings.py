"""Long texts as JSON strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.records import strings
from addons.records.strings import Strings
from converters.json_codec import dumps

PIECES = st.lists(
    st.sampled_from(["ä", "𝄞", '"', "\\", "\n", "\x00", "plain words " * 9, "x" * 50, "€" * 7]), max_size=30
)


@given(st.lists(PIECES, min_size=1, max_size=5))
def test_a_text_is_written_as_any_json_writer_does_whatever_came_before(texts: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strings, "_BLOCK", 16)
        patch.setattr(strings, "_WORTH_KEEPING", 64)
        written, so_far = Strings(), ""
        for pieces in texts:
            so_far = so_far[: len(so_far) // 2] + "".join(pieces) + "end"
            assert dumps(so_far) == b"".join(written.written(so_far.encode(), "kind"))


def test_what_is_no_text_is_refused_at_any_length() -> None:
    for data in (b"\xff", b"x" * 100_000 + b"\xe2\x82"):
        with pytest.raises(UnicodeDecodeError):
            Strings().written(data, "kind")


def test_a_beginning_that_is_known_is_not_escaped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    escaped: list[int] = []

    def noted(text: str) -> bytes:
        escaped.append(len(text))
        return dumps(text)

    monkeypatch.setattr(strings, "dumps", noted)
    long, written = "some words " * 10_000, Strings()
    written.written(long.encode(), "kind")
    escaped.clear()
    assert dumps(long + "more") == b"".join(written.written(f"{long}more".encode(), "kind"))
    assert sum(escaped) < 10_000

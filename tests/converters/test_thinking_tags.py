"""7.3: a leading <think>...</think> is split off, whatever the slices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.thinking_tags import ThinkingTags


def split(pieces: list[str], tags: ThinkingTags | None = None) -> tuple[str, str]:
    tags = tags or ThinkingTags()
    found = [piece for text in pieces for piece in tags.feed(text)]
    found += tags.close()
    kinds = [kind for kind, _ in found]
    assert kinds == sorted(kinds, key=["thinking", "text"].index), "thinking comes first"
    assert all(text for _, text in found), "an empty piece says nothing"
    return "".join(t for kind, t in found if kind == "thinking"), "".join(t for kind, t in found if kind == "text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>why</think>because", ("why", "because")),
        ("\n <think>why</think>\n\nbecause", ("why", "\n\nbecause")),
        ("<think></think>because", ("", "because")),
        ("<think>why", ("why", "")),
        ("<think>a </thin b</think>c", ("a </thin b", "c")),
        ("<think>a</think>b<think>c</think>", ("a", "b<think>c</think>")),
        ("no tags <think>at the start</think>", ("", "no tags <think>at the start</think>")),
        ("<thinking>other</thinking>", ("", "<thinking>other</thinking>")),
        ("  plain", ("", "  plain")),
        ("  ", ("", "  ")),
        ("<thi", ("", "<thi")),
        ("<think>cut </thi", ("cut </thi", "")),
        ("", ("", "")),
    ],
)
def test_7_3_only_tags_at_the_very_start_are_split_off(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected
    assert split(list(text)) == expected


@given(st.lists(st.text("<think>/ \nab", max_size=4)))
def test_7_3_slices_make_no_difference(pieces: list[str]) -> None:
    assert split(pieces) == split(["".join(pieces)])


def test_7_3_once_decided_text_may_pass_unseen() -> None:
    tags = ThinkingTags()
    list(tags.feed("<think>a"))
    assert not tags.done
    list(tags.feed("</think>"))
    assert tags.done


def test_7_3_other_tags_can_be_asked_for() -> None:
    tags = ThinkingTags("<thinking>", "</thinking>")
    assert split(["<thinking>a</think", "ing>b"], tags) == ("a", "b")

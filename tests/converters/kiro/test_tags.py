"""18.1, 4.3: reasoning in tags, which a model also talks about while it thinks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.kiro.tags import QuotedTags


def split(pieces: list[str]) -> tuple[str, str]:
    tags = QuotedTags()
    found = [piece for text in pieces for piece in tags.feed(text)]
    found += tags.close()
    kinds = [kind for kind, _ in found]
    assert kinds == sorted(kinds, key=["thinking", "text"].index), "thinking comes first"
    assert all(text for _, text in found), "an empty piece says nothing"
    return "".join(t for kind, t in found if kind == "thinking"), "".join(t for kind, t in found if kind == "text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<thinking>why</thinking>\n\nbecause", ("why", "because")),
        ("\n <thinking>why</thinking>\n\nbecause", ("why", "because")),
        ("<thinking></thinking>\n\na", ("", "a")),
        ("<thinking>why</thinking>\n\n\na", ("why", "\na")),
        ("<thinking>why</thinking>", ("why", "")),
        ("<thinking>why</thinking>\n", ("why", "")),
        ("<thinking>why", ("why", "")),
        ("<thinking>why</thinki", ("why</thinki", "")),
        ("<thinking>a </thinking> b</thinking>\n\nc", ("a </thinking> b", "c")),
        ("<thinking>a</thinking>\nb</thinking>\n\nc", ("a</thinking>\nb", "c")),
        ("<thinking>say `</thinking>`\n\nb</thinking>\n\nc", ("say `</thinking>`\n\nb", "c")),
        ("<thinking>say `</thinking>\n\nb</thinking>\n\nc", ("say `</thinking>\n\nb", "c")),
        ("<thinking>the `x </thinking>\n\n`\nb</thinking>\n\nc", ("the `x </thinking>\n\n`\nb", "c")),
        ("<thinking>a '</thinking>\n\nb</thinking>\n\nc", ("a '</thinking>\n\nb", "c")),
        ("<thinking>“</thinking>\n\nb</thinking>\n\nc", ("“</thinking>\n\nb", "c")),
        ('<thinking>he said "hi"</thinking>\n\nc', ('he said "hi"', "c")),
        ('<thinking>a "</thinking>\n\n" b</thinking>\n\nc', ('a "</thinking>\n\n" b', "c")),
        ("<thinking>`a` and `b`</thinking>\n\nc", ("`a` and `b`", "c")),
        ("<thinking>`a` b</thinking>\n\nc", ("`a` b", "c")),
        ("<thinking>` old line\nb</thinking>\n\nc", ("` old line\nb", "c")),
        ("<thinking>don't</thinking>\n\nc", ("don't", "c")),
        ("<thinking>a</thinking>\n\nb<thinking>c</thinking>\n\nd", ("a", "b<thinking>c</thinking>\n\nd")),
        ("<thinking>say `</thinking>", ("say `</thinking>", "")),
        ("no <thinking>tags</thinking>\n\n", ("", "no <thinking>tags</thinking>\n\n")),
        ("<think>other</think>", ("", "<think>other</think>")),
        ("  plain", ("", "  plain")),
        ("<thi", ("", "<thi")),
        ("", ("", "")),
    ],
)
def test_4_3_the_tags_are_told_from_talk_about_them(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected
    assert split(list(text)) == expected
    assert split([text[:8], text[8:21], text[21:]]) == expected


@given(
    st.lists(st.sampled_from(["<thinking>", "</thinking>", "</thin", "king>", "\n", "`", "a ", '"', " "]), max_size=8)
)
def test_4_3_slices_make_no_difference(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert split(pieces) == split([text]) == split(list(text))


def test_4_3_once_decided_text_may_pass_unseen() -> None:
    tags = QuotedTags()
    assert list(tags.feed("<thinking>a</thinking>\n")) == [("thinking", "a")]
    assert not tags.done
    assert list(tags.feed("\nb")) == [("text", "b")]
    assert tags.done

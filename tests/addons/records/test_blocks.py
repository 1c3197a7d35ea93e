"""What bodies have in common goes to the object store; what is new stands in the record."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.records import blocks
from addons.records.blocks import BLOCK, Blocks, Cut
from addons.records.bodies import read_body, write_body
from addons.records.objects import Objects
from addons.records.reader import Records
from converters.json_codec import JsonObject, dumps, loads
from tests.addons.records.samples import TOOLS, anthropic_body, exchange, maker


def inline(body: bytes, cuts: list[Cut]) -> bytes:
    """What stands in the record itself."""
    ends = [0, *(last for _, last, _ in cuts)]
    return b"".join(
        body[at:first] for at, first in zip(ends, [*(first for first, _, _ in cuts), len(body)], strict=True)
    )


def together(body: bytes, cuts: list[Cut], store: Objects) -> bytes:
    """As it is read back from the record."""
    return read_body({}, loads(dumps(write_body(body, cuts))), store.get)


HEADS = st.sampled_from(["", '{"text":"', '{"system":"' + "ä€" * 300 + '","text":"', '{"tools":[1]   ,"text":"'])
TAILS = st.sampled_from(["", '"}', '","tools":["' + "𝄞t" * 300 + '"]}', '","tools":[], "n":17}'])
WORDS = st.lists(st.sampled_from(["ä", "𝄞", "\\n", "plain words " * 3, "€" * 7, "x" * 30]), max_size=20).map("".join)
# Which earlier text one goes on from, how much of it stays (of a hundred), what is added, which conversation it is.
STEPS = st.tuples(HEADS, TAILS, st.integers(0, 9), st.integers(0, 100), WORDS, st.booleans(), st.sampled_from("ab"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    return Objects(tmp_path_factory.mktemp("objects"))


@given(st.lists(STEPS, min_size=2, max_size=12))
def test_pieces_put_together_are_the_body_whatever_came_before(
    store: Objects, steps: list[tuple[str, str, int, int, str, bool, str]]
) -> None:
    """Conversations that grow, are edited, cut short, and take turns; and every object that is named is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 16)
        seen, texts = Blocks(store), [""]
        for head, tail, earlier, share, words, at_front, kind in steps:
            before = texts[-1 - earlier % len(texts)]
            kept = before[: len(before) * share // 100]
            texts.append(words + kept if at_front else kept + words)
            body = (head + texts[-1] + tail).encode()
            cuts = seen.cuts(body, kind)
            assert together(body, cuts, store) == body
            assert all(body[first:last] == store.get(name) for first, last, name in cuts)
            assert all(first < last for first, last, _ in cuts)


def session(calls: int, agent: int = 0) -> Iterator[bytes]:
    """Bodies of an agent: 3 KB more with each call, behind a prompt and tools that are the same."""
    messages: list[dict[str, str]] = []
    for call in range(calls):
        messages.append({"role": "user", "content": f"wörd-{agent}-{call}- " + f"€ {call} " * 350})
        yield anthropic_body(messages=messages)
        messages.append({"role": "assistant", "content": f"said-{call}-"})


def test_records_of_a_session_grow_with_it_and_not_with_its_square(tmp_path: Path) -> None:
    """Lines of 60 calls, the last of which sends 50 times as much as the first."""
    making, lines, bodies = maker(tmp_path), list[bytes](), list(session(60))
    for number, body in enumerate(bodies):
        making.look()
        lines.append(making.line(exchange(number, body=body, attempts=[])))
    assert len(bodies[-1]) > 150_000
    assert max(map(len, lines)) < 60_000, "two blocks, one stretch, what is new, references"
    assert sum(map(len, lines)) < sum(map(len, bodies)) / 2
    kept = sum(path.stat().st_size for path in (tmp_path / "objects").glob("??/*.json"))
    assert kept < 3 * len(bodies[-1]), "body, conversation, tools"
    records = Records(tmp_path)
    for line, body in zip(lines, bodies, strict=True):
        record = loads(line)
        assert isinstance(record, dict)
        assert records.request_body(record) == body


def test_agents_that_work_side_by_side_do_not_push_each_other_out(tmp_path: Path) -> None:
    making, number = maker(tmp_path), 0
    for bodies in zip(*(session(30, agent) for agent in range(12)), strict=True):
        for body in bodies:
            number += 1
            assert len(making.line(exchange(number, body=body, attempts=[]))) < 60_000


def test_every_word_stands_in_the_record_in_which_it_came_up_first(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    seen, known = Blocks(store), b""
    for call, body in enumerate(session(30)):
        cuts = seen.cuts(body, "request")
        here = inline(body, cuts)
        assert f"wörd-0-{call}-".encode() in here
        known += here
        assert all(f"wörd-0-{number}-".encode() in known for number in range(call + 1))
        if call == 29:
            assert len(here) < 3 * BLOCK
            assert b"w\xc3\xb6rd-0-0-" not in here


def test_tools_go_to_the_store_at_once_and_text_only_when_it_came_before(tmp_path: Path) -> None:
    seen = Blocks(Objects(tmp_path))
    text = "new words " * 6000
    body = json.dumps({"tools": TOOLS, "messages": [{"role": "user", "content": text}]}).encode()
    ((first, last, name),) = seen.cuts(body, "request")
    assert loads(body[first:last]) == TOOLS
    again = seen.cuts(body, "request")
    assert again[0] == (first, last, name)
    assert len(again) == 1 + (len(body) - last) // BLOCK
    assert len(seen.cuts(body, "another kind")) == 1, "it is not compared with those"


def test_a_body_that_takes_back_what_was_said_begins_its_blocks_at_the_same_places(tmp_path: Path) -> None:
    seen = Blocks(Objects(tmp_path))
    text = b"".join(b"line %d\n" % number for number in range(12_000))
    seen.cuts(text, "request")
    whole = seen.cuts(text, "request")
    shorter = seen.cuts(text[:70_000] + b"something else " * 2000, "request")
    assert shorter == whole[: 70_000 // BLOCK]


@pytest.mark.parametrize("letter", ["d", "t", "o"])
def test_what_changed_within_a_part_makes_another_of_it(tmp_path: Path, letter: str) -> None:
    """Tools of the same length, at the same place."""
    store = Objects(tmp_path)
    seen, before = Blocks(store), anthropic_body()
    changed = before.replace(b"The weather", b"The weathe" + letter.encode(), 1)
    for body in (before, changed, before, changed):
        assert together(body, seen.cuts(body, "request"), store) == body


def test_a_common_end_is_named_again_where_it_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools behind a history that grows; without another look at what they are."""
    seen = Blocks(Objects(tmp_path))
    one, other = (
        json.dumps({"messages": ["x" * size], "system": "prompt " * 100, "tools": TOOLS}).encode()
        for size in (9, 20_000)
    )
    before = seen.cuts(one, "request")
    monkeypatch.setattr(Objects, "put", None)
    after = seen.cuts(other, "request")
    shift = len(other) - len(one)
    assert after == [(first + shift, last + shift, name) for first, last, name in before]
    assert len(before) == 2


def test_a_store_that_cannot_be_written_leaves_all_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    seen = Blocks(Objects(tmp_path / "objects"))
    body = anthropic_body()
    for _ in range(2):
        with pytest.raises(OSError, match="objects"):
            seen.cuts(body, "request")
    making = maker(tmp_path)
    for number, body in enumerate(session(12)):
        record = loads(making.line(exchange(number, body=body, attempts=[])))
        assert isinstance(record, dict)
        request, talk = record["request"], record["conversation"]
        assert isinstance(request, dict)
        assert isinstance(talk, dict)
        assert request["body"] == {"text": body.decode()}
        assert b'"sha256:' not in dumps(talk)


@pytest.mark.parametrize("how", ["the folder", "folders in it"])
def test_objects_that_are_gone_are_written_again(tmp_path: Path, how: str) -> None:
    store = Objects(tmp_path / "objects")
    seen, body = Blocks(store), b"words " * 10_000
    for _ in range(2):
        store.look()
        cuts = seen.cuts(body, "request")
    assert len(cuts) == 3
    for folder in [tmp_path / "objects"] if how == "the folder" else (tmp_path / "objects").glob("??"):
        shutil.rmtree(folder)
    store.look()
    assert seen.cuts(body, "request") == cuts
    assert together(body, cuts, store) == body


def test_what_is_no_text_is_refused_and_holds_up_nobody(tmp_path: Path) -> None:
    """Also where it begins like a text that was seen before."""
    seen, text = Blocks(Objects(tmp_path)), b"words " * 10_000
    seen.cuts(text, "request")
    for _ in range(3):
        with pytest.raises(UnicodeDecodeError):
            seen.cuts(b"\xff" * 100_000, "request")
    record: JsonObject = {}
    for rest in (b"\x80" * 50_000, b"\xe2\x82", b"\xff" * 50_000):
        for _ in range(3):
            try:
                written = write_body(text + rest, seen.cuts(text + rest, "request"))
            except UnicodeDecodeError:
                written = write_body(text + rest)
            assert read_body(record, loads(dumps(written)), Objects(tmp_path).get) == text + rest
    for path in tmp_path.glob("??/*.json"):
        path.read_bytes().decode()

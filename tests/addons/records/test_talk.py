"""Conversations whose earlier turns are remembered."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.records import talk as talk_module
from addons.records.conversation import conversation
from addons.records.objects import Objects
from addons.records.reader import with_history
from addons.records.talk import Talk
from converters.json_codec import Json, dumps, loads
from converters.turns import Base64, Chat, Image, Part, Text, ToolCall, ToolResult, Turn

NUMBERS = st.sampled_from([1, 1.0, True, 0, False, -0.0])
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.sampled_from(["hi", "there"]).map(Text),
    st.builds(lambda n: ToolCall("c1", "tool", {"n": n}), NUMBERS),
    st.builds(lambda name: ToolCall("c1", name, {}), st.sampled_from(["one", "two"])),
    st.just(ToolResult("c1", [Text("done")])),
)
TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), st.lists(PARTS, max_size=2)), max_size=8)


def plain(data: bytes) -> bytes:
    return data


def spliced(written: Sequence[bytes], store: Objects) -> Json:
    """What a reader makes of them."""
    record = with_history({"conversation": {"messages": loads(b"[%b]" % b",".join(written))}}, store.get)
    return record["conversation"]["messages"]  # type: ignore[call-overload, index]


def references(written: Sequence[bytes]) -> list[bytes]:
    return [message for message in written if message.startswith(b'{"ref":')]


@given(st.lists(TURNS, max_size=6))
def test_what_is_remembered_makes_no_difference(calls: list[list[Turn]]) -> None:
    """Numbers that are equal in Python are not in JSON, and a result is named after the call before it."""
    talk = Talk(plain, None, media=False)
    for turns in calls:
        expected = dumps(conversation(Chat("m", "chat", turns=turns), None)["messages"])
        assert expected == b"[%b]" % b",".join(talk.messages(turns))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    return Objects(tmp_path_factory.mktemp("objects"))


# Which earlier conversation one goes on from, how many of its turns stay, what is new.
STEPS = st.tuples(st.integers(0, 5), st.integers(0, 100), TURNS)


@given(st.lists(STEPS, max_size=12), st.integers(1, 300))
def test_stretches_put_in_their_places_are_the_conversation(
    store: Objects, steps: list[tuple[int, int, list[Turn]]], stretch: int
) -> None:
    """Conversations that grow, are edited, cut short, and take turns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(talk_module, "STRETCH", stretch)
        talk, told = Talk(plain, store, media=False), list[list[Turn]]([[]])
        for earlier, share, new in steps:
            before = told[-1 - earlier % len(told)]
            told.append([*before[: len(before) * share // 100 + 1], *new])
            expected = conversation(Chat("m", "chat", turns=told[-1]), None)["messages"]
            assert dumps(spliced(talk.messages(told[-1]), store)) == dumps(expected)


def history(length: int, word: str = "turn") -> list[Turn]:
    return [Turn("user" if n % 2 else "assistant", [Text(f"{word} {n}")]) for n in range(length)]


def test_only_new_turns_are_redacted() -> None:
    seen: list[bytes] = []

    def redact(data: bytes) -> bytes:
        seen.append(data)
        return data.replace(b"turn 3", b"[redacted]")

    talk = Talk(redact, None, media=False)
    for number in range(4, 20, 2):
        seen.clear()
        written = talk.messages(history(number))
        talk.messages(history(6, "other"))
        assert b"".join(written).count(b"[redacted]") == 1
        assert len(seen) <= (10 if number == 4 else 2)
    talk.forget()
    seen.clear()
    talk.messages(history(18))
    assert len(seen) == 18


def long(length: int, word: str = "turn") -> list[Turn]:
    """A kilobyte each."""
    return [Turn("user" if n % 2 else "assistant", [Text(f"{word} {n}. " + "ö words " * 110)]) for n in range(length)]


def test_a_conversation_is_written_once_and_then_named(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    talk, seen = Talk(plain, store, media=False), b""
    for length in range(4, 90, 2):
        written = talk.messages(long(length))
        here = b"".join(message for message in written if message not in references(written))
        assert len(here) < talk_module.STRETCH + 4096
        assert b"turn %d." % (length - 1) in here
        seen += here
        assert len(references(written)) <= length // 16
        assert spliced(written, store) == [
            loads(message) for message in Talk(plain, None, media=False).messages(long(length))
        ]
    assert all(b"turn %d." % number in seen for number in range(88))
    kept = sum(path.stat().st_size for path in tmp_path.glob("??/*.json"))
    assert kept < 90 * 1100, "no message is in two objects"


def test_stretches_of_a_conversation_that_forks_are_shared(tmp_path: Path) -> None:
    talk = Talk(plain, Objects(tmp_path), media=False)
    one = [*long(60), Turn("user", [Text("one way")])]
    other = [*long(60), Turn("user", [Text("another")])]
    talk.messages(long(60))
    assert references(talk.messages(one)) == references(talk.messages(other)) != []
    shorter = references(talk.messages([*long(40), Turn("user", [Text("back")])]))
    assert shorter == references(talk.messages(one))[: len(shorter)] != []


def test_what_there_is_to_redact_since_is_in_no_record_after_that(tmp_path: Path) -> None:
    """Objects that hold it are not named any more."""
    store, secrets = Objects(tmp_path), [b"nothing"]
    talk = Talk(lambda data: data.replace(secrets[0], b"[redacted]"), store, media=False)
    for _ in range(3):
        before = talk.messages(long(60))
    assert references(before)
    secrets[0] = b"turn 3."
    talk.forget()
    for again in range(3):
        written = talk.messages(long(60))
        messages = dumps(spliced(written, store))
        assert messages.count(b"[redacted]") == 1
        assert secrets[0] not in messages
        assert bool(references(written)) is (again > 0)


def test_a_store_that_cannot_be_written_leaves_all_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    store = Objects(tmp_path / "objects")
    talk, expected = Talk(plain, store, media=False), Talk(plain, None, media=False)
    for length in (40, 60, 60):
        assert talk.messages(long(length)) == expected.messages(long(length))
    (tmp_path / "objects").unlink()
    store.look()
    assert references(talk.messages(long(60))), "it is, from then on"
    shutil.rmtree(tmp_path / "objects")
    (tmp_path / "objects").write_text("a file again")
    store.look()
    assert talk.messages(long(60)) == expected.messages(long(60))


def test_stretches_that_are_gone_are_written_again(tmp_path: Path) -> None:
    store = Objects(tmp_path / "objects")
    talk = Talk(plain, store, media=False)
    for _ in range(2):
        before = talk.messages(long(60))
    assert references(before)
    shutil.rmtree(tmp_path / "objects")
    store.look()
    assert talk.messages(long(60)) == before
    assert len(spliced(before, store)) == 60  # type: ignore[arg-type]


def test_what_is_remembered_has_a_size() -> None:
    """Turns hold the pictures that were sent: those of large requests, and of many, are not kept."""
    talk = Talk(plain, None, media=False)
    talk.messages(history(8, "too large"), 3_000_000)
    for number in range(10):
        talk.messages(history(8, f"talk {number}"), 2_000_000)
    assert [len(kept.turns) for kept in talk._kept] == [8] * 8
    assert sum(kept.size for kept in talk._kept) == 16_000_000


def test_pictures_are_known_of_the_conversation_that_was_written_last() -> None:
    one, two = Base64("image/png", "AAAA"), Base64("image/png", "BBBB")
    talk = Talk(plain, None, media=False)
    told = [Turn("user", [Text("look"), Image(one)]), *(Turn("user", [Text("?")]) for _ in range(4))]
    longer = [*told, Turn("user", [ToolResult("c1", [Image(two)])])]
    for turns, expected in ((told, [one]), (longer, [one, two]), (longer[:1], [one]), (longer[1:], [two])):
        talk.messages(turns)
        assert talk.media(turns) == expected
        assert talk.media(told) == [one]

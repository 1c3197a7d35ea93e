"""What a wire is: the same declaration in both roles."""

from dataclasses import FrozenInstanceError

import pytest

from converters.profile import DEFAULT
from converters.turns import Chat
from converters.wire import Ask, Limits, Wire
from converters.wires import WIRES


@pytest.mark.parametrize("wire", WIRES.values(), ids=lambda wire: wire.name)
def test_4_2_every_wire_says_what_names_and_ids_it_takes(wire: Wire) -> None:
    assert wire.limits.name_max >= 63
    assert wire.limits.id_max >= 40  # room for the ids that we synthesise: `call_` and 24 or 32 more


@pytest.mark.parametrize("wire", WIRES.values(), ids=lambda wire: wire.name)
def test_14_7_a_keep_alive_is_one_whole_frame_and_gemini_has_none(wire: Wire) -> None:
    if wire.name == "gemini":
        assert wire.keep_alive == b""
        return
    assert wire.keep_alive.endswith(b"\n\n")
    assert wire.keep_alive.count(b"\n\n") == 1


@pytest.mark.parametrize("wire", WIRES.values(), ids=lambda wire: wire.name)
def test_every_wire_makes_a_reader_with_and_without_the_request(wire: Wire) -> None:
    first, second = wire.stream_reader(DEFAULT), wire.stream_reader(DEFAULT, Chat("m", "chat"))
    assert first is not second
    assert type(first) is type(second)


def test_a_wire_is_shared_by_all_requests_and_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        WIRES["chat"].name = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Limits().name_max = 1  # type: ignore[misc]


def test_without_a_word_of_the_client_reasoning_is_shown_and_usage_is_not() -> None:
    ask = Ask("m", lambda: "x" * 24, lambda: 0)
    assert ask.show_thinking
    assert not ask.include_usage

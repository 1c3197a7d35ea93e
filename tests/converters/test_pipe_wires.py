"""Pipes between the real wires: grammar, slicing and breaks, for every pair."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from converters.errors import Kind
from tests.converters.four_wires import (
    BUSY,
    FINISHED,
    FRAMES,
    OPENINGS,
    SAID,
    STREAMS,
    TEXT,
    check,
    cut,
    pairs,
    pipe,
)


@pairs
def test_20_4_the_clients_stream_keeps_its_grammar_and_says_the_same(provider: str, client: str) -> None:
    made = pipe(provider, client)
    folded = check(client, made.feed(STREAMS[provider]) + made.close())
    assert folded.text == TEXT
    assert [(call.name, json.loads(call.arguments)) for call in folded.calls] == [("f", {"x": 1})]
    assert made.failed is None


@pairs
@settings(max_examples=15)
@given(places=st.lists(st.integers(0, 4000), max_size=40))
def test_20_2c_any_slicing_gives_the_same_bytes(provider: str, client: str, places: list[int]) -> None:
    whole, sliced = pipe(provider, client), pipe(provider, client)
    expected = whole.feed(STREAMS[provider]) + whole.close()
    assert b"".join(map(sliced.feed, cut(STREAMS[provider], places))) + sliced.close() == expected


@pairs
def test_20_2c_events_bytes_and_cuts_inside_a_character_give_the_same_bytes(provider: str, client: str) -> None:
    body = STREAMS[provider]
    whole = pipe(provider, client)
    expected = whole.feed(body) + whole.close()
    inside = [place for place in range(len(body)) if body[place] & 0xC0 == 0x80]
    assert len(inside) >= 5, "the text has characters of several bytes"
    for slices in (FRAMES[provider], [body[i : i + 1] for i in range(len(body))], cut(body, inside)):
        sliced = pipe(provider, client)
        assert b"".join(map(sliced.feed, slices)) + sliced.close() == expected


@pairs
@settings(max_examples=20)
@given(where=st.floats(0, 1), cut_off=st.booleans())
def test_14_7_wherever_a_stream_is_cut_it_never_looks_complete(
    provider: str, client: str, where: float, cut_off: bool
) -> None:
    body = STREAMS[provider]
    kept = body[: int(where * len(body))]
    made = pipe(provider, client)
    out = made.feed(kept)
    out += made.fail(Kind.BROKEN_STREAM, "reset by peer") if cut_off else made.close()
    if made.failed is None:  # only after the provider said why it stopped
        assert FINISHED[provider] in kept
        if provider != client:
            check(client, out)
    elif out:
        check(client, out, broken=True)
    else:
        assert not made.started


@pairs
def test_15_3_an_error_event_of_the_provider_ends_the_clients_stream(provider: str, client: str) -> None:
    made = pipe(provider, client)
    out = made.feed(b"".join(FRAMES[provider][: SAID[provider]])) + made.feed(BUSY[provider])
    assert made.failed is not None
    folded = check(client, out, broken=True)
    error: Any = folded.error
    assert "busy" in str(error)


@pairs
def test_15_3_an_error_event_first_of_all_can_become_an_http_error(provider: str, client: str) -> None:
    made = pipe(provider, client)
    out = made.feed(b"".join(FRAMES[provider][: OPENINGS[provider]]))
    out += made.feed(BUSY[provider])
    assert out == b""
    assert not made.started
    assert made.failed is not None
    assert made.failed.kind in (Kind.OVERLOADED, Kind.SERVER)


@pairs
@settings(max_examples=15)
@given(places=st.lists(st.integers(0, 4000), max_size=12))
def test_14_7_heartbeats_between_any_slices_leave_the_grammar_whole(
    provider: str, client: str, places: list[int]
) -> None:
    made = pipe(provider, client)
    out = b"".join(made.feed(piece) + made.heartbeat() for piece in cut(STREAMS[provider], places)) + made.close()
    folded = check(client, out)
    assert folded.text == TEXT
    assert [call.name for call in folded.calls] == ["f"]

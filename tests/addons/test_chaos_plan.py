"""The table of faults, what a client may ask for, and the choice."""

import random
import re
from collections import Counter

import pytest

from addons.chaos_plan import FARTHEST, FAULTS, WITHIN, Rates, Strike, read_rates, read_strike


def test_a_table_is_read_from_text_and_from_toml() -> None:
    rates = Rates((("429", 0.1), ("cut", 0.05)))
    assert read_rates(" 429 = 0.1 ,cut=.05,") == rates
    assert read_rates({"429": 0.1, "cut": 0.05}) == rates
    assert read_rates(rates) is rates
    assert (str(rates), rates.table) == ("429=0.1, cut=0.05", {"429": 0.1, "cut": 0.05})
    assert read_rates(str(rates)) == rates


@pytest.mark.parametrize("text", ["", "  ", ","])
def test_an_empty_table_is_none(text: str) -> None:
    assert read_rates(text) == Rates()
    assert read_rates(text).pick(0.0, 0.0) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("stal=0.1", "there is no fault 'stal'; did you mean stall?"),
        ("CUT=0.1", "did you mean cut?"),
        ("zzz=0.1", "there are 429, 500, 503, 529, reset, stall, cut, garbage; write FAULT=RATE"),
        ("cut", "cut must have a rate from 0 to 1, not ''"),
        ("cut=lots", "not 'lots'; write FAULT=RATE"),
        ("cut=1.1", "from 0 to 1, not '1.1'"),
        ("cut=-0.1", "from 0 to 1"),
        ("cut=nan", "from 0 to 1"),
        ("cut=0.1, cut=0.1", "cut is there twice"),
        ("cut=0.6, 429=0.5", "add up to 1.1"),
        ({"cut": True}, "from 0 to 1"),
        ({"cut": [0.1]}, "from 0 to 1"),
        (0.5, "must be a table"),
    ],
)
def test_a_wrong_table_is_refused_with_what_would_be_right(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_rates(value)


@pytest.mark.parametrize(
    ("text", "strike"),
    [
        ("429", Strike("429")),
        (" Reset ", Strike("reset")),
        ("stall", Strike("stall", 0)),
        ("cut", Strike("cut", 3)),
        ("garbage", Strike("garbage", 3)),
        ("cut;after=0", Strike("cut", 0)),
        ("stall; after = 12", Strike("stall", 12)),
        ("garbage;after=200b", Strike("garbage", 200, in_bytes=True)),
        ("none", None),
    ],
)
def test_what_a_client_asks_for(text: str, strike: Strike | None) -> None:
    assert read_strike(text) == strike
    assert strike is None or read_strike(str(strike)) == strike


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are 429"),
        ("stalll", "did you mean stall?"),
        ("429;after=2", "429 strikes before the first byte: it takes no 'after=2'"),
        ("cut;before=2", "'before=2' is not known here"),
        ("cut;after=-1", "'after=-1' is not known here"),
        ("cut;after=٣", "is not known here"),
        ("cut;", "'' is not known here"),
    ],
)
def test_what_cannot_be_asked_for(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_strike(text)


def test_only_a_silence_after_something_and_half_streams_strike_within() -> None:
    within = [str(strike) for fault in FAULTS for strike in (Strike(fault), Strike(fault, 1)) if strike.within]
    assert within == ["stall;after=1", "cut;after=0", "cut;after=1", "garbage;after=0", "garbage;after=1"]


def test_the_share_is_what_the_table_says() -> None:
    rates = read_rates("429=0.25, stall=0.125, cut=0.5")
    met = Counter(strike.fault if (strike := rates.pick(n / 1000, 0.5)) else "" for n in range(1000))
    assert met == {"429": 250, "stall": 125, "cut": 500, "": 125}


def test_all_of_them_can_fail() -> None:
    rates = read_rates("429=0.5, 500=0.5")
    chance = random.Random(1)
    assert None not in {rates.pick(chance.random(), 0.0) for _ in range(1000)}


def test_the_place_is_drawn_where_there_is_one() -> None:
    rates = read_rates("cut=0.5, 429=0.5")
    assert "cut" in WITHIN
    places = {strike.after for n in range(100) if (strike := rates.pick(0.1, n / 100))}
    assert places == set(range(FARTHEST + 1))
    assert rates.pick(0.9, 0.99) == Strike("429")

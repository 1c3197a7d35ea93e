"""Which fault strikes an answer, and where: what people write of it, and the choice. Chance is handed in, as numbers from 0 to 1."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import override

STATUSES = ("429", "500", "503", "529")
FAULTS = (*STATUSES, "reset", "stall", "cut", "garbage")
CALM = "none"  # what a client writes that wants no fault
WITHIN = frozenset({"stall", "cut", "garbage"})  # what can strike a stream that has begun
RATES_TEXT = "FAULT=RATE, FAULT=RATE, like 429=0.1, cut=0.05"
STRIKE_TEXT = "FAULT, FAULT;after=EVENTS or FAULT;after=BYTESb, like 429 or cut;after=3"
FARTHEST = 8  # events of a stream that pass at most before a fault by rate
USUAL = {"cut": 3, "garbage": 3}  # events that pass before a fault on demand, if the client names no number
_SHOWN = 60  # characters of a wrong text that are repeated
_AFTER = re.compile(r"after\s*=\s*(\d{1,9})(b?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault. after: how many events (in_bytes: bytes) of a stream pass before it. `str()` gives what a client would ask for it by."""

    fault: str
    after: int = 0
    in_bytes: bool = False

    @override
    def __str__(self) -> str:
        if self.fault not in WITHIN:
            return self.fault
        return f"{self.fault};after={self.after}{'b' if self.in_bytes else ''}"

    @property
    def within(self) -> bool:
        """It strikes once a stream has begun; else before a byte of the answer is out."""
        return self.fault in WITHIN and (self.fault != "stall" or self.after > 0)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each fault strikes, as a share of all answers. `str()` gives the text form."""

    rows: tuple[tuple[str, float], ...] = ()

    @override
    def __str__(self) -> str:
        return ", ".join(f"{fault}={rate:.12g}" for fault, rate in self.rows)

    @property
    def table(self) -> dict[str, float]:
        """As in TOML."""
        return dict(self.rows)

    @property
    def total(self) -> float:
        return sum(rate for _, rate in self.rows)

    def pick(self, chance: float, place: float) -> Strike | None:
        """None: this answer is spared. chance, place: 0 <= number < 1."""
        for fault, rate in self.rows:
            if chance < rate:
                return Strike(fault, int(place * (FARTHEST + 1)) if fault in WITHIN else 0)
            chance -= rate
        return None


def read_rates(value: object) -> Rates:
    """A text, or a table from TOML -> Rates. ValueError says what is wrong and shows the right form."""
    if isinstance(value, Rates):
        return value
    if isinstance(value, str):
        pieces = [piece.partition("=") for piece in value.split(",") if piece.strip()]
        entries: Iterable[tuple[str, object]] = [(name.strip(), rate.strip()) for name, _, rate in pieces]
    elif isinstance(value, Mapping):
        entries = [(str(name), rate) for name, rate in value.items()]
    else:
        raise ValueError(f"must be a table; write {RATES_TEXT}")
    rates: dict[str, float] = {}
    for name, rate in entries:
        if name in rates:
            raise ValueError(f"{name} is there twice")
        rates[_fault(name)] = _rate(name, rate)
    found = Rates(tuple(rates.items()))
    if found.total > 1 + 1e-9:
        raise ValueError(f"the rates add up to {found.total:.12g}: together they can be 1 at most")
    return found


def read_strike(text: str) -> Strike | None:
    """What a client asks for; None for `none`. ValueError says what is wrong and shows the right form."""
    name, mark, rest = (piece.strip() for piece in text.lower().partition(";"))
    if name == CALM and not mark:
        return None
    fault = _fault(name, STRIKE_TEXT)
    if not mark:
        return Strike(fault, USUAL.get(fault, 0))
    if fault not in WITHIN:
        raise ValueError(f"{fault} strikes before the first byte: it takes no {_shown(rest)}")
    after = _AFTER.fullmatch(rest)
    if after is None:
        raise ValueError(f"{_shown(rest)} is not known here; write {STRIKE_TEXT}")
    return Strike(fault, int(after[1]), bool(after[2]))


def _fault(name: str, form: str = RATES_TEXT) -> str:
    if name in FAULTS:
        return name
    near = difflib.get_close_matches(name.lower(), FAULTS, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FAULTS)}; write {form}"
    raise ValueError(f"there is no fault {_shown(name)}; {hint}")


def _rate(name: str, value: object) -> float:
    try:
        rate = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        rate = -1.0
    if not isfinite(rate) or not 0 <= rate <= 1:
        raise ValueError(f"{name} must have a rate from 0 to 1, not {_shown(str(value))}; write {RATES_TEXT}")
    return rate


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")

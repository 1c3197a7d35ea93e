"""What a Gemini model takes, judged by its name. One row a family; the first row whose pattern is found wins.

Source: conversion tables 6, 7.1 and 8, and the vendor's model pages (read 2026-11).
"""

import re
from dataclasses import dataclass

from converters.turns import Effort


@dataclass(frozen=True, slots=True)
class Model:
    """levels: of `thinkingLevel`, () if it takes none. budget: (least, most) tokens of `thinkingBudget`, None if it takes
    none; can_stop: a budget of 0 is possible too. newer: Gemini 3 and later, which echo call ids, take media inside results,
    JSON answers beside tools, and refuse calls of a running step without a signature."""

    levels: tuple[Effort, ...] = ()
    budget: tuple[int, int] | None = None
    can_stop: bool = False
    newer: bool = False


_FLASH: tuple[Effort, ...] = ("minimal", "low", "medium", "high")
_NEWER_FLASH = Model(levels=_FLASH, newer=True)
_ROWS = tuple(
    (re.compile(pattern), model)
    for pattern, model in (
        (r"gemini-3-pro", Model(levels=("low", "high"), newer=True)),
        (r"gemini-(?:[3-9]|[1-9]\d)(?:\.\d+)?-pro|gemini-pro-latest", Model(levels=_FLASH[1:], newer=True)),
        (r"gemini-(?:[3-9]|[1-9]\d)(?:\D|$)|gemini-flash(?:-lite)?-latest", _NEWER_FLASH),
        (r"gemini-2\.5-flash-lite", Model(budget=(512, 24576), can_stop=True)),
        (r"gemini-2\.5-flash-image|gemini-2\.5-computer", Model()),
        (r"gemini-2\.5-flash", Model(budget=(0, 24576), can_stop=True)),
        (r"gemini-2\.5", Model(budget=(128, 32768))),
    )
)
_OLDER = Model()


def gemini_model(name: str) -> Model:
    """An unknown model is an older one: nothing is sent that it may refuse."""
    bare = name.lower().rsplit("/", 1)[-1]
    return next((model for pattern, model in _ROWS if pattern.match(bare)), _OLDER)

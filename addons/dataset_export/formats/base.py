"""What a format is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from addons.dataset_export.example import Example, Losses, Options, Reasoning
from converters.json_codec import JsonObject

type Unit = Literal["branch", "turn", "pair", "record"]
type Column = Literal["objects", "pairs", "tools", "string", "bool", "int64", "float64"]

ALL_REASONING: tuple[Reasoning, ...] = ("drop", "reasoning_content", "thinking", "think-tags")


@dataclass(frozen=True, slots=True)
class Format:
    """write: an example as a row, or None if the format cannot hold it; names what it leaves out in the losses.

    unit: what a row is by default; a format of branches can be written by turn as well. columns: what `datasets` shall read them
    as: lists of objects, lists of ShareGPT's pairs, strings ...; `tools` are what `Options.strings` says. llama_factory: the entry
    of its `dataset_info.json` but for the file's name. axolotl: lines of a `datasets:` entry but for its path; both empty where that
    program does not read the format.
    """

    name: str
    about: str
    unit: Unit
    write: Callable[[Example, Options, Losses], JsonObject | None] = field(repr=False)
    columns: Mapping[str, Column]
    reasoning: tuple[Reasoning, ...] = ALL_REASONING
    llama_factory: JsonObject = field(default_factory=dict)
    axolotl: tuple[str, ...] = ()

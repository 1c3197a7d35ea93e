"""The values of the settings `routes` and `default_models`: how people write them, and what they say of a model's name.

As text (flag, environment, mitmproxy option): `NAME=TARGET,TARGET; NAME=TARGET`. In TOML: a table of texts or lists of texts.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import override

ROUTES_TEXT = "NAME=TARGET,TARGET; NAME=TARGET, like fast=openai-custom:gpt-5-mini; claude-*=claude-custom,gpt-5"
ROUTES_TABLE = '"NAME" = "PROVIDER:MODEL", or a list of such targets'
MODELS_TEXT = "PROVIDER=MODEL; PROVIDER=MODEL, like openai-custom=gpt-5; claude-custom=claude-sonnet-4-5"
MODELS_TABLE = 'PROVIDER = "MODEL"'
_SHOWN = 60  # characters of a wrong text that are repeated
_WORD = re.compile(r"[^\s,;=]+")
_PREFIXED = re.compile(r"([^:/]+)[:/](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Route:
    """name: of a model as clients write it; `*` in it stands for any text. targets: as written, in the order to try."""

    name: str
    targets: tuple[str, ...]

    def caught(self, model: str) -> str | None:
        """What the first `*` stands for in `model` (the shortest text, if several fit), None if the name does not match.

        Takes time in proportion to the name's length, whatever a client sends.
        """
        first, *rest = self.name.split("*")
        if not rest:
            return "" if model == first else None
        *middle, last = rest
        at, end = len(first), len(model) - len(last)
        if end < at or not model.startswith(first) or not model.endswith(last):
            return None
        edge = None
        for piece in middle:
            found = model.find(piece, at, end)
            if found < 0:
                return None
            edge = found if edge is None else edge
            at = found + len(piece)
        return model[len(first) : end if edge is None else edge]


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, in the order they were written in. `str()` gives the text form."""

    rows: tuple[Route, ...] = ()
    _exact: Mapping[str, Route] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", {row.name: row for row in self.rows if "*" not in row.name})

    @override
    def __str__(self) -> str:
        return "; ".join(f"{row.name}={','.join(row.targets)}" for row in self.rows)

    @property
    def table(self) -> dict[str, list[str]]:
        """As in TOML."""
        return {row.name: list(row.targets) for row in self.rows}

    @property
    def names(self) -> tuple[str, ...]:
        """Those without a `*`: names of models that clients can be shown."""
        return tuple(self._exact)

    def find(self, model: str) -> tuple[Route, str] | None:
        """The route of exactly this name, else the first whose `*` match, with what its first `*` stands for."""
        if (exact := self._exact.get(model)) is not None:
            return exact, ""
        return next(((row, caught) for row in self.rows if (caught := row.caught(model)) is not None), None)


@dataclass(frozen=True, slots=True)
class DefaultModels:
    """The model that `default` stands for, by provider. `str()` gives the text form."""

    pairs: tuple[tuple[str, str], ...] = ()

    @override
    def __str__(self) -> str:
        return "; ".join(f"{provider}={model}" for provider, model in self.pairs)

    @property
    def table(self) -> dict[str, str]:
        """As in TOML."""
        return dict(self.pairs)


def provider_and_model(name: str, known: Collection[str]) -> tuple[str, str] | None:
    """`claude-custom:opus` or `claude-custom/opus` -> both parts; None when what stands first is no provider's name."""
    found = _PREFIXED.fullmatch(name)
    return (found[1], found[2]) if found and found[1] in known else None


def head_of(target: str) -> str:
    """What stands before the first `:` or `/`."""
    found = _PREFIXED.fullmatch(target)
    return found[1] if found else target


def read_routes(value: object) -> Routes:
    """A text, or a table from TOML -> Routes. ValueError says what is wrong and shows the right form."""
    if isinstance(value, Routes):
        return value
    form = ROUTES_TEXT if isinstance(value, str) else ROUTES_TABLE
    return Routes(tuple(_route(name, targets, form) for name, targets in _entries(value, form)))


def read_default_models(value: object) -> DefaultModels:
    """A text, or a table from TOML -> DefaultModels. ValueError says what is wrong and shows the right form."""
    if isinstance(value, DefaultModels):
        return value
    form = MODELS_TEXT if isinstance(value, str) else MODELS_TABLE
    pairs = []
    for provider, model in _entries(value, form):
        if not isinstance(model, str) or not _is_word(model.strip()):
            raise ValueError(f"{_shown(provider)} must have the name of one model; write {form}")
        pairs.append((provider, model.strip()))
    return DefaultModels(tuple(pairs))


def _entries(value: object, form: str) -> list[tuple[str, object]]:
    """The rows of a text or a table, their names checked."""
    if isinstance(value, str):
        entries = [_entry(piece.strip(), form) for piece in value.split(";") if piece.strip()]
    elif isinstance(value, Mapping):
        entries = [(str(name), rest) for name, rest in value.items()]
    else:
        raise ValueError(f"must be a table; write {form}")
    names = [name for name, _ in entries]
    for name in names:
        if not _is_word(name):
            raise ValueError(f"{_shown(name)} cannot be a name; write {form}")
        if names.count(name) > 1:
            raise ValueError(f"{_shown(name)} is there twice; write {form}")
    return entries


def _entry(piece: str, form: str) -> tuple[str, object]:
    name, _, rest = piece.partition("=")
    if not name.strip() or not rest.strip():
        raise ValueError(f"{_shown(piece)} is not complete; write {form}")
    return name.strip(), rest


def _route(name: str, value: object, form: str) -> Route:
    if isinstance(value, Mapping):
        dotted = f"{name}.{next(iter(value), '')}"
        raise ValueError(f'a name with a dot goes in quotes: "{dotted[:_SHOWN]}" = "PROVIDER:MODEL"')
    found = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [None]
    targets = tuple(target.strip() if isinstance(target, str) else "" for target in found)
    if not targets:
        raise ValueError(f"{_shown(name)} has no target; write {form}")
    for target in targets:
        if not _is_word(target) or target.endswith((":", "/")):
            raise ValueError(f"{_shown(name)} has a target that cannot be one, {_shown(target)}; write {form}")
        if "*" in target and "*" not in name:
            raise ValueError(f"{_shown(name)}: `*` in {_shown(target)} stands for nothing, the name has no `*`")
    return Route(name, targets)


def _is_word(text: str) -> bool:
    return text.isprintable() and _WORD.fullmatch(text) is not None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")

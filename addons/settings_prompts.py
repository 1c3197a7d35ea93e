"""The values of the settings `system_prompts` and `system_prompt_replacements`: how people write them, and whom a rule is for.

As text (flag, environment, mitmproxy option): `WHO=MODE:FILE; WHO=MODE:FILE`, or the table as JSON. In TOML: a table of texts or of
tables. Replacements are a list of pairs in TOML, and the same as JSON in a text.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, override

from converters.system_prompt import MODES, Mode

type Choice = Mode | Literal["none"]

CHOICES: tuple[Choice, ...] = (*MODES, "none")
KINDS = ("client", "provider", "route")
RULES_TEXT = "WHO=MODE:FILE; WHO=MODE:FILE, like client:claude-cli=append:~/claude.md; provider:gemini-custom=none"
RULES_TABLE = '"WHO" = "MODE:FILE" or { mode, file or text, replacements }'
REPLACEMENTS = '[{"old": "TEXT", "new": "TEXT"}]'
_MEMBERS = ("mode", "file", "text", "replacements")
_SHOWN = 60  # characters of a wrong text that are repeated


@dataclass(frozen=True, slots=True)
class Replacements:
    """(old, new), in the order they are applied. `str()` gives the text form."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @override
    def __str__(self) -> str:
        return json.dumps(self.table, ensure_ascii=False) if self.pairs else ""

    @property
    def table(self) -> list[dict[str, str]]:
        """As in TOML."""
        return [{"old": old, "new": new} for old, new in self.pairs]


@dataclass(frozen=True, slots=True)
class PromptRule:
    """who: (kind, name), which must all fit; a name's last `*` stands for any text. replacements None: those of the setting."""

    who: tuple[tuple[str, str], ...]
    mode: Choice
    file: str = ""
    text: str = field(default="", repr=False)
    replacements: Replacements | None = None

    @property
    def name(self) -> str:
        """As it is written."""
        return "+".join(f"{kind}:{name}" for kind, name in self.who)

    def fits(self, **names: str) -> bool:
        """names: by kind, as far as they are known; what is not known may be anything."""
        return all(is_meant(kind, name, names[kind]) for kind, name in self.who if kind in names)


@dataclass(frozen=True, slots=True)
class PromptRules:
    """All rules, in the order they were written in. `str()` gives a text form."""

    rows: tuple[PromptRule, ...] = ()

    @override
    def __str__(self) -> str:
        if all(isinstance(entry, str) and ";" not in entry for entry in self.table.values()):
            return "; ".join(f"{name}={entry}" for name, entry in self.table.items())
        return json.dumps(self.table, ensure_ascii=False)

    @property
    def table(self) -> dict[str, object]:
        """As in TOML."""
        return {row.name: _written(row) for row in self.rows}


def is_meant(kind: str, pattern: str, name: str) -> bool:
    """Clients are compared without case: what they call themselves changes. name: "" for none, which nothing means."""
    if kind == "client":
        pattern, name = pattern.casefold(), name.casefold()
    return name.startswith(pattern[:-1]) and name != "" if pattern.endswith("*") else name == pattern


def _written(rule: PromptRule) -> object:
    if not rule.text and rule.replacements is None:
        return f"{rule.mode}:{rule.file}" if rule.file else rule.mode
    said: dict[str, object] = {"mode": rule.mode}
    said |= {name: value for name, value in (("file", rule.file), ("text", rule.text)) if value}
    return said if rule.replacements is None else {**said, "replacements": rule.replacements.table}


# --- reading ---


def read_replacements(value: object) -> Replacements:
    """A list of pairs, or such a list as JSON -> Replacements. ValueError says what is wrong and shows the right form."""
    if isinstance(value, Replacements):
        return value
    if isinstance(value, str):
        value = _json(value, REPLACEMENTS) if value.strip() else []
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of pairs; write {REPLACEMENTS}")
    return Replacements(tuple(map(_pair, value)))


def _pair(value: object) -> tuple[str, str]:
    match value:
        case {"old": str(old), "new": str(new), **more} if old and not more:
            return old, new
        case [str(old), str(new)] if old:
            return old, new
    raise ValueError(f"each must be a pair of texts, the old one not empty; write {REPLACEMENTS}")


def read_prompt_rules(value: object) -> PromptRules:
    """A text, or a table from TOML -> PromptRules. ValueError says what is wrong and shows the right form."""
    if isinstance(value, PromptRules):
        return value
    form = RULES_TABLE
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _json(value, RULES_TEXT)
    elif isinstance(value, str):
        form = RULES_TEXT
        value = _entries(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a table; write {form}")
    return PromptRules(tuple(_rule(str(who), said, form) for who, said in value.items()))


def _json(text: str, form: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}); write {form}") from None


def _entries(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in filter(None, map(str.strip, text.split(";"))):
        who, _, said = (part.strip() for part in piece.partition("="))
        if not who or not said:
            raise ValueError(f"{_shown(piece)} is not complete; write {RULES_TEXT}")
        if who in found:
            raise ValueError(f"{_shown(who)} is there twice; write {RULES_TEXT}")
        found[who] = said
    return found


def _rule(who: str, said: object, form: str) -> PromptRule:
    people = _who(who, form)
    if isinstance(said, str):
        mode, _, named = (part.strip() for part in said.partition(":"))
        members: dict[str, object] = {"mode": mode, "file": named}
    elif isinstance(said, Mapping):
        members = {str(name): value for name, value in said.items()}
    else:
        raise ValueError(f"{_shown(who)} must have {form}")
    for name in members:
        if name not in _MEMBERS:
            raise ValueError(f"{_shown(who)}: {_shown(name)} is not known{_nearest(name, _MEMBERS)}")
    chosen = members.get("mode", "")
    choice = next((each for each in CHOICES if each == chosen), None)
    if choice is None:
        raise ValueError(f"{_shown(who)}: there is no mode {_shown(str(chosen))}{_nearest(str(chosen), CHOICES)}")
    file, text = members.get("file", ""), members.get("text", "")
    if not isinstance(file, str) or not isinstance(text, str):
        raise ValueError(f"{_shown(who)}: file and text must be texts")
    pairs = read_replacements(members["replacements"]) if "replacements" in members else None
    takes_text = choice not in ("replace", "none")
    if sum(bool(each.strip()) for each in (file, text)) != takes_text:
        raise ValueError(f"{_shown(who)}: {choice} takes {'a file or a text' if takes_text else 'no file and no text'}")
    if pairs is not None and choice in ("overwrite", "none"):
        raise ValueError(f"{_shown(who)}: {choice} leaves nothing to replace")
    if file:
        readable(file, f"{_shown(who)}: ")
    return PromptRule(people, choice, file, text, pairs)


def _who(text: str, form: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for piece in text.split("+"):
        kind, colon, name = (part.strip() for part in piece.partition(":"))
        if not colon or kind not in KINDS:
            raise ValueError(f"{_shown(text)}: {_shown(piece)} is nobody{_nearest(kind, KINDS)}; write {form}")
        if not name or not name.isprintable() or "=" in name or ";" in name:
            raise ValueError(f"{_shown(text)}: {_shown(name)} cannot be a name; write {form}")
        if kind in found:
            raise ValueError(f"{_shown(text)}: {kind} is there twice; write {form}")
        found[kind] = name
    return tuple(found.items())


def readable(file: str, where: str = "") -> str:
    """The file's name. ValueError for what cannot be read as text."""
    try:
        Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        named = f"{file} " if where else ""
        raise ValueError(f"{where}{named}must be a text file that can be read") from None
    return file


def _nearest(name: str, known: Iterable[str]) -> str:
    known = tuple(known)
    near = difflib.get_close_matches(name.lower(), known, 1)
    return f"; did you mean {near[0]}?" if near else f", only {', '.join(known)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")

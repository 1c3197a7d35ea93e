"""Which recorded request means the same as a new one, and if none does, which comes nearest and what differs.

Two requests are the same when their conversations are: system prompt, tools and turns, compared as `dataset_export.keys` does it. The
model, sampling and the protocol they were written in do not count; where several answers fit, those go first whose dates are the same,
then those of the same model and form.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff

from addons.dataset_export.keys import Key, Step, alike, digest, link, setting, sketch, steps
from addons.dataset_export.shapes import as_object, as_text, objects, text_of
from addons.dataset_export.volatile import lasting
from converters.json_codec import Json, JsonObject

_SHOWN = 160  # characters of a text
_KEPT = 480  # of a turn
_BEFORE = 40  # that are shown before the place where two differ
_LONG_SYSTEM = 400  # characters; a shorter system prompt must be the same, a longer one may differ in its middle (folder, date, files)
_COMPARED = 200  # of the turns that could have come next
_LINES = 6  # of a system prompt
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DATED = re.compile(
    r"\b(?=[\dA-Z]|[a-f][\da-f]{7}-)(?:"  # most words are passed over at once
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?"
    r"|\d\d:\d\d:\d\d(?:\.\d+)?|\d{1,2}/\d{1,2}/\d{4}"
    rf"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}\.? {_MONTH}),? \d{{4}}"
    r"|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}"  # an id, as new each time as a date
    r")\b"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around the turns. key: of all of it. words: sketch of a long system prompt, b"" of a short one."""

    key: Key
    system: str = field(repr=False)
    tools: tuple[str, ...]
    words: bytes = field(repr=False)

    def like(self, other: "Setting") -> bool:
        """The same program's: its long system prompt begins and ends alike, and the tools have the same names."""
        return self.tools == other.tools and bool(self.words and other.words) and alike(self.words, other.words)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. action: what is wanted. chain: for each turn a key of it and all before it, without dates; exact: of all turns, with
    them. said: how each begins, for people. model, form: what decides between answers to the same, too; form: protocol and way of
    answering."""

    action: str
    chain: tuple[Key, ...]
    exact: Key
    said: tuple[str, ...] = field(repr=False)
    setting: Setting
    model: str
    form: tuple[str, ...]

    @property
    def key(self) -> tuple[str, Key]:
        return self.action, self.chain[-1] if self.chain else self.action.encode()


def asked(action: str, conversation: JsonObject, model: str, form: tuple[str, ...]) -> Asked:
    """conversation: as in a record, with its lists."""
    plain = {name: undated(conversation.get(name)) for name in ("system", "tools", "messages")}
    found = steps(objects(plain["messages"]))
    chain = _chain(action, found)
    exact = _chain(action, steps(objects(conversation.get("messages"))))
    said = tuple(f"{step.side}: {' '.join(step.text[: 2 * _KEPT].split())}"[:_KEPT] for step in found)
    return Asked(action, chain, exact[-1] if exact else b"", said, setting_of(plain), model, form)


def _chain(action: str, found: Iterable[Step]) -> tuple[Key, ...]:
    above, chain = action.encode(), []
    for step in found:
        chain.append(above := link(above, step.key))
    return tuple(chain)


def undated(value: Json) -> Json:
    """The same with one word in the place of every date."""
    match value:
        case str():
            return _DATED.sub("<date>", value)
        case list():
            return [undated(item) for item in value]
        case dict():
            return {name: undated(inner) for name, inner in value.items()}
    return value


def asked_by_name(action: str, name: str, form: tuple[str, ...]) -> Asked:
    """A request that is no conversation, like one for a stored answer."""
    key = digest([action, name])
    return Asked(action, (key,), key, (_brief(name),), setting_of({}), "", form)


def setting_of(conversation: JsonObject) -> Setting:
    """Of a tool counts what every protocol has of it: name, description, parameters."""
    tools = sorted(objects(conversation.get("tools")), key=lambda tool: as_text(tool.get("name")))
    plain = [{name: tool.get(name) for name in ("name", "description", "parameters")} for tool in tools]
    system = "\n".join(lasting(text) for text in text_of(conversation.get("system")))
    return Setting(
        setting({"system": [{"type": "text", "text": system}], "tools": [*plain]}),
        system,
        tuple(as_text(tool.get("name")) for tool in tools),
        sketch(system) if len(system) >= _LONG_SYSTEM else b"",
    )


@dataclass(frozen=True, slots=True)
class Entry[A]:
    """A recorded request that has an answer."""

    id: str
    exact: Key
    model: str
    form: tuple[str, ...]
    setting: Setting
    answer: A


@dataclass(slots=True)
class _Node:
    """A turn in its place. below: what came next there, by key."""

    said: str
    below: dict[Key, None] = field(default_factory=dict)


class Index[A]:
    """Entries by what was asked, in recorded order. Keeps hashes and beginnings of turns, no conversations."""

    def __init__(self) -> None:
        self.count = 0
        self.models: dict[str, None] = {}
        self._entries: dict[tuple[str, Key], list[Entry[A]]] = {}
        self._nodes: dict[Key, _Node] = {}
        self._settings: dict[Key, Setting] = {}
        self._served: dict[tuple[str, int], int] = {}  # (first of the group, its length) -> how often

    def add(self, asked: Asked, id_: str, answer: A) -> None:
        setting = self._settings.setdefault(asked.setting.key, asked.setting)
        self._entries.setdefault(asked.key, []).append(
            Entry(id_, asked.exact, asked.model, asked.form, setting, answer)
        )
        above = asked.action.encode()
        for key, said in zip(asked.chain, asked.said, strict=True):
            self._nodes.setdefault(above, _Node("")).below.setdefault(key)
            self._nodes.setdefault(key, _Node(said))
            above = key
        self.count += 1
        if asked.model:
            self.models.setdefault(asked.model)

    def take(self, asked: Asked) -> Entry[A] | None:
        """The answer that is next: to the same request asked again the next one recorded, then the last one again."""
        group = self._group(asked)
        if not group:
            return None
        mark = group[0].id, len(group)
        number = self._served.get(mark, 0)
        self._served[mark] = number + 1
        return group[min(number, len(group) - 1)]

    def _group(self, asked: Asked) -> Sequence[Entry[A]]:
        there = self._entries.get(asked.key, [])
        group = [entry for entry in there if entry.setting.key == asked.setting.key]
        if not group:
            near = next((entry.setting.key for entry in there if entry.setting.like(asked.setting)), None)
            group = [entry for entry in there if entry.setting.key == near]
        group = [entry for entry in group if entry.exact == asked.exact] or group
        group = [entry for entry in group if entry.model == asked.model] or group
        return [entry for entry in group if entry.form == asked.form] or group

    # --- what comes nearest ---

    def nearest(self, asked: Asked) -> str:
        """For people: the id of the recorded request that is most like it, and what differs."""
        if not any(action == asked.action for action, _ in self._entries):
            return f"nothing of the kind {asked.action!r} is recorded"
        place, depth = asked.action.encode(), 0
        while depth < len(asked.chain) and asked.chain[depth] in self._nodes:
            place, depth = asked.chain[depth], depth + 1
        if depth < len(asked.chain):
            said = asked.said[depth]
            other = self._likest(place, said)
            if other is None:
                id_ = self._below(place, asked.action)
                return f"the nearest is {id_}, which ends before turn {depth + 1} ({_brief(said)!r})"
            id_ = self._below(other, asked.action)
            return f"the nearest is {id_}; turn {depth + 1} differs: {_differ(self._nodes[other].said, said)}"
        there = self._entries.get(asked.key)
        if not there:
            return f"the nearest is {self._below(place, asked.action)}, which goes on from here with more turns"
        entry = max(there, key=lambda entry: (entry.setting.tools == asked.setting.tools, entry.model == asked.model))
        return f"the nearest is {entry.id}; " + "; ".join(_settings_differ(entry.setting, asked.setting))

    def _likest(self, place: Key, said: str) -> Key | None:
        below = list(self._nodes[place].below)[:_COMPARED] if place in self._nodes else []
        return max(below, key=lambda key: SequenceMatcher(None, self._nodes[key].said, said).ratio(), default=None)

    def _below(self, place: Key, action: str) -> str:
        """A recorded request with this beginning."""
        while (found := self._entries.get((action, place))) is None:
            place = next(iter(self._nodes[place].below))
        return found[0].id


def _settings_differ(recorded: Setting, asked: Setting) -> Iterator[str]:
    if recorded.tools != asked.tools:
        more, less = set(asked.tools) - set(recorded.tools), set(recorded.tools) - set(asked.tools)
        words = [f"{verb} {', '.join(sorted(names))}" for verb, names in (("more:", more), ("missing:", less)) if names]
        yield f"the tools differ ({'; '.join(words) or 'one is there twice'})"
    if recorded.system != asked.system:
        lines = unified_diff(recorded.system.splitlines(), asked.system.splitlines(), lineterm="", n=0)
        changed = [_brief(line) for line in lines if line[:1] in "+-" and line[:3] not in ("---", "+++")]
        yield "the system prompt differs: " + " | ".join(changed[:_LINES]) + (" ..." if len(changed) > _LINES else "")
    elif recorded.tools == asked.tools:
        yield "a tool's description or parameters differ"


def _differ(recorded: str, asked: str) -> str:
    """Both from the place on where they differ."""
    differing = (n for n, (one, other) in enumerate(zip(recorded, asked, strict=False)) if one != other)
    same = next(differing, min(len(recorded), len(asked)))
    if same == len(recorded) == len(asked):
        return f"it begins as recorded, {_brief(asked)!r}, and goes on in another way"
    start = same - _BEFORE if same > _BEFORE + 20 else 0
    shown = [_brief(("..." if start else "") + text[start:]) for text in (recorded, asked)]
    return f"recorded {shown[0]!r}, asked {shown[1]!r}"


def _brief(text: str) -> str:
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


def conversation_of(record: JsonObject) -> JsonObject | None:
    """None if it has none, or only references whose objects are missing."""
    talk = as_object(record.get("conversation"))
    missing: Iterable[object] = (talk.get("system"), talk.get("tools"))
    return talk if talk and all(isinstance(value, list) for value in missing) else None

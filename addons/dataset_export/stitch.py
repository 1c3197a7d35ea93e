"""Stitching: agents send the whole history with every call; a prefix tree joins the calls of one conversation again.

A node is a turn in its place: a hash of what it says and of all that was said before. A call walks down the tree along its
history, and its answer is a node below. Where two calls go apart there is a fork: an edited message, a second answer, a side
task (memory, compaction) on the same history. Only hashes are kept, no texts: 100,000 calls need some 100 MB.

Pure: records in, turns out. Records should come in the order in which they ended, as the recorder writes them; in any other
order each answer still comes out once, but a conversation may show more forks than it had.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from addons.dataset_export.facts import Facts, facts_of
from addons.dataset_export.keys import Key, Step, alike, digest, link, setting, sketch, steps
from addons.dataset_export.shapes import as_object, as_text, objects
from addons.records.prompt import NAME
from converters.json_codec import Json, JsonObject

type Why = Literal["sub-agent", "compaction"]

_LONG = 40  # characters: shorter lines and arguments say the same in too many conversations to link any


@dataclass(slots=True, eq=False)
class Node:
    """A turn in its place. turns: the recorded calls that ended here; of a history that was not recorded there are none.
    top: key of the first node of its conversation. words: sketch of a user's turn. below: how many nodes follow directly."""

    key: Key
    above: "Node | None"
    answer: bool
    top: Key
    words: bytes = b""
    below: int = 0
    turns: list["Turn"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Turn:
    """An assistant's turn that was recorded. prompt: key of all it answered. setting: of system prompt and tools.
    repeats: further records of the very same call and answer."""

    facts: Facts
    node: Node
    prompt: Key
    setting: Key
    repeats: int = 0

    def same_call(self, other: "Turn") -> bool:
        """Of two turns in one place: the same client asked the same with the same system prompt and tools."""
        mine, its = self.facts, other.facts
        return (self.setting, mine.protocol, mine.agent) == (other.setting, its.protocol, its.agent)

    @property
    def path(self) -> list[Node]:
        """The nodes from the first turn of the conversation down to this one."""
        found = [self.node]
        while (above := found[-1].above) is not None:
            found.append(above)
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Origin:
    """The turn that a conversation was started by: a tool call whose argument it begins with, or a summary it goes on from.
    id: of that turn's record; top: of its conversation."""

    why: Why
    id: str
    top: Key


class Stitched:
    """The tree. Give it records with `add`, then read `turns`, each assistant turn once, in the order in which they came.

    repeated: calls left out as an earlier one was the same in every respect. unanswered: records without an answer. wordless: calls
    left out as nothing was said in the answer. twice: records whose id had been there already. rejoined: histories whose message a
    client had changed (a reminder put in or taken out) and that were joined nevertheless.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.origins: dict[Key, Origin] = {}  # by key of a conversation's top
        self.places: dict[str, Key] = {}  # id of a record -> its conversation's top, b"" if it has no answer
        self.repeated = self.unanswered = self.wordless = self.rejoined = self.read = self.twice = 0
        self._nodes: dict[Key, Node] = {}
        # (what was before, the answer) -> the message between; None: several
        self._user_before: dict[Key, Node | None] = {}
        self._tops: set[Key] = set()
        self._asked: dict[Key, Origin] = {}  # a long argument of a tool call
        self._lines: dict[Key, Origin] = {}  # the longest line of an answer

    def add(self, record: JsonObject, keep: Callable[[Facts], bool] = lambda _: True) -> Turn | None:
        """Put one record in. keep: whether its answer is wanted; its history counts all the same.

        Returns its turn, or None if it has no answer, says nothing, is not wanted, or repeats a turn.
        """
        facts = facts_of(record)
        if facts.id in self.places:
            self.twice += 1
            return None
        self.places[facts.id] = b""
        self.read += 1
        conversation = as_object(record.get("conversation"))
        answer = as_object(conversation.get("answer"))
        if not answer.get("parts"):
            self.unanswered += 1
            return None
        found = steps([*objects(conversation.get("messages")), answer])
        node = self._walk(found)
        self.places[facts.id] = node.top
        self._place(found[0], node)
        self._remember(facts.id, node, found[-1], objects(answer.get("parts")))
        if not keep(facts):
            return None
        if facts.wordless:
            self.wordless += 1
            return None
        prompt = node.above.key if node.above else b""
        turn = Turn(facts, node, prompt, setting(conversation, record.get(NAME)))
        for other in node.turns:
            if other.same_call(turn):
                other.repeats += 1
                self.repeated += 1
                return None
        node.turns.append(turn)
        self.turns.append(turn)
        return turn

    def _walk(self, found: list[Step]) -> Node:
        """Down the tree along a history, making what is new."""
        node: Node | None = None
        for at, step in enumerate(found):
            key = link(node.key if node else b"", step.key)
            following = found[at + 1] if at + 2 < len(found) else None  # the last one is new, not sent again
            node = self._nodes.get(key) or self._changed(node, step, following) or self._make(node, key, step)
        assert node is not None
        return node

    def _make(self, above: Node | None, key: Key, step: Step) -> Node:
        made = Node(key, above, step.side == "assistant", above.top if above else key)
        if above:
            above.below += 1
        if step.side == "user":
            made.words = sketch(step.text)
        elif above:
            between = link(above.above.key if above.above else b"", step.key)
            if self._user_before.setdefault(between, above) is not above:
                self._user_before[between] = None
        self._nodes[key] = made
        return made

    def _changed(self, above: Node | None, step: Step, following: Step | None) -> Node | None:
        """A message that says almost the same as a known one and got the same answer: the client has put something in or out."""
        if step.side != "user" or following is None:
            return None
        other = self._user_before.get(link(above.key if above else b"", following.key))
        if other is None or not alike(other.words, sketch(step.text)):
            return None
        self.rejoined += 1
        return other

    def _remember(self, id_: str, node: Node, step: Step, parts: list[JsonObject]) -> None:
        """What a later conversation may begin with."""
        line = max(step.text.splitlines(), key=len, default="").strip()
        if len(line) >= _LONG:
            self._lines.setdefault(digest(line), Origin("compaction", id_, node.top))
        for part in parts:
            if part.get("type") == "tool_call":
                for text in _strings(part.get("arguments")):
                    self._asked.setdefault(digest(text), Origin("sub-agent", id_, node.top))

    def _place(self, first: Step, node: Node) -> None:
        """Of a new conversation: where it comes from."""
        if node.top in self._tops:
            return
        self._tops.add(node.top)
        lines = (digest(text) for line in first.text.splitlines() if len(text := line.strip()) >= _LONG)
        found = self._asked.get(digest(first.text)) or next(
            (self._lines[key] for key in lines if key in self._lines), None
        )
        if found and found.top != node.top:
            self.origins[node.top] = found

    def family(self, turn: Turn) -> Key:
        """The first of the conversations that led to this one: what belongs together when data are split."""
        return self.family_of(turn.node.top)

    def family_of(self, top: Key) -> Key:
        seen = {top}
        while (origin := self.origins.get(top)) and origin.top not in seen:
            seen.add(top := origin.top)
        return top

    @property
    def conversations(self) -> int:
        return len({turn.node.top for turn in self.turns})

    def forks(self) -> Iterator[Node]:
        """Turns after which the conversation went more than one way."""
        return (node for node in self._nodes.values() if node.below > 1)


def _strings(arguments: Json) -> Iterator[str]:
    """The long texts directly in a call's arguments: a sub-agent's task is one of them."""
    for value in as_object(arguments).values():
        if len(text := as_text(value).strip()) >= _LONG:
            yield text

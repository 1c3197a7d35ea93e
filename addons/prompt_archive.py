"""System prompts and tool sets of clients, as records hold them: every distinct one, by client and version, first and last seen.

Read from the records each time: their lines tell who sent what by reference, so that no conversation has to be parsed.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from addons.dataset_export.shapes import as_object, as_text, objects, text_of
from addons.records.objects import PREFIX, Objects, reference
from converters.json_codec import Json, JsonObject, dumps, loads

type Kind = Literal["system", "tools"]

KINDS: tuple[Kind, ...] = ("system", "tools")
_TALK = b',"conversation":{"system":'
_TOOLS = ',"tools":'
_BEGAN = re.compile(rb'"began":(\d+(?:\.\d+)?)')
_CLIENT = re.compile(rb'"client":(\{[^{}]*\})')
# What most lines have there.
_SHORT = re.compile(rb'(\{"ref":"sha256:[0-9a-f]{64}"\}|\[\]),"tools":(\{"ref":"sha256:[0-9a-f]{64}"\}|\[\]),')
_HEAD = 4096  # bytes of a line in which time and client stand
_DECODER = json.JSONDecoder()
# `claude-cli/2.1.5 (external, cli)`, `codex_cli_rs/0.169.0 (...)`, `OpenAI/Python 2.1.0`, `GeminiCLI/0.9.0/gemini-2.5-pro (...)`
_AGENT = re.compile(r"(?P<name>[A-Za-z][\w.+-]*(?:/[A-Za-z][\w.+-]*)*)[/ ]v?(?P<version>\d[\w.+-]*)")


def client_of(agent: str) -> tuple[str, str]:
    """(name, version) of a User-Agent; ("unknown", "") where there is none."""
    if found := _AGENT.match(agent.strip()):
        return found["name"], found["version"]
    return (agent.split("/")[0].split("(")[0].strip() or "unknown")[:60], ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one record says. system, tools: a reference, or the list itself where that is short."""

    began: float
    client: str
    version: str
    system: Json
    tools: Json


def sighting(line: bytes) -> Sighting | None:
    """None for a line that holds no conversation with a model."""
    try:
        return _glimpsed(line) or _read(line)
    except (ValueError, RecursionError):
        return None


def _glimpsed(line: bytes) -> Sighting | None:
    """As the recorder writes lines: nothing but the members that count is parsed."""
    head = line[:_HEAD]
    began, client, talk = _BEGAN.search(head), _CLIENT.search(head), line.find(_TALK)
    if began is None or client is None or talk < 0:
        return None
    said = loads(client[1])
    if isinstance(said, dict) and (short := _SHORT.match(line, talk + len(_TALK))):
        return _seen(float(began[1]), said, loads(short[1]), loads(short[2]))
    text = line[talk + len(_TALK) :].decode(errors="replace")
    system, end = _DECODER.raw_decode(text)
    if not isinstance(said, dict) or not text.startswith(_TOOLS, end):
        return None
    tools, _ = _DECODER.raw_decode(text, end + len(_TOOLS))
    return _seen(float(began[1]), said, system, tools)


def _read(line: bytes) -> Sighting | None:
    record = loads(line)
    talk = as_object(record.get("conversation")) if isinstance(record, dict) else {}
    if not isinstance(record, dict) or not talk:
        return None
    began = record.get("began")
    when = float(began) if isinstance(began, int | float) else 0.0
    return _seen(when, as_object(record.get("client")), talk.get("system"), talk.get("tools"))


def _seen(began: float, client: JsonObject, system: Json, tools: Json) -> Sighting | None:
    if client.get("action") != "generate":
        return None
    name, version = client_of(as_text(client.get("agent")))
    return Sighting(began, name, version, system, tools)


@dataclass(slots=True)
class Prompt:
    """A system prompt or a tool set. id: the hash of its content. content: where it stands in the records themselves."""

    kind: Kind
    id: str
    client: str
    version: str
    first: float
    last: float
    count: int
    content: bytes = b""


class Archive:
    """All that were seen, by client and version."""

    def __init__(self, lines: Iterable[bytes], objects_: Objects) -> None:
        self._objects = objects_
        self._found: dict[tuple[str, str, Kind, str], Prompt] = {}
        for line in lines:
            if (seen := sighting(line)) is not None:
                self._add("system", seen.system, seen)
                self._add("tools", seen.tools, seen)

    def _add(self, kind: Kind, value: Json, seen: Sighting) -> None:
        match value:
            case {"ref": str(ref)}:
                content = b""
            case list() if value:
                content = dumps(value)
                ref = reference(content)
            case _:
                return
        key = seen.client, seen.version, kind, ref
        known = self._found.get(key)
        if known is None:
            known = Prompt(
                kind, ref.removeprefix(PREFIX), seen.client, seen.version, seen.began, seen.began, 0, content
            )
            self._found[key] = known
        known.first, known.last = min(known.first, seen.began), max(known.last, seen.began)
        known.count += 1

    def all(self) -> list[Prompt]:
        """By client, and in the order in which they were first seen."""
        return sorted(self._found.values(), key=lambda prompt: (prompt.client, prompt.kind, prompt.first, prompt.id))

    def find(self, word: str, kind: Kind) -> list[Prompt]:
        """Those that a person means, the latest seen last: the beginning of an id, or a client, `claude-cli` or `claude-cli@2.1.5`.
        Raises ValueError for what is not there."""
        name, _, version = word.partition("@")
        of_client = [
            prompt
            for prompt in self._found.values()
            if prompt.client == name and prompt.kind == kind and version in ("", prompt.version)
        ]
        by_id = [prompt for prompt in self._found.values() if len(word) >= 4 and prompt.id.startswith(word)]
        if found := of_client or by_id:
            return sorted(found, key=lambda prompt: (prompt.last, prompt.first))
        clients = ", ".join(sorted({prompt.client for prompt in self._found.values()})) or "nobody"
        raise ValueError(
            f"there is no {kind} {word!r}: name a client ({clients}), CLIENT@VERSION, or the beginning of an id"
        )

    def text(self, prompt: Prompt) -> str:
        """To be read and compared. Raises ValueError where the object is missing or damaged."""
        try:
            value = loads(prompt.content or self._objects.get(PREFIX + prompt.id))
        except OSError as error:
            raise ValueError(f"the object of {prompt.id[:12]} is missing: {error.strerror}") from None
        return system_text(value) if prompt.kind == "system" else "\n".join(_tools_text(objects(value)))


def system_text(value: Json) -> str:
    """The system prompt of a conversation."""
    return "\n\n".join(text_of(value))


def _tools_text(tools: list[JsonObject]) -> Iterator[str]:
    """Each tool by name, so that what a version adds shows as such."""
    for tool in sorted(tools, key=lambda tool: as_text(tool.get("name"))):
        yield f"## {as_text(tool.get('name'))}"
        yield from as_text(tool.get("description")).splitlines()
        rest = {name: value for name, value in tool.items() if name not in ("name", "description")}
        yield from json.dumps(rest, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
        yield ""


def diff(before: str, after: str, names: tuple[str, str]) -> Iterator[str]:
    """A unified diff, line by line; nothing where they are the same."""
    return difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")

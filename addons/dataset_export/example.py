"""One row's worth of conversation, before it takes the form of a format."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from addons.dataset_export.facts import Facts
from addons.dataset_export.shapes import Run, as_object, as_text, objects, runs, text_of
from converters.json_codec import JsonObject

type Losses = Counter[str]
type Reasoning = Literal["drop", "reasoning_content", "thinking", "think-tags"]
type Strings = Literal["none", "tools", "all"]


@dataclass(frozen=True, slots=True)
class Options:
    """reasoning: where an assistant's thinking goes. strings: what is written as JSON in a string: nothing, the column of tools,
    or that and the arguments of calls. call_ids: ids on tool calls and results, which few chat templates want."""

    reasoning: Reasoning = "drop"
    strings: Strings = "none"
    call_ids: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A message. learn: of an assistant's, whether this row teaches it."""

    role: Literal["system", "user", "assistant"]
    parts: list[JsonObject]
    learn: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """prompt: all that was said before. answer: the last turn; of a pair the chosen one. rejected: the other of a pair.
    tools: as in a record. record: the whole record that the answer stands in."""

    facts: Facts
    conversation: str
    system: str
    tools: list[JsonObject]
    prompt: list[Said]
    answer: Said
    rejected: Said | None = None
    record: JsonObject = field(default_factory=dict, repr=False)


def thinking_of(parts: list[JsonObject]) -> list[JsonObject]:
    return [part for part in parts if part.get("type") == "thinking" and part.get("text")]


def example(
    record: JsonObject,
    facts: Facts,
    conversation: str,
    path: list[tuple[list[JsonObject], bool]],
    *,
    chosen: list[JsonObject] | None = None,
    rejected: list[JsonObject] | None = None,
) -> Example:
    """chosen, rejected: parts of the answers of a pair; without them the record's own answer. path: for each assistant turn of the prompt the reasoning it was recorded with, as clients send that back shortened or not
    at all, and whether the row teaches it. An answer that goes on from what the client put into its mouth is one turn with it."""
    talk = as_object(record.get("conversation"))
    messages = objects(talk.get("messages"))
    head = 0
    while head < len(messages) and messages[head].get("role") == "system":
        head += 1
    system = [
        text for message in ({"parts": talk.get("system")}, *messages[:head]) for text in text_of(message["parts"])
    ]
    prompt = _prompt(messages[head:], path)
    begun: list[JsonObject] = []
    if len([said for said in prompt if said.role == "assistant"]) > len(path):
        begun = prompt.pop([at for at, said in enumerate(prompt) if said.role == "assistant"][-1]).parts
    answer = objects(as_object(talk.get("answer")).get("parts")) if chosen is None else chosen
    other = None if rejected is None else Said("assistant", begun + rejected, learn=True)
    return Example(
        facts,
        conversation,
        "\n\n".join(system),
        objects(talk.get("tools")),
        prompt,
        Said("assistant", begun + answer, learn=True),
        other,
        record,
    )


def _prompt(messages: list[JsonObject], path: list[tuple[list[JsonObject], bool]]) -> list[Said]:
    """One message for each turn of an assistant, those of others as they are."""
    owner = {id(message): run for run in runs(messages) for message in run.messages if run.side == "assistant"}
    done: set[int] = set()
    marks = iter(path)
    found: list[Said] = []
    for message in messages:
        run: Run | None = owner.get(id(message))
        if run is None:
            role: Literal["system", "user"] = "system" if message.get("role") == "system" else "user"
            found.append(Said(role, objects(message.get("parts"))))
        elif id(run) not in done:
            done.add(id(run))
            thinking, learn = next(marks, ([], False))
            parts = run.parts
            if thinking:
                parts = thinking + [part for part in parts if part.get("type") != "thinking"]
            found.append(Said("assistant", parts, learn))
    return found


def tool_names(said: list[Said]) -> dict[str, str]:
    """Name of the tool by id of the call, for results that do not say it."""
    return {
        as_text(part.get("id")): as_text(part.get("name"))
        for message in said
        for part in message.parts
        if part.get("type") == "tool_call"
    }

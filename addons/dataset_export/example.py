"""One row's worth of conversation, before it takes the form of a format."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

from addons.dataset_export.facts import Facts
from addons.dataset_export.shapes import as_object, as_text, objects, runs, text_of
from addons.dataset_export.told import system_told
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
    pair: tuple[list[JsonObject], list[JsonObject]] | None = None,
) -> Example:
    """A record as a sample; here and nowhere else.

    path: for each assistant turn of the prompt the reasoning it was recorded with, as clients send that back shortened or not at
    all, and whether the row teaches it. pair: parts of the chosen and of the rejected answer, in place of the record's own.
    """
    talk = as_object(record.get("conversation"))
    messages = objects(talk.get("messages"))
    head = len(list(takewhile(lambda message: message.get("role") == "system", messages)))
    system = text_of(system_told(record)) + [
        text for message in messages[:head] for text in text_of(message.get("parts"))
    ]
    prompt = _prompt(messages[head:], path)
    if _begun(messages) is not None:
        prompt.pop(max(at for at, said in enumerate(prompt) if said.role == "assistant"))
    chosen, rejected = pair or (answer_of(record), None)
    return Example(
        facts,
        conversation,
        "\n\n".join(system),
        objects(talk.get("tools")),
        prompt,
        Said("assistant", chosen, learn=True),
        None if rejected is None else Said("assistant", rejected, learn=True),
        record,
    )


def answer_of(record: JsonObject) -> list[JsonObject]:
    """The parts of a record's answer. If the client had put its first words into its mouth, they are a part of it."""
    talk = as_object(record.get("conversation"))
    begun = _begun(objects(talk.get("messages"))) or []
    return begun + objects(as_object(talk.get("answer")).get("parts"))


def _begun(messages: list[JsonObject]) -> list[JsonObject] | None:
    """What the client put into the assistant's mouth, for the answer to go on from; None where a user speaks last."""
    said = list(runs(messages))
    return said[-1].parts if said and said[-1].side == "assistant" else None


def _prompt(messages: list[JsonObject], path: list[tuple[list[JsonObject], bool]]) -> list[Said]:
    """One message for each turn of an assistant, those of others as they are."""
    first = {id(run.messages[0]): run for run in runs(messages) if run.side == "assistant"}
    marks = iter(path)
    found: list[Said] = []
    for message in messages:
        if run := first.get(id(message)):
            thinking, learn = next(marks, ([], False))
            parts = run.parts
            if thinking:
                parts = thinking + [part for part in parts if part.get("type") != "thinking"]
            found.append(Said("assistant", parts, learn))
        elif message.get("role") != "assistant":  # the others of a run are in its first
            role: Literal["system", "user"] = "system" if message.get("role") == "system" else "user"
            found.append(Said(role, objects(message.get("parts"))))
    return found


def tool_names(said: list[Said]) -> dict[str, str]:
    """Name of the tool by id of the call, for results that do not say it."""
    return {
        as_text(part.get("id")): as_text(part.get("name"))
        for message in said
        for part in message.parts
        if part.get("type") == "tool_call"
    }

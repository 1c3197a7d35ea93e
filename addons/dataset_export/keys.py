"""When are two messages the same? A key each, so that histories can be compared without keeping them.

Not compared, as clients change it when they send a history again: ids of tool calls, reasoning, what they put in by themselves
(volatile.py), the cut of a text into parts and of a turn into messages, the order of keys in arguments, whether a number
is written 1 or 1.0, and steps the provider ran by itself. Everything else is, white space inside texts included.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from zlib import crc32

from addons.dataset_export.shapes import MEDIA, Run, Side, as_text, objects, runs, text_of
from addons.dataset_export.volatile import lasting, spoken
from converters.json_codec import Json, JsonObject

type Key = bytes  # 16 bytes

_SKETCHED = 4096  # characters at each end of a text that its sketch looks at
_SKETCH = 12  # words from each end in a sketch


@dataclass(frozen=True, slots=True)
class Step:
    """A turn of one side. text: what it says, without what the client put in; of an assistant, without its reasoning."""

    side: Side
    key: Key
    text: str


def steps(messages: list[JsonObject]) -> list[Step]:
    """The turns of a conversation."""
    return [user_step(run) if run.side == "user" else assistant_step(run) for run in runs(messages)]


def user_step(run: Run) -> Step:
    texts = [text for part in run.parts if part.get("type") == "text" and (text := lasting(as_text(part.get("text"))))]
    results = [_content(part.get("content")) for part in run.parts if part.get("type") == "tool_result"]
    text = "\n".join(texts)
    said = "\n".join([text, *(piece for result in results for piece in result)])
    return Step("user", digest(["user", text, results, _media(run.parts)]), said.strip())


def assistant_step(run: Run) -> Step:
    text = spoken("".join(text_of(run.parts)))
    calls: list[Json] = [
        [part.get("name"), _plain(part["arguments"]) if "arguments" in part else part.get("arguments_text")]
        for part in run.parts
        if part.get("type") == "tool_call"
    ]
    return Step("assistant", digest(["assistant", text, calls, _media(run.parts)]), text)


def _content(content: Json) -> list[str]:
    return [text for piece in text_of(content) if (text := lasting(piece))] + _media(objects(content))


def _media(parts: Iterable[JsonObject]) -> list[str]:
    """A picture or a file is its content, not its name."""
    return [
        f"{part['type']}:{next((part[name] for name in ('sha256', 'url', 'file_id', 'text') if part.get(name)), '')}"
        for part in parts
        if part.get("type") in MEDIA
    ]


def _plain(value: Json) -> Json:
    """JSON in one of the ways in which it can be written: 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def digest(value: object) -> Key:
    """Of JSON, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def link(above: Key, key: Key) -> Key:
    """A key for a turn and all that was said before it."""
    return blake2b(above + key, digest_size=16).digest()


def setting(conversation: JsonObject, prompt: Json = None) -> Key:
    """What stands around the messages: system prompt and tools. Lists that a record only refers to are their reference. prompt: what
    the operator put in, as a record has it."""
    system = conversation.get("system")
    known = system if isinstance(system, dict) else [lasting(text) for text in text_of(system)]
    return digest([known, conversation.get("tools") or [], prompt])


def sketch(text: str) -> bytes:
    """Hashes of a text's first and last words. What a client puts in stands before or after what a person said."""
    near = text if len(text) <= 2 * _SKETCHED else text[:_SKETCHED] + " " + text[-_SKETCHED:]
    words = near.split()
    hashes = {crc32(word.encode("utf-8", "surrogatepass")) for word in (*words[:_SKETCH], *words[-_SKETCH:])}
    return b"".join(number.to_bytes(4) for number in sorted(hashes))


def alike(one: bytes, other: bytes) -> bool:
    """Two sketches share at least half of the shorter one's words: the texts are the same but for what a client added."""
    words, others = ({text[at : at + 4] for at in range(0, len(text), 4)} for text in (one, other))
    return bool(words & others) and 2 * len(words & others) >= min(len(words), len(others))

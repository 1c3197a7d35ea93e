"""The shapes of a record that this package reads, narrowed from plain JSON. What is absent or of another type is empty."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from converters.json_codec import Json, JsonObject

type Side = Literal["user", "assistant"]


def as_object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def objects(value: object) -> list[JsonObject]:
    """The objects of a list of JSON."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Run:
    """Messages of one side in a row, as clients split and join them at will. messages: as they came."""

    side: Side
    messages: list[JsonObject]

    @property
    def parts(self) -> list[JsonObject]:
        return [part for message in self.messages for part in objects(message.get("parts"))]


def runs(messages: list[JsonObject]) -> Iterator[Run]:
    """A conversation as turns of its two sides. Messages of role system are nobody's turn: clients move and change them."""
    said = [message for message in messages if message.get("role") != "system"]
    for own, group in groupby(said, key=lambda message: message.get("role") == "assistant"):
        yield Run("assistant" if own else "user", list(group))


def text_of(parts: object) -> list[str]:
    """The texts of some parts in order; a refusal and a text document are text too."""
    return [text for part in objects(parts) if (text := as_text(part.get("text"))) and part.get("type") in _TEXTS]


_TEXTS = ("text", "refusal", "document")
MEDIA = ("image", "document", "audio", "video")

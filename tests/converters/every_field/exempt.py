"""Fields of which nothing is sent although nothing is lost. Each entry says why, and the section of docs/conversion.md."""

from dataclasses import dataclass

from converters.json_codec import Json
from tests.converters.every_field.walk import Spot


@dataclass(frozen=True)
class Exempt:
    client: str
    provider: str
    path: str
    why: str


_IN_THE_PATH = "9: model and streaming stand in the path of the Gemini API, not in its body"
_SHOWN = "7.3: tells us what to show of the answer; this provider is not asked for it"

EXEMPT = (
    Exempt("chat", "gemini", "model", _IN_THE_PATH),
    Exempt("responses", "gemini", "model", _IN_THE_PATH),
    Exempt("anthropic", "gemini", "model", _IN_THE_PATH),
    Exempt("chat", "gemini", "stream", _IN_THE_PATH),
    Exempt("responses", "gemini", "stream", _IN_THE_PATH),
    Exempt("anthropic", "gemini", "stream", _IN_THE_PATH),
    Exempt("chat", "responses", "stream_options.include_usage", "9: this provider always tells its usage"),
    Exempt("chat", "anthropic", "stream_options.include_usage", "9: this provider always tells its usage"),
    Exempt("chat", "gemini", "stream_options.include_usage", "9: this provider always tells its usage"),
    Exempt("anthropic", "chat", "thinking{enabled}.display", _SHOWN),
    Exempt("anthropic", "chat", "thinking{adaptive}.display", _SHOWN),
    Exempt("gemini", "chat", "generationConfig.thinkingConfig.includeThoughts", _SHOWN),
)


@dataclass(frozen=True)
class Same:
    """Values that mean the same by the conversion rules."""

    client: str
    path: str
    values: tuple[Json, ...]
    why: str


_ROLES = "2.1: `system` and `developer` messages are read alike"

SAME = (
    Same("responses", "input[]{message/EasyInputMessageParam}.role", ("system", "developer"), _ROLES),
    Same("responses", "input[]{message/Message}.role", ("system", "developer"), _ROLES),
    Same("gemini", "toolConfig.functionCallingConfig.mode", ("AUTO", "VALIDATED"), "5: VALIDATED is read as AUTO"),
)


def is_exempt(client: str, provider: str, path: str) -> bool:
    return any((one.client, one.provider, one.path) == (client, provider, path) for one in EXEMPT)


def is_same(client: str, path: str, first: Json, second: Json) -> bool:
    return any(one.client == client and one.path == path and {first, second} <= {*one.values} for one in SAME)


def is_constant(spot: Spot) -> bool:
    """It has one possible value and must be there, or it names the variant (`type`, `role`), which its siblings prove."""
    return len(spot.leaf.values) == 1 and (not spot.optional or spot.key in ("type", "role"))

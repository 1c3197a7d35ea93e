"""What becomes of one field on its way from one client protocol to one provider."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from converters.anthropic import WIRE as ANTHROPIC
from converters.errors import ConversionError
from converters.gemini import WIRE as GEMINI
from converters.json_codec import Json, JsonObject, dumps
from converters.loss import Loss
from converters.openai_chat import WIRE as CHAT
from converters.openai_responses import WIRE as RESPONSES
from converters.prepare import prepare
from converters.profile import DEFAULT
from tests.converters.every_field.exempt import is_same
from tests.converters.every_field.names import ANYWHERE, MODELS, synonyms
from tests.converters.every_field.requests import roots
from tests.converters.every_field.seeds import complete, complete_object
from tests.converters.every_field.values import values
from tests.converters.every_field.walk import Builder, Spot, spots

WIRES = {wire.name: wire for wire in (CHAT, RESPONSES, ANTHROPIC, GEMINI)}
_INDEX = re.compile(r"\[\d*\]")
_TOKEN = re.compile(r"[^.{}\[\]/]+|\{[^}]*\}")


@dataclass(frozen=True)
class Outcome:
    """One converted request: the provider's body, or why there is none; and the names of the loss list."""

    body: bytes = b""
    error: ConversionError | None = None
    lost: dict[str, str] = field(default_factory=dict)  # name -> dropped, changed or noted


@dataclass(frozen=True)
class Verdict:
    """classes: what became of each value (mapped, dropped, changed, noted, 400). gone: values that left no trace."""

    classes: frozenset[str]
    gone: tuple[str, ...] = ()


@cache
def client_spots(client: str) -> dict[str, tuple[Spot, Builder]]:
    """Path -> the spot, and what builds requests for it."""
    found: dict[str, tuple[Spot, Builder]] = {}
    for root in roots(client):
        builder = Builder(root, values, lambda owner, made, tested: complete_object(owner, made, tested, client))
        for spot in spots(root):
            found.setdefault(spot.path, (spot, builder))
    return found


def convert(client: str, provider: str, body: JsonObject) -> Outcome:
    loss = Loss()
    try:
        chat = WIRES[client].parse_request(body, loss)
        prepared = prepare(chat, WIRES[provider], DEFAULT, loss)
    except ConversionError as error:
        return Outcome(error=error)
    lost = {name: word for word in ("noted", "changed", "dropped") for name in getattr(loss, word)}
    return Outcome(dumps(prepared.body), None, lost)


def judge(client: str, provider: str, path: str) -> Verdict:
    spot, builder = client_spots(client)[path]
    tried = builder.values(spot)
    made = [
        convert(client, provider, _request(client, provider, builder.holding(spot, value), spot)) for value in tried
    ]
    silent = None
    if spot.optional:
        silent = convert(client, provider, _request(client, provider, builder.without(spot), spot))
    return _weigh(client, spot, tried, made, silent)


def _request(client: str, provider: str, body: JsonObject, spot: Spot) -> JsonObject:
    if spot.group != "model":
        body["model"] = MODELS[provider]
    return complete(client, body)


def _weigh(client: str, spot: Spot, tried: tuple[Json, ...], made: list[Outcome], silent: Outcome | None) -> Verdict:
    """Values that are not reported must differ in the body from one another. One may be the same as saying nothing, if
    another one is reported or mapped."""
    classes: set[str] = set()
    plain: list[tuple[Json, Outcome]] = []
    for value, outcome in zip(tried, made, strict=True):
        if (told := _told(client, spot, outcome, silent)) is not None:
            classes.add(told)
        else:
            plain.append((value, outcome))
    gone = []
    seen: dict[bytes, Json] = {}
    for value, outcome in plain:
        if outcome.error is not None:
            gone.append(f"{value!r}: refused for another field, {outcome.error} ({outcome.error.param})")
        elif outcome.body in seen and not is_same(client, spot.path, seen[outcome.body], value):
            gone.append(f"{value!r} as {seen[outcome.body]!r}")
        else:
            seen[outcome.body] = value
    if len(tried) == 1 or len(plain) == 1:
        for value, outcome in plain:
            same = silent is not None and silent.body == outcome.body and outcome.error is None
            if same and not classes:
                gone.append(f"{value!r} as nothing")
    if plain and len(gone) < len(plain):
        classes.add("mapped")
    if gone:
        extra = ", ".join(sorted({name for outcome in made for name in outcome.lost}))
        gone[-1] += f" [loss: {extra}]"
    return Verdict(frozenset(classes), tuple(gone))


def _told(client: str, spot: Spot, outcome: Outcome, silent: Outcome | None) -> str | None:
    if outcome.error is not None:
        param = _INDEX.sub("", outcome.error.param or "")
        said = [param, *(_INDEX.sub("", name) for name in re.findall(r"`([^`]+)`", str(outcome.error)))]
        said += [name.removesuffix(end) for name in said for end in (".type", ".role") if name.endswith(end)]
        return "400" if any(_names(client, name, spot.path, below=True) for name in said if name) else None
    before = silent.lost if silent is not None else {}
    for word in ("dropped", "changed", "noted"):
        for name, told in outcome.lost.items():
            if told == word and _names(client, name, spot.path, below=False, new=name not in before):
                return word
    return None


def _names(client: str, name: str, path: str, *, below: bool, new: bool = True) -> bool:
    """The name means the field or one that holds it (below: or one inside it). A name that means the field itself must be new
    by it."""
    return any(_matches(candidate, path, below, new) for candidate in (name, *synonyms(client, name)))


def _matches(name: str, path: str, below: bool, new: bool) -> bool:
    tokens = [token for token in _TOKEN.findall(path) if token != "*"]
    words = name.split(".")
    place = 0
    last = -1
    if name in ANYWHERE:
        return name in tokens and (new or tokens[-1] != name)
    for number, word in enumerate(words):
        while place < len(tokens) and not _is(tokens[place], word):
            place += 1
        if place == len(tokens):
            return below and last == len(tokens) - 1
        last, place = place, place + 1
        if number == 0 and last != 0:
            return False
    own = last == len(tokens) - 1
    return new if own else True


def _is(token: str, word: str) -> bool:
    return word in token[1:-1].split("/") if token.startswith("{") else token == word


def groups(client: str) -> Iterator[str]:
    yield from dict.fromkeys(spot.group for spot, _ in client_spots(client).values())

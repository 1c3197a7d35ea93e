"""Model lists and single models, in each protocol's own shape. `responses` has the shape of `chat`.

Sources: the vendors' API references; limits of OpenAI-compatible vendors under the names of OpenRouter, Groq, vLLM, LM Studio,
Mistral and LiteLLM (read 2026-11).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from converters.json_codec import Json, JsonObject
from converters.models import limits

_EPOCH = datetime.fromtimestamp(0, UTC)
_RESOURCES = ("models/", "tunedModels/")  # how Gemini's names begin
_INPUT_NAMES = "max_input_tokens context_length context_window max_model_len max_context_length".split()
_OUTPUT_NAMES = "max_output_tokens max_completion_tokens".split()


@dataclass(frozen=True, slots=True)
class Model:
    """created: unix seconds, 0 = unknown. input_limit, output_limit: tokens, None = unknown; the first is the context window
    where a vendor tells no other. native: (wire name, entry) as a provider's list had it."""

    id: str
    name: str = ""
    created: int = 0
    owner: str = ""
    input_limit: int | None = None
    output_limit: int | None = None
    native: tuple[str, JsonObject] | None = None


# --- reading ---


def read_models(body: Json) -> list[Model] | None:
    """Models of an OpenAI-, Anthropic- or Gemini-shaped list; None when it is none of them. Entries without an id are
    skipped, and so are Gemini's that do not generate text."""
    if not isinstance(body, dict):
        return None
    entries = body.get("data")
    if not isinstance(entries, list):
        entries = body.get("models")
        if not isinstance(entries, list) or (entries and not any(map(_is_gemini, entries))):
            return None
    return [model for entry in entries if _generates(entry) and (model := read_model(entry)) is not None]


def read_model(entry: Json) -> Model | None:
    """What the entry tells; limits that it does not tell come from the table of known models."""
    if not isinstance(entry, dict):
        return None
    if _is_gemini(entry):
        return with_known_limits(_read_gemini(entry))
    if not isinstance(id_ := entry.get("id"), str):
        return None
    is_anthropic = "object" not in entry and (entry.get("type") == "model" or "display_name" in entry)
    top = entry.get("top_provider")
    sources = (entry, top) if isinstance(top, dict) else (entry,)
    name, created = entry.get("display_name") or entry.get("name"), entry.get("created")
    model = Model(
        id=id_,
        name=_text(name),
        created=created if isinstance(created, int) else _unix(entry.get("created_at")),
        owner=_text(entry.get("owned_by")),
        input_limit=_first(sources, _INPUT_NAMES),
        output_limit=_first(sources, ["max_tokens"] if is_anthropic else _OUTPUT_NAMES),
        native=("anthropic" if is_anthropic else "chat", entry),
    )
    return with_known_limits(model)


def next_page(body: Json) -> Mapping[str, str] | None:
    """The query that asks for the rest of a list; None when this is all of it."""
    match body:
        case {"nextPageToken": str(token)} if token:
            return {"pageToken": token}
        case {"object": _}:
            return None
        case {"has_more": True, "last_id": str(last)}:
            return {"after_id": last}
    return None


def _is_gemini(entry: Json) -> bool:
    return (
        isinstance(entry, dict)
        and "id" not in entry
        and isinstance(name := entry.get("name"), str)
        and name.startswith(_RESOURCES)
    )


def _generates(entry: Json) -> bool:
    methods = entry.get("supportedGenerationMethods") if isinstance(entry, dict) else None
    return not isinstance(methods, list) or "generateContent" in methods


def _read_gemini(entry: JsonObject) -> Model:
    return Model(
        id=_text(entry.get("name")).removeprefix("models/"),
        name=_text(entry.get("displayName")),
        owner="google",
        input_limit=_first((entry,), ["inputTokenLimit"]),
        output_limit=_first((entry,), ["outputTokenLimit"]),
        native=("gemini", entry),
    )


def _first(sources: tuple[JsonObject, ...], names: list[str]) -> int | None:
    """The first positive number under any of the names."""
    found: Iterator[Json] = (source.get(name) for source in sources for name in names)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _unix(text: Json) -> int:
    """RFC 3339 -> unix seconds; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else _EPOCH
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0


def with_known_limits(model: Model) -> Model:
    """The provider's own figures win, the table fills gaps."""
    known_input, known_output = limits(model.id)
    return replace(
        model,
        input_limit=known_input if model.input_limit is None else model.input_limit,
        output_limit=known_output if model.output_limit is None else model.output_limit,
    )


# --- writing ---


def write_list(protocol: str, models: list[Model]) -> JsonObject:
    """A whole list: there is no next page."""
    entries: list[Json] = [write_model(protocol, model) for model in models]
    if protocol == "gemini":
        return {"models": entries}
    if protocol == "anthropic":
        first, last = (models[0].id, models[-1].id) if models else (None, None)
        return {"data": entries, "has_more": False, "first_id": first, "last_id": last}
    return {"object": "list", "data": entries}


def write_model(protocol: str, model: Model) -> JsonObject:
    """An entry that came in this shape goes as it came, under the model's present id. Unknown limits are left out, or null
    where the shape has null for that."""
    shape = "chat" if protocol == "responses" else protocol
    if model.native is not None and model.native[0] == shape:
        return _renamed(model.native[1], "name" if shape == "gemini" else "id", _name(model, shape))
    if shape == "gemini":
        return _gemini(model)
    return _anthropic(model) if shape == "anthropic" else _openai(model)


def _renamed(entry: JsonObject, key: str, name: str) -> JsonObject:
    return entry if entry.get(key) == name else {**entry, key: name}


def _name(model: Model, shape: str) -> str:
    if shape != "gemini" or model.id.startswith(_RESOURCES):
        return model.id
    return "models/" + model.id


def _openai(model: Model) -> JsonObject:
    """OpenAI itself tells no limits; the names are those of vendors that do."""
    entry: JsonObject = {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owner or "unknown",
    }
    return entry | _known({"context_window": model.input_limit, "max_output_tokens": model.output_limit})


def _anthropic(model: Model) -> JsonObject:
    """Every member that Anthropic's own libraries name; null is their word for unknown."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name or model.id,
        "created_at": _rfc3339(model.created),
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": model.input_limit,
        "max_tokens": model.output_limit,
        "capabilities": None,
    }


def _gemini(model: Model) -> JsonObject:
    """`version` is left out: nobody knows it, and this protocol leaves out what is empty."""
    entry: JsonObject = {"name": _name(model, "gemini"), "displayName": model.name or model.id}
    entry |= _known({"inputTokenLimit": model.input_limit, "outputTokenLimit": model.output_limit})
    entry["supportedGenerationMethods"] = ["generateContent", "countTokens"]
    return entry


def _known(members: Mapping[str, int | None]) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}


def _rfc3339(created: int) -> str:
    try:
        moment = datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):  # a vendor counts milliseconds
        moment = _EPOCH
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

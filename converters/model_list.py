"""Model lists and single models, each protocol's own shape. Source: the vendors' API references (read 2026-11)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from converters.json_codec import Json, JsonObject

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Model:
    """created: unix seconds, 0 = unknown."""

    id: str
    name: str = ""
    created: int = 0
    owner: str = ""


def read_models(body: Json) -> list[Model] | None:
    """Models of an OpenAI- or Anthropic-shaped list; None when it is neither. Entries without an id are skipped."""
    entries = body.get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return None
    return [model for entry in entries if (model := read_model(entry)) is not None]


def read_model(entry: Json) -> Model | None:
    if not isinstance(entry, dict) or not isinstance(id_ := entry.get("id"), str):
        return None
    name, owner, created = entry.get("display_name"), entry.get("owned_by"), entry.get("created")
    return Model(
        id=id_,
        name=name if isinstance(name, str) else "",
        created=created if isinstance(created, int) else _unix(entry.get("created_at")),
        owner=owner if isinstance(owner, str) else "",
    )


def _unix(text: Json) -> int:
    """RFC 3339 -> unix seconds; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else _EPOCH
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0


def openai_model(model: Model) -> JsonObject:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owner or "unknown"}


def anthropic_model(model: Model) -> JsonObject:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name or model.id,
        "created_at": _rfc3339(model.created),
    }


def _rfc3339(created: int) -> str:
    try:
        moment = datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):  # a vendor counts milliseconds
        moment = _EPOCH
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def openai_list(models: list[Model]) -> JsonObject:
    return {"object": "list", "data": [openai_model(model) for model in models]}


def anthropic_list(models: list[Model]) -> JsonObject:
    return {
        "data": [anthropic_model(model) for model in models],
        "has_more": False,
        "first_id": models[0].id if models else None,
        "last_id": models[-1].id if models else None,
    }

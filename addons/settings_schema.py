"""A JSON Schema (2020-12) of `aiclient.toml`, for editors: the settings, and the `[[account]]` tables that a provider can have."""

from collections.abc import Collection
from typing import Any

from addons.settings import NAMES, Settings
from addons.settings_sources import ACCOUNT_TABLES
from creds.pool_file import FLAGS, LEAST, LISTS, LONGEST_LABEL, MOST, OPTIONS
from creds.pool_keys import CHOICES, SECRETS, SEED_NAMES, SETTINGS, Keys, keys_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MEANING = {
    "priority": "The lowest is asked first.",
    "weight": "Its share of new conversations among accounts of its priority.",
    "concurrency": "Most requests at once; 0 for any number.",
    "not_supported_models": "What it cannot serve.",
    "supported_models": "All that it can serve.",
    "disabled": "Not used.",
    "check_health": "Looked at in the background.",
    "check_model": "With which model it is looked at.",
}


def schema(providers: Collection[str]) -> dict[str, Any]:
    """providers: the names of all that there are, for the settings that name one."""
    found = Settings.model_json_schema()
    properties: dict[str, Any] = {name: found["properties"][name] for name in NAMES}
    for described in properties.values():
        described.pop("title", None)
        described.pop("group", None)
    properties["model_provider"] = {
        **properties["model_provider"],
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"enum": list(providers)}}],
    }
    properties[ACCOUNT_TABLES] = {
        "type": "array",
        "description": "Further accounts, one table each: [[account]].",
        "items": _account(),
    }
    return {
        "$schema": DIALECT,
        "title": "aiclient.toml",
        "description": "Settings of aiclient.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": found.get("$defs", {}),
    }


def _account() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"provider": {"enum": list(SETTINGS), "description": "Who answers."}},
        "required": ["provider"],
        "allOf": [
            {
                "if": {"properties": {"provider": {"const": provider}}, "required": ["provider"]},
                "then": _account_of(keys_of(provider)),
            }
            for provider in SETTINGS
        ],
    }


def _account_of(keys: Keys) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "provider": {"const": keys.provider},
        "label": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_LABEL,
            "description": "Its name in logs and lists.",
        },
    }
    properties |= {option: {**_option(option), "description": _MEANING[option]} for option in OPTIONS}
    for spelled, name in _spellings(keys).items():
        properties[spelled] = {"type": "string", "minLength": 1, **_described(name)}
        if spelled != name:
            properties[spelled]["deprecated"] = True
    credentials = [spelled for spelled, name in _spellings(keys).items() if name in keys.credentials]
    return {
        "properties": properties,
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in credentials],
    }


def _spellings(keys: Keys) -> dict[str, str]:
    """Every way to write a setting that is understood in lower or in upper case alone -> its name."""
    seed = [name for provider, name in SEED_NAMES if provider == keys.provider]
    spelled = [*keys.all, *(name.upper() for name in keys.all), *seed, *(name.upper() for name in seed)]
    return {text: name for text in spelled if (name := keys.ours(text))}


def _described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"description": Settings.model_fields[name].description or ""}
    if name in CHOICES:
        found["enum"] = list(CHOICES[name])
    if name in SECRETS:
        found["writeOnly"] = True
    if name.endswith("_url"):
        found["pattern"] = "^https?://"
    return found


def _option(name: str) -> dict[str, Any]:
    if name in LEAST:
        return {"type": "integer", "minimum": LEAST[name], "maximum": MOST}
    if name in LISTS:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "boolean"} if name in FLAGS else {"type": "string"}

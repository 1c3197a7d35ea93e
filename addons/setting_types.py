"""The types of settings: what their text must look like, and what it becomes. ValueError says what would be right."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_settings import NoDecode

from addons.chaos_plan import Rates, read_rates
from addons.redact_rules import checked_patterns
from addons.settings_prompts import CHOICES, PromptRules, Replacements, read_prompt_rules, read_replacements, readable
from addons.settings_routes import DefaultModels, Routes, read_default_models, read_routes
from creds.account import normalise_base

UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
SIZE = re.compile(r"(\d{1,12})([kmg]?)b?", re.IGNORECASE)
HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")


def parse_size(text: str) -> int:
    """`32m`, `512k`, `1g` or plain bytes -> bytes. ValueError for anything else."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a size like 32m, 512k, 1g or a number of bytes")
    return int(match[1]) * UNITS[match[2].lower()]


def _size(text: str) -> str:
    if parse_size(text) == 0:
        raise ValueError("must be more than 0 bytes")
    return text.strip().lower()


def _base_url(text: str) -> str:
    normalise_base(text)
    return text.strip()


def _optional_base_url(text: str) -> str:
    return _base_url(text) if text.strip() else ""


def _url(text: str) -> str:
    return text.strip().rstrip("/") if normalise_base(text) else text


def _optional_url(text: str) -> str:
    return _url(text) if text.strip() else ""


def _host(text: str) -> str:
    name = text.strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not HOST_NAME.fullmatch(name):
            raise ValueError(
                "must be a host name or an address, like 127.0.0.1, without http:// and without a port"
            ) from None
    return name


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("must hold origins like https://app.example.com; `*` is not allowed")
    return text.lower()


def _names(value: object) -> object:
    """A comma list (flag, environment) or a TOML array -> a list of names without blanks."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _text_file(text: str) -> str:
    return readable(text) if text else text


def _seed(value: object) -> object:
    text = str(value).strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("must be a whole number, or empty")
    return text


# What editors are told of them (`aiclient config schema`), where pydantic cannot see what a validator wants.
_URL = WithJsonSchema({"type": "string", "pattern": "^\\s*https?://"})
_URL_OR_EMPTY = WithJsonSchema({"type": "string", "pattern": "^\\s*(https?://|$)"})
_SIZE = WithJsonSchema({"type": "string", "pattern": "^\\s*[0-9]{1,12}[kmgKMG]?[bB]?\\s*$"})
_LIST = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
_TEXT = {"type": "string"}
_TARGETS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_ROUTES = WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TARGETS}]})
_MODELS = WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]})
_SHARE = {"anyOf": [_TEXT, {"type": "number", "minimum": 0, "maximum": 1}]}
_RATES = WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "additionalProperties": _SHARE}]})
_PAIR: dict[str, object] = {
    "anyOf": [
        {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2},
        {
            "type": "object",
            "properties": {"old": {"type": "string", "minLength": 1}, "new": _TEXT},
            "required": ["old", "new"],
            "additionalProperties": False,
        },
    ]
}
_PAIRS = {"anyOf": [_TEXT, {"type": "array", "items": _PAIR}]}
_PROMPT: dict[str, object] = {
    "type": "object",
    "properties": {"mode": {"enum": list(CHOICES)}, "file": _TEXT, "text": _TEXT, "replacements": _PAIRS},
    "required": ["mode"],
    "additionalProperties": False,
}
_PROMPTS = WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "additionalProperties": {"anyOf": [_TEXT, _PROMPT]}}]})
_NUMBER = WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]{0,18}$", "minimum": 0})

Host = Annotated[str, AfterValidator(_host)]
BaseUrl = Annotated[str, AfterValidator(_base_url), _URL]
OptionalBaseUrl = Annotated[str, AfterValidator(_optional_base_url), _URL_OR_EMPTY]
Url = Annotated[str, AfterValidator(_url), _URL]
OptionalUrl = Annotated[str, AfterValidator(_optional_url), _URL_OR_EMPTY]
Size = Annotated[str, AfterValidator(_size), _SIZE]
TextFile = Annotated[str, AfterValidator(_text_file)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names), _LIST]
Hosts = Annotated[tuple[Host, ...], NoDecode, BeforeValidator(_names), _LIST]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_names), _LIST]
Days = Annotated[int, Field(ge=0, le=36_500)]
Patterns = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names), AfterValidator(checked_patterns), _LIST]
RouteTable = Annotated[Routes, NoDecode, PlainValidator(read_routes), _ROUTES]
DefaultModelTable = Annotated[DefaultModels, NoDecode, PlainValidator(read_default_models), _MODELS]
PromptRuleTable = Annotated[PromptRules, NoDecode, PlainValidator(read_prompt_rules), _PROMPTS]
ReplacementList = Annotated[Replacements, NoDecode, PlainValidator(read_replacements), WithJsonSchema(_PAIRS)]
RateTable = Annotated[Rates, NoDecode, PlainValidator(read_rates), _RATES]
Seed = Annotated[str, BeforeValidator(_seed), _NUMBER]

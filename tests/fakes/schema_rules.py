"""What the vendors say about JSON Schemas: of tools, of strict tools and of structured output."""

from collections.abc import Iterator

_UNSUPPORTED_STRICT = frozenset(
    "oneOf not minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern maxItems uniqueItems".split()
)
_STRICT_FORMATS = frozenset("date-time time date duration email hostname uri ipv4 ipv6 uuid".split())


def objects(schema: object, path: str = "()") -> Iterator[tuple[str, dict[str, object]]]:
    """Every schema inside a schema, with its path; property names are not mistaken for keywords."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        if isinstance(inner := schema.get(key), dict):
            for name, value in inner.items():
                yield from objects(value, f"{path}.{key}.{name}")
    for key in ("items", "additionalProperties", "not"):
        yield from objects(schema.get(key), f"{path}.{key}")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(inner := schema.get(key), list):
            for i, value in enumerate(inner):
                yield from objects(value, f"{path}.{key}[{i}]")


def root_problem(schema: dict[str, object], banned: tuple[str, ...]) -> str | None:
    """A tool's schema must be an object, in so many words, with no choice at its root."""
    if schema.get("type") != "object":
        return f"schema must be of 'type: \"object\"', got 'type: {schema.get('type')!r}'"
    if found := [word for word in banned if word in schema]:
        return f"schema must not have {', '.join(map(repr, found))} at the top level"
    return None


def openai_strict_problem(schema: dict[str, object]) -> str | None:
    """OpenAI, strict: closed objects, every property required."""
    for path, part in objects(schema):
        if part.get("type") == "object" or "properties" in part:
            if part.get("additionalProperties") is not False:
                return f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
            properties = part.get("properties")
            required = part.get("required", [])
            if isinstance(required, list) and not all(isinstance(name, str) for name in required):
                return f"In context={path}, 'required' must hold strings."
            if (
                isinstance(properties, dict)
                and isinstance(required, list)
                and (missing := set(properties) - set(required))
            ):
                return f"In context={path}, 'required' is required to include every key in properties. Missing {sorted(missing)}."
    return None


def anthropic_strict_problem(schema: dict[str, object]) -> str | None:
    """Anthropic, output format and strict tools: closed objects and a smaller vocabulary."""
    for path, part in objects(schema):
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            return f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        if found := sorted(_UNSUPPORTED_STRICT & set(part)):
            return f"{path}: For this schema, properties {', '.join(found)} are not supported"
        if part.get("minItems") not in (None, 0, 1):
            return f"{path}: 'minItems' values other than 0 or 1 are not supported"
        if part.get("type") == "string" and part.get("format", "uuid") not in _STRICT_FORMATS:
            return f"{path}: string format {part['format']!r} is not supported"
    return None

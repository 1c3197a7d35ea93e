"""JSON Schema -> the part of it that every Gemini backend takes (conversion rules 4.4).

What comes out is right both as `parametersJsonSchema` and as the older OpenAPI-style `parameters`. Keywords are recognised
in schema position only: a property may be named `$ref` or `pattern`. Only keywords known here pass; what cannot be enforced
goes into the description, where the model still reads it.
"""

from collections.abc import Iterable, Iterator
from math import floor
from urllib.parse import unquote

from converters.json_codec import Json, JsonObject, dumps_text

_TYPES = frozenset("string number integer boolean array object null".split())
_KEYWORDS = {  # kept as they are, by type; with no type all of them are
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "boolean": (),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_ALL_KEYWORDS = tuple(dict.fromkeys(keyword for keywords in _KEYWORDS.values() for keyword in keywords))
_FORMATS = {
    "string": ("date-time", "enum"),
    "number": ("float", "double"),
    "integer": ("int32", "int64"),
}
_BELONGS = {  # what tells the type of a schema that names none
    "object": ("properties", "required", "additionalProperties", "patternProperties"),
    "array": ("items", "prefixItems"),
}
_TOLD = ("default", "multipleOf", "uniqueItems")  # written into the description
_LOST = (
    "not if then else dependentSchemas dependentRequired patternProperties propertyNames unevaluatedProperties"
    " unevaluatedItems contains minContains maxContains contentEncoding contentMediaType additionalItems"
).split()
_SILENT = (  # what says nothing about the values
    "$schema $id $anchor $comment $defs definitions defs title example examples deprecated readOnly writeOnly"
    " discriminator xml externalDocs strict"
).split()
_READ = frozenset(
    "type enum const format nullable description properties required items prefixItems anyOf oneOf allOf $ref"
    " additionalProperties exclusiveMinimum exclusiveMaximum propertyOrdering".split()
).union(_ALL_KEYWORDS, _TOLD, _LOST, _SILENT)
_OUTSIDE_BRANCHES = ("description", "nullable", "anyOf", "oneOf", "default")
_MOST_NESTED = 24  # references within references
_MOST_INLINED = 1000  # of one schema: references to references can multiply
_NULL: JsonObject = {"type": "string", "nullable": True}  # what only null fits


def clean_schema(schema: JsonObject) -> tuple[JsonObject, list[str]]:
    """A new schema, and the keywords whose meaning is lost. Idempotent; the schema given is not changed."""
    cleaner = _Cleaner(schema)
    cleaned = cleaner.node(schema, frozenset())
    return cleaned, list(cleaner.lost)


class _Cleaner:
    """document: what references point into. lost: keywords, in order."""

    def __init__(self, document: JsonObject) -> None:
        self._document = document
        self._inlined = 0
        self.lost: dict[str, None] = {}

    def node(self, schema: JsonObject, refs: frozenset[str]) -> JsonObject:
        """refs: the references on the way here; meeting one of them again is a cycle."""
        flat, refs = self._flat(schema, refs)
        self.lost |= {keyword: None for keyword in _LOST if keyword in flat}
        if not _READ.issuperset(flat):
            self.lost |= {word: None for word in flat if word not in _READ and not word.startswith("x-")}
        nullable = flat.get("nullable") is True
        kinds = _kinds(flat)
        if "null" in kinds:
            nullable = True
            kinds.remove("null")
            if not kinds:
                return _described(_NULL, flat, ())
        if (values := _values(flat)) is not None:
            if None in values:
                nullable = True
                values = [value for value in values if value is not None]
                if not values:
                    return _described(_NULL, flat, ())
            kinds = kinds[:1] if len(kinds) == 1 else []
        branches = _branches(flat)
        if branches is None and len(kinds) > 1:
            branches = [{"type": kind} for kind in kinds]
        if branches is not None:
            return self._union(branches, flat, nullable, refs)
        kind = kinds[0] if kinds else None
        return self._single(flat, kind, values, nullable, refs)

    # --- references and allOf ---

    def _flat(self, schema: JsonObject, refs: frozenset[str]) -> tuple[JsonObject, frozenset[str]]:
        """The schema with its own reference and `allOf` merged in; its own keywords win, then the later branch."""
        own: JsonObject = {name: value for name, value in schema.items() if name not in ("$ref", "allOf")}
        found: JsonObject = {}
        used = refs
        if isinstance(ref := schema.get("$ref"), str):
            if ref in refs or len(refs) >= _MOST_NESTED or self._inlined >= _MOST_INLINED:
                return _described({"type": "object"}, own, (f"recursive: {ref}",)), refs
            self._inlined += 1
            target = self._resolved(ref)
            if isinstance(target, dict):
                found, used = self._flat(target, refs | {ref})
            elif target is not True:
                own = {**own, "description": _told(own.get("description"), (f"unresolved: {ref}",))}
        branches = schema.get("allOf")
        for branch in branches if isinstance(branches, list) else ():
            if isinstance(branch, dict):
                flat, more = self._flat(branch, refs)
                found, used = _merged(found, flat), used | more
        return _merged(found, own), used

    def _resolved(self, ref: str) -> Json:
        """What a local JSON pointer names; None when there is none."""
        if not ref.startswith("#"):
            return None
        value: Json = self._document
        for step in unquote(ref[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return None
        return value if ref in ("#", "#/") or ref.startswith("#/") else None

    # --- unions ---

    def _union(self, branches: list[JsonObject], flat: JsonObject, nullable: bool, refs: frozenset[str]) -> JsonObject:
        """What stands beside a union goes into its branches."""
        beside: JsonObject = {name: value for name, value in flat.items() if name not in _OUTSIDE_BRANCHES}
        flattened = [self._flat(branch, refs) for branch in branches]
        kept = [(_merged(beside, branch), used) for branch, used in flattened if not _is_null(branch)]
        nullable = nullable or len(kept) < len(branches)
        if len(kept) == 1:
            only, used = kept[0]
            outer: JsonObject = {name: flat[name] for name in ("description", "default") if name in flat}
            return self.node({**only, **outer, "nullable": nullable or only.get("nullable")}, used)
        cleaned: list[JsonObject] = []
        for branch, used in kept:
            if (made := self.node(branch, used)) not in cleaned:
                cleaned.append(made)
        if not cleaned:
            return _described(_NULL, flat, ())
        union: JsonObject = cleaned[0] if len(cleaned) == 1 else {"anyOf": [*cleaned]}
        union = _described(union, flat, _words(flat, ("default",)))
        return {**union, "nullable": True} if nullable else union

    # --- one type ---

    def _single(
        self, flat: JsonObject, kind: str | None, values: list[Json] | None, nullable: bool, refs: frozenset[str]
    ) -> JsonObject:
        out: JsonObject = {}
        words = _words(flat, _TOLD)
        if values:
            if all(isinstance(value, str) for value in values):
                kind = "string"
                out["enum"] = [value for place, value in enumerate(values) if value not in values[:place]]
            else:
                kind = kind or _type_of(values[0])
                words = ["one of: " + ", ".join(dumps_text(value) for value in values), *words]
        if kind is None:
            kind = next((kind for kind, names in _BELONGS.items() if any(name in flat for name in names)), None)
        if kind is not None:
            out = {"type": kind, **out}
        for keyword in _ALL_KEYWORDS if kind is None else _KEYWORDS[kind]:
            if _is_fit(keyword, flat.get(keyword)):
                out[keyword] = flat[keyword]
        if kind in ("number", "integer", None):
            _put_bounds(out, flat, kind)
        if isinstance(format_ := flat.get("format"), str):
            if kind is not None and format_ in _FORMATS.get(kind, ()):
                out["format"] = format_
            else:
                words.append(f"format: {format_}")
        if kind == "array":
            out["items"] = self._items(flat, refs)
        elif kind == "object":
            words += self._put_properties(out, flat, refs)
        if nullable:
            out["nullable"] = True
        return _described(out, flat, words)

    def _items(self, flat: JsonObject, refs: frozenset[str]) -> JsonObject:
        members: list[Json] = []
        for value in (flat.get("prefixItems"), flat.get("items")):
            members += value if isinstance(value, list) else [value]
        cleaned: list[JsonObject] = []
        for member in members:
            if isinstance(member, dict) and (made := self.node(member, refs)) and made not in cleaned:
                cleaned.append(made)
        if not cleaned:
            return {"type": "string"}
        return cleaned[0] if len(cleaned) == 1 else self.node({"anyOf": [*cleaned]}, refs)

    def _put_properties(self, out: JsonObject, flat: JsonObject, refs: frozenset[str]) -> Iterator[str]:
        """Yields what is told of other properties."""
        declared = flat.get("properties")
        properties: JsonObject = {}
        for name, value in declared.items() if isinstance(declared, dict) else ():
            if isinstance(value, dict):
                properties[name] = self.node(value, refs)
            elif value is True:
                properties[name] = {"description": "any value"}
        if properties:
            out["properties"] = properties
        for keyword in ("required", "propertyOrdering"):
            names = flat.get(keyword)
            if isinstance(names, list) and (known := [name for name in _distinct(names) if name in properties]):
                out[keyword] = [*known]
        others = flat.get("additionalProperties")
        if isinstance(others, dict) and others:
            yield f"other properties: {dumps_text(others)}"


def _merged(first: JsonObject, second: JsonObject) -> JsonObject:
    """Both at once: properties and required united, else the second wins."""
    merged = {**first, **second}
    mine, theirs = first.get("properties"), second.get("properties")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        merged["properties"] = {**mine, **theirs}
    needed, more = first.get("required"), second.get("required")
    if isinstance(needed, list) and isinstance(more, list):
        merged["required"] = [*_distinct([*needed, *more])]
    return merged


def _distinct(names: Iterable[Json]) -> list[str]:
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _branches(flat: JsonObject) -> list[JsonObject] | None:
    """Branches of `anyOf` or `oneOf`; None when there is neither. A branch that is `false` fits nothing."""
    for keyword in ("anyOf", "oneOf"):
        if isinstance(union := flat.get(keyword), list):
            found: list[Json] = [{} if branch is True else branch for branch in union]
            return [branch for branch in found if isinstance(branch, dict)] or None
    return None


def _kinds(flat: JsonObject) -> list[str]:
    declared = flat.get("type")
    names = declared if isinstance(declared, list) else [declared]
    return list(dict.fromkeys(low for name in names if isinstance(name, str) and (low := name.lower()) in _TYPES))


def _values(flat: JsonObject) -> list[Json] | None:
    """The values allowed; None when any is."""
    if isinstance(values := flat.get("enum"), list) and values:
        return values
    return [flat["const"]] if "const" in flat else None


def _is_null(schema: JsonObject) -> bool:
    return _kinds(schema) == ["null"] or _values(schema) == [None]


def _type_of(value: Json) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_fit(keyword: str, value: Json) -> bool:
    return isinstance(value, str) if keyword == "pattern" else _is_number(value)


def _put_bounds(out: JsonObject, flat: JsonObject, kind: str | None) -> None:
    """Exclusive bounds as inclusive ones, in both drafts' forms."""
    for keyword, other, sign in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        bound, limit = flat.get(keyword), out.get(other)
        if bound is True and limit is not None:
            bound, limit = limit, None
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            continue
        if kind == "integer":
            bound = sign * (floor(sign * bound) + 1)
        if isinstance(limit, int | float):
            bound = sign * max(sign * bound, sign * limit)
        out[other] = bound


def _words(flat: JsonObject, keywords: Iterable[str]) -> list[str]:
    return [
        f"{name}: {dumps_text(flat[name])}"
        for name in keywords
        if name in flat and (name, flat[name]) != ("uniqueItems", False)
    ]


def _described(out: JsonObject, flat: JsonObject, words: Iterable[str]) -> JsonObject:
    """`out` with the description of `flat`, its own if that has none, and the words."""
    description = flat.get("description") or out.get("description")
    told = _told(description, words)
    return {**out, "description": told} if told else {**out}


def _told(description: Json, words: Iterable[str]) -> str:
    listed = ", ".join(words)
    text = description if isinstance(description, str) else ""
    return "\n".join(part for part in (text, f"({listed})" if listed else "") if part)

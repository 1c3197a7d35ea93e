"""`cache_control`: prompt cache marks on blocks (conversion rules 10)."""

from collections.abc import Iterator

from converters.fields import at, malformed, obj, string
from converters.json_codec import Json, JsonObject
from converters.turns import Cache

MAX_MARKS = 4
_FIELD = "cache_control"


def parse_cache(block: JsonObject, path: str) -> Cache | None:
    mark = obj(block, _FIELD, path)
    if mark is None:
        return None
    path = at(path, _FIELD)
    if mark.get("type") != "ephemeral":
        raise malformed(at(path, "type"), "`ephemeral`")
    return Cache(string(mark, "ttl", path))


def with_cache(block: JsonObject, cache: Cache | None) -> JsonObject:
    """The same block, marked."""
    if cache is not None:
        block[_FIELD] = {"type": "ephemeral"} if cache.ttl is None else {"type": "ephemeral", "ttl": cache.ttl}
    return block


def drop_surplus_marks(body: JsonObject) -> int:
    """Leaves the last 4 marks of a built body, in the order in which the prompt is made of it: a later mark covers all
    before it. The automatic mark at the top level takes one of the 4. Returns how many went."""
    marked = [block for part in ("tools", "system", "messages") for block in _marked(body.get(part))]
    surplus = max(0, len(marked) - MAX_MARKS + (_FIELD in body))
    for block in marked[:surplus]:
        del block[_FIELD]
    return surplus


def _marked(value: Json) -> Iterator[JsonObject]:
    """Blocks that carry a mark; those inside a block come before it. Only `content` is looked into, never arguments or
    schemas, whose field names are the client's."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield from _marked(item.get("content"))
            if item.get(_FIELD) is not None:
                yield item

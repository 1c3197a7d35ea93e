"""A glance at a text: whether the patterns of `redact_rules` can find anything in it at all.

Nearly all that is recorded holds no secret. Python's `re` needs 15 ns and more to see that of a byte; Rust's regex, which comes with
pydantic_core, needs half a nanosecond: for a few words at a time it looks for their first letters, sixteen and more bytes at once. (For
all of them in one pattern it cannot, and needs 2 ns; for a short text that is less than to look eight times.) It knows no look-around,
so that a glance takes for a secret what only looks like one from afar; then the patterns themselves decide. It must never overlook what
they would find: tests/addons/test_redact_glance.py.

Texts are read as Latin-1: the patterns are about ASCII, every byte is one character, and nothing is malformed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import batched, chain

from pydantic_core import SchemaValidator, core_schema

from addons.redact_rules import ESCAPED, KEYS, NAMES, PARAMETERS

type MayHold = Callable[[bytes], bool]

_SPACE = r" \t\n\r\x0b\x0c"  # what `\s` is in a pattern over bytes
_SHORT = 4096  # bytes
_WORDS = 16  # of ours in one pattern
_CLASS = re.compile(r"\[[^\]]*\]|\\w")


@lru_cache(maxsize=16)
def glance(secrets: tuple[bytes, ...], shapes: bool) -> MayHold:
    """secrets: known ones, in all their spellings. shapes: what looks like a secret counts too."""
    groups = [*(_shapes() if shapes else ()), *batched(map(_literal, secrets), _WORDS)]
    if not groups:
        return lambda data: False
    at_once, each = _matcher(chain(*groups)), [_matcher(group) for group in groups]

    def may_hold(data: bytes) -> bool:
        text = data.decode("latin-1")
        return at_once(text) if len(text) < _SHORT else any(matches(text) for matches in each)

    return may_hold


def _matcher(branches: Iterable[str]) -> Callable[[str], bool]:
    return SchemaValidator(
        core_schema.str_schema(pattern="|".join(branches), regex_engine="rust-regex")
    ).isinstance_python


def _shapes() -> Iterator[Iterable[str]]:
    """The branches of `redact_rules`, without what they look back and ahead for; in groups that are found fast."""
    keys = [_ascii(prefix + rest) for _, prefix, rest in KEYS]
    login = rf"""://[^/{_SPACE}"'@:\\]*:[^/{_SPACE}"'@\\]+@"""
    yield keys[:12]
    yield [*keys[12:], "eyJ[A-Za-z0-9_-]{10}", "----BEGIN", login]
    for names in batched(_names(), 5):
        yield [f"(?:{'|'.join(names)})(?:{_VALUE})"]
    yield [r"[bB](?i-u:earer)(?:[ \t+]|%20|\\t)"]
    yield [
        _ascii(rb"(?:[?&;]|\\u0026|%26)(?i:" + PARAMETERS + rb")(?:=|\\u003[dD]|%3[dD])"),
        r"\\" + ESCAPED.decode(),
    ]


# Behind a telling name: quotes and a colon at any depth of escaping, or a value in prose, or one in a file of variables.
_VALUE = (
    rf"""\\*["'][{_SPACE}]*:[{_SPACE}]*\\*["']"""
    rf"""|: ?(?:(?i-u:bearer|basic|token) |[^{_SPACE}"'\\]*[0-9])"""
    rf"""|=\\*["']?(?:[^{_SPACE}"'\\,;&$<>{{}}()]|\\/){{4}}"""
)


def _names() -> Iterable[str]:
    for letters, befores, rest in NAMES:
        for before in befores:
            yield _ascii(before + b"[" + letters + b"]" + rest)


def _ascii(pattern: bytes) -> str:
    """A pattern over bytes as one over text: `\\w` and letters of any case are ASCII in both."""
    text = _CLASS.sub(_written_out, pattern.decode())
    return text.replace("(?i:", "(?i-u:")


def _written_out(found: re.Match[str]) -> str:
    return "[A-Za-z0-9_]" if found[0] == r"\w" else found[0].replace(r"\w", "A-Za-z0-9_")


def _literal(secret: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in secret)

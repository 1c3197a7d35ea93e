"""Requests that were right and are no longer: seeded, so that each can be made again by its number."""

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from tests.e2e.hard_anthropic import ANTHROPIC
from tests.e2e.hard_chat import CHAT
from tests.e2e.hard_gemini import GEMINI
from tests.e2e.hard_responses import RESPONSES
from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, PROVIDERS, path_of, plain

type Change = Callable[[random.Random, "Draft"], None]

TABLES = {"chat": CHAT, "responses": RESPONSES, "anthropic": ANTHROPIC, "gemini": GEMINI}


@dataclass
class Draft:
    """A request while it is being spoilt. body: the JSON value, until `raw` is there. texts: JSON written by hand; where one
    belongs, a string of its number stands in the body."""

    model: str
    path: str
    headers: list[tuple[str, str]]
    body: Any
    texts: list[bytes]
    raw: bytes | None = None

    def written(self, text: bytes) -> str:
        """What to put into the body where this JSON text shall stand."""
        self.texts.append(text)
        return f"\ue000{len(self.texts) - 1}\ue001"

    def bytes(self) -> bytes:
        """The body as it would be sent now."""
        if self.raw is None:
            self.raw = json.dumps(self.body, ensure_ascii=False).encode("utf-8", "surrogatepass")
            for number in reversed(range(len(self.texts))):  # a later one may hold an earlier one
                self.raw = self.raw.replace(f'"\ue000{number}\ue001"'.encode(), self.texts[number])
        return self.raw


@dataclass(frozen=True)
class Attack:
    """counts: it asks for the number of its tokens."""

    seed: int
    protocol: str
    provider: str
    what: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    counts: bool


# --- values that nobody expects ---

DEPTHS = (5, 60, 190, 201, 1000, 5000)
VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        2**64,
        10**30,
        -(10**30),
        0.5,
        1e308,
        -0.0,
        "",
        " ",
        "\n",
        "0",
        "null",
    ),
    *(
        "user",
        "assistant",
        "system",
        "tool",
        "function",
        "text",
        "image",
        "auto",
        "none",
        "..",
        "../../etc/passwd",
        "%00",
    ),
    *("x" * 100_000, "😀" * 1000, "\u0000\u0001\u001b[31m", "\u202eabc", "\u2028data: x\n\ndata: y", "a\r\nx-evil: 1"),
    *(
        "http://127.0.0.1:9/x",
        "file:///etc/passwd",
        "data:image/png;base64,!!!!",
        "data:;base64,",
        "{{7*7}}",
        "${jndi:x}",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"": {}},
        {"type": "text"},
        {"type": None},
        {"type": "text", "text": None},
        {"role": "user"},
    ),
    *([1, "a", None, {}], {"$ref": "#"}, {"a": {"$ref": "#/a"}}, [{"type": "text", "text": "x"}] * 300),
)
TEXTS: tuple[bytes, ...] = (
    *(
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"1e-999",
        b"9" * 4300,
        b"9" * 5000,
        b"-" + b"1" * 20_000,
    ),
    *(
        b"0x10",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"'x'",
        b"undefined",
        b"True",
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b"//x\n1",
        b"",
    ),
    *(
        rb'"\ud800"',
        rb'"\udfff\ud800"',
        rb'"\ud83d"',
        b'"\xed\xa0\x80"',
        b'"\xff\xfe"',
        b'"\xc0\x80"',
        b'"\xf4\x90\x80\x80"',
    ),
    *(
        b'"\x00"',
        b'"\x1f"',
        rb'"\u0000"',
        rb'"\x41"',
        b'"\n"',
        rb'"\u12"',
        b'{"a":1,"a":{}}',
        b'{"type":"text","type":7}',
    ),
    *(b"[" * depth + b"1" + b"]" * depth for depth in DEPTHS),
    *(b'{"a":' * depth + b"1" + b"}" * depth for depth in DEPTHS),
    *(rb'["\ud800",' + b"[" * 150 + b"]" * 150 + b"]", b"1.0000000000000000000000000000001", b"1E400", b"-0"),
)
WORDS = (
    "type",
    "role",
    "content",
    "text",
    "name",
    "id",
    "input",
    "stream",
    "model",
    "tools",
    "parts",
    "__proto__",
    "",
    "a" * 5000,
)


def places(value: object) -> list[tuple[Any, Any]]:
    """Every (container, key or index) in a JSON value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = (
            list(container)
            if isinstance(container, dict)
            else range(len(container))
            if isinstance(container, list)
            else ()
        )
        for key in keys:
            found.append((container, key))
            waiting.append(container[key])
    return found


def _place(chance: random.Random, draft: Draft) -> tuple[Any, Any]:
    return chance.choice(places(draft.body) or [({"": None}, "")])


# --- changes of the JSON value ---


def delete(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    del container[key]


def retype(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    container[key] = copy.deepcopy(chance.choice(VALUES))


def by_hand(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    container[key] = draft.written(chance.choice(TEXTS))


def deeper(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    depth = chance.choice((*DEPTHS, 200_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"type":', b"}"), (b'{"properties":{"a":', b"}}")))
    inner = json.dumps(container[key], ensure_ascii=False).encode("utf-8", "surrogatepass")
    container[key] = draft.written(opening * depth + inner + closing * depth)


def twice(chance: random.Random, draft: Draft) -> None:
    """The same key twice in an object."""
    objects = [value for container, key in places([draft.body]) if isinstance(value := container[key], dict) and value]
    if not objects:
        return
    chosen = chance.choice(objects)
    key = chance.choice(list(chosen))
    other = json.dumps(copy.deepcopy(chance.choice((*VALUES[:20], chosen[key])))).encode()
    text = json.dumps(chosen, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text = b"{" + json.dumps(key).encode() + b":" + other + b"," + text[1:]
    if chosen is draft.body:
        draft.body = draft.written(text)
        return
    container, place = next((c, k) for c, k in places(draft.body) if c[k] is chosen)
    container[place] = draft.written(text)


def rename(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    if isinstance(container, dict):
        container[chance.choice((str(key).upper(), f"{key}s", *WORDS))] = container.pop(key, None)


def add(chance: random.Random, draft: Draft) -> None:
    container, _ = _place(chance, draft)
    if isinstance(container, dict):
        container[chance.choice(WORDS)] = copy.deepcopy(chance.choice(VALUES))
    else:
        container.insert(chance.randrange(len(container) + 1), copy.deepcopy(chance.choice(VALUES)))


def repeat(chance: random.Random, draft: Draft) -> None:
    lists = [container[key] for container, key in places(draft.body) if isinstance(container[key], list)]
    if lists and (chosen := chance.choice(lists)):
        chosen.extend(copy.deepcopy(chance.choices(chosen, k=chance.choice((1, 2, 50)))))


def shuffle(chance: random.Random, draft: Draft) -> None:
    lists = [container[key] for container, key in places(draft.body) if isinstance(container[key], list)]
    if lists:
        chance.shuffle(chance.choice(lists))


def move(chance: random.Random, draft: Draft) -> None:
    """A value of one place in another."""
    (one, at), (other, there) = _place(chance, draft), _place(chance, draft)
    one[at] = copy.deepcopy(other[there])


def wrap(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    value = container[key]
    container[key] = chance.choice(
        ([value], {"value": value}, {"type": value}, json.dumps(value, ensure_ascii=False), str(value))
    )


def unwrap(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    value = container[key]
    if isinstance(value, (list, dict)) and value:
        container[key] = value[0] if isinstance(value, list) else next(iter(value.values()))


def stretch(chance: random.Random, draft: Draft) -> None:
    container, key = _place(chance, draft)
    if isinstance(container[key], str):
        container[key] += chance.choice(("\ud800", "\x00", "\r\ndata: [DONE]\r\n\r\n", "é" * 3000, "\ufeff", "\u2028"))


# --- changes of the bytes ---


def truncate(chance: random.Random, draft: Draft) -> None:
    draft.raw = draft.bytes()[: chance.randrange(len(draft.bytes()) + 1)]


def flip(chance: random.Random, draft: Draft) -> None:
    raw = bytearray(draft.bytes())
    for _ in range(chance.choice((1, 2, 10))):
        if raw:
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    draft.raw = bytes(raw)


def insert(chance: random.Random, draft: Draft) -> None:
    at = chance.randrange(len(draft.bytes()) + 1)
    draft.raw = (
        draft.bytes()[:at]
        + chance.choice((*TEXTS, b"\xef\xbb\xbf", b'"', b"}", b",", b"\x80", b"\\"))
        + draft.bytes()[at:]
    )


def cut_out(chance: random.Random, draft: Draft) -> None:
    at = chance.randrange(len(draft.bytes()) + 1)
    draft.raw = draft.bytes()[:at] + draft.bytes()[at + chance.choice((1, 2, 30)) :]


def recode(chance: random.Random, draft: Draft) -> None:
    text = draft.bytes().decode("utf-8", "replace")
    draft.raw = text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig", "cp037")), "replace")


def other_body(chance: random.Random, draft: Draft) -> None:
    deep = chance.choice((b"[", b'{"a":')) * 200_000
    others = (
        b"",
        b" ",
        b"{}",
        b"[]",
        b"null",
        b"0",
        b'"text"',
        b"\x00",
        b"{",
        deep,
        draft.bytes() * 2,
        chance.randbytes(300),
    )
    draft.raw = chance.choice(others)


# --- changes of the head ---


@cache
def bomb() -> bytes:
    """300 MB."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(300))
    return packed + packer.flush()


@cache
def nested_bomb() -> bytes:
    """20 MB of opening brackets, within the limit of size."""
    return gzip.compress(b"[" * 20_000_000)


def code(chance: random.Random, draft: Draft) -> None:
    """A content coding, right or wrong."""
    packed = gzip.compress(draft.bytes(), mtime=0)
    coding, draft.raw = chance.choice(
        (
            ("gzip", packed),
            ("gzip", packed[: len(packed) // 2]),
            ("gzip", packed[:-4] + b"abcd"),
            ("gzip", packed + packed),
            ("gzip", packed + b"trailing"),
            ("gzip", draft.bytes()),
            ("gzip", b""),
            ("deflate", zlib.compress(draft.bytes())),
            ("deflate", zlib.compress(draft.bytes())[2:-4]),
            ("identity", packed),
            ("br", packed),
            ("zstd", packed),
            ("gzip, gzip", gzip.compress(packed)),
            ("GZIP", packed),
            ("x" * 500, packed),
        )
    )
    draft.headers.append(("content-encoding", coding))


def explode(chance: random.Random, draft: Draft) -> None:
    draft.headers.append(("content-encoding", "gzip"))
    draft.raw = chance.choice((bomb, nested_bomb))()


def mislabel(chance: random.Random, draft: Draft) -> None:
    kinds = (
        "text/plain",
        "",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    )
    draft.headers = [(name, value) for name, value in draft.headers if name != "content-type"]
    draft.headers.append(("content-type", chance.choice(kinds)))
    odd = (
        "accept",
        "anthropic-version",
        "anthropic-beta",
        "openai-organization",
        "model-provider",
        "x-session-id",
        "range",
    )
    values = ("x" * 3000, "\udcff\udcfe", "1, 2, 3", "..", "nobody", "*", "a\tb")
    draft.headers.append((chance.choice(odd), chance.choice(values)))


def rename_model(chance: random.Random, draft: Draft) -> None:
    """Tricks in the model's name, which Gemini has in the path."""
    names = (
        *(
            "",
            "..",
            "../../v1/files",
            "a/b/c",
            "a:b",
            "a:generateContent",
            "%2e%2e",
            "a\r\nx: 1",
            "a\x00b",
            "a b",
            "ü",
            "😀",
            "a?b=c",
        ),
        *(
            "a#b",
            "x" * 10_000,
            "default",
            "auto",
            "demo:x",
            "nobody:x",
            "openai-custom/gpt-4.1",
            "models/models/x",
            ":",
            "/",
            "\\",
            "*",
        ),
    )
    name = chance.choice(names)
    if isinstance(draft.body, dict) and "model" in draft.body:
        draft.body["model"] = name
    else:
        draft.path = draft.path.replace(draft.model, quote(name, safe=chance.choice(("", "/:", "/:%"))))


TREE: tuple[Change, ...] = (
    *(
        delete,
        retype,
        retype,
        by_hand,
        by_hand,
        deeper,
        twice,
        rename,
        add,
        repeat,
        shuffle,
        move,
        wrap,
        unwrap,
        stretch,
    ),
    rename_model,
)
BYTES: tuple[Change, ...] = (truncate, flip, insert, cut_out, recode, other_body)
HEAD: tuple[Change, ...] = (code, code, mislabel)
ONE_BOMB_IN = 250
COUNTING = {
    "responses": "/v1/responses/input_tokens",
    "anthropic": "/v1/messages/count_tokens",
    "gemini": "/v1beta/models/{}:countTokens",
}


def attack(seed: int) -> Attack:
    """The one with this number: always the same."""
    chance = random.Random(seed)
    protocol, provider = PROTOCOLS[seed % 4], list(PROVIDERS)[seed // 4 % 4]
    model, stream = f"{PLAIN_MODEL[provider]}-text", chance.random() < 0.4
    change = copy.deepcopy(chance.choice(list(TABLES[protocol].values())))
    change.pop("model", None)
    asked = plain(protocol, model, stream=stream, **change)
    counts = protocol in COUNTING and chance.random() < 0.1
    path = f"/{provider}{COUNTING[protocol].format(model) if counts else path_of(protocol, model, stream=stream)}"
    draft = Draft(model, path, [("content-type", "application/json")], copy.deepcopy(asked.body), [])
    if seed % ONE_BOMB_IN == ONE_BOMB_IN - 1:
        changes: list[Change] = [explode]
    else:
        changes = [chance.choice(TREE) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        if chance.random() < 0.2:
            changes = [*changes[1:], chance.choice(BYTES)]
        if chance.random() < 0.1:
            changes.append(chance.choice(HEAD))
    for spoil in changes:
        if isinstance(draft.body, (dict, list)) or spoil not in TREE:
            spoil(chance, draft)
    what = "+".join(spoil.__name__ for spoil in changes)
    return Attack(seed, protocol, provider, what, draft.path, draft.headers, draft.bytes(), counts)

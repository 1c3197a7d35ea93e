"""What a secret looks like: the patterns that `redact` searches bodies, URLs and texts for.

One combined pattern over bytes. Each branch begins at a rare character of what it looks for (the `z` of `AIza`, the `-` of `sk-`)
and looks back for the rest: the search over a megabyte of prose stops three times less often than with `s` and `e` at the front.
Whether a branch matches is decided within `CONTEXT` bytes; what follows is a run of one class of characters. (`redact` relies on
that when it searches only what is new in a body.)
`redact_glance` tells in a tenth of the time that there is nothing to be found; what is changed here may have to be changed there.
Everything may stand inside JSON, and inside JSON in a JSON string, with its quotes and slashes escaped.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote

CONTEXT = 1400
KNOWN, ESCAPE = "known", "escape"
SHORTEST_KNOWN = 8  # bytes; "ollama", which somebody put in for a key that nobody asks for, is a word like any other

# Where a token may begin: behind anything but a letter or digit, and behind an escape that ends in one (`\n`, `%3D`, `\u003d`).
_HERE = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4}))"

# Keys by their prefixes: the last character of the prefix, the prefix, what follows.
KEYS = (
    (b"-", b"sk-", rb"[\w-]{8,}"),  # OpenAI, Anthropic, OpenRouter, DeepSeek ...
    (b"-", b"xox[a-z]-", rb"[\w-]{8,}"),  # Slack
    (b"-", b"xai-", rb"[\w-]{16,}"),
    (b"-", b"glpat-", rb"[\w-]{16,}"),
    (b"-", b"GOCSPX-", rb"[\w-]{16,}"),  # Google OAuth clients
    (b"-", b"pplx-", rb"[\w-]{16,}"),
    (b"-", b"nvapi-", rb"[\w-]{16,}"),
    (b"-", b"aic-", rb"[\w-]{32,}"),  # ours
    (b"_", b"gh[pousr]_", rb"[A-Za-z0-9]{16,}"),
    (b"_", b"github_pat_", rb"\w{16,}"),
    (b"_", b"ksk_", rb"[\w-]{8,}"),  # Kiro
    (b"_", b"gsk_", rb"\w{16,}"),  # Groq
    (b"_", b"hf_", rb"[A-Za-z0-9]{20,}"),
    (b"_", b"npm_", rb"[A-Za-z0-9]{30,}"),
    (b"_", b"[sr]k_live_", rb"[A-Za-z0-9]{16,}"),  # Stripe
    (b"_", b"[sr]k_test_", rb"[A-Za-z0-9]{16,}"),
    (b"z", b"AIz", rb"a[\w-]{20,}"),  # Google API keys
    (b".", rb"ya29\.", rb"[\w.-]{8,}"),  # Google access tokens
    (b"/", b"1//", rb"[\w-]{20,}"),  # Google refresh tokens
    (b"K", b"AK", rb"IA[A-Z0-9]{16}"),  # AWS
    (b"I", b"ASI", rb"A[A-Z0-9]{16}"),
)

# Names of JSON members and the like, split at the letter that the search stops at: (letter, what stands before it, rest).
NAMES = (
    (b"kK", (rb"(?i:to)",), rb"(?i:en)"),
    (b"kK", (rb"(?i:api)", rb"(?i:api)[_-]"), rb"(?i:ey)"),
    (b"kK", (rb"(?i:private)", rb"(?i:private)[_-]"), rb"(?i:ey(?:_?data)?)"),
    (b"kK", (rb"(?i:access)", rb"(?i:access)[_-]"), rb"(?i:ey(?:_?id)?)"),
    (b"kK", (rb"(?i:secret)", rb"(?i:secret)[_-]"), rb"(?i:ey)"),
    (b"kK", (rb"(?i:coo)",), rb"(?i:ies?)"),
    (b"cC", (rb"(?i:se)",), rb"(?i:ret)"),
    (b"wW", (rb"(?i:pass)",), rb"(?i:or)?[dD]"),
    (b"hH", (rb"(?i:passp)",), rb"(?i:rase)"),
    (b"zZ", (rb"(?i:authori)",), rb"(?i:ation)"),
)
# The quotes and the colon between a name and its value, at any depth of escaping; then the value, by depth. A `token` with a
# `logprob` behind it is one of text.
_MEMBER = (
    rb'(?:"\s*:\s*"(?!(?:[^"\\]|\\.){0,64}"\s{0,8},\s{0,8}"logprob)(?P<{0}0>(?:[^"\\]|\\.)++)'
    rb'|\\"\s*:\s*\\"(?P<{0}1>(?:[^"\\]|\\{3,}"|\\+[^"\\])++)'
    rb'|\\{3}"\s*:\s*\\{3}"(?P<{0}2>(?:[^"\\]|\\{7,}"|\\+[^"\\])++)'
    rb'|\\{7}"\s*:\s*\\{7}"(?P<{0}3>(?:[^"\\]|\\{15,}"|\\+[^"\\])++)'
    rb'|\\{2,}"\s*:\s*\\{2,}"(?P<{0}4>(?:[^"\\]|\\+[^"\\])++)'
    rb"|'\s*:\s*'(?P<{0}5>[^'\"\\]++))"
)
# `Authorization: Basic abc`, `x-api-key: abc` in prose and shell commands; `API_KEY=abc` in files of variables.
_LINE = (
    rb"(?:: ?(?:(?i:bearer|basic|token) +|(?=[^\s\"'\\]{0,200}?\d))|=\\*[\"']?)"
    rb"(?P<{0}6>(?:[^\s\"'\\,;&$<>{}()]|\\/){4,})"
)
PARAMETERS = (
    rb"key|api[_-]?key|access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|token|password|secret|client[_-]?secret|"
    rb"sig|signature|X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|AWSAccessKeyId|code"
)
_PARAMETER = rb"(?i:" + PARAMETERS + rb")(?:=|\\u003[dD]|%3[dD])(?P<{0}>[^&\s\"'<>\\#]+)"
_PEM = (
    rb"----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
    rb"(?:(?!-----END)[A-Za-z0-9+/=\s\\:,.-])*(?:-----END [A-Z0-9 ]{0,60}-----)?"
)
_BEARER = rb"(?i:earer)(?:[ \t+]|%20|\\t)+(?=[\w.~+/=-]{0,200}?\d)(?P<{0}>(?:[\w.~+/=-]|\\/){8,})"
# An escape of a character that a token may hold: a shape may hide behind it.
ESCAPED = rb"u00(?:2[bBdDeEfF]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])"


def _branches() -> Iterator[tuple[bytes, bytes, str]]:
    """(the character that the search stops at, pattern behind it, kind). `{0}` in a pattern: a group, to be named."""
    for stop, prefix, run in KEYS:
        yield stop, rb"(?<=" + prefix + rb")(?<=" + _HERE + prefix + rb")" + run, "key"
    for letters, befores, rest in NAMES:
        for letter in letters.decode():
            for before in befores:
                name = rb"(?<=" + before + letter.encode() + rb")" + rest
                yield letter.encode(), name + rb"(?:" + _MEMBER + rb"|" + _LINE + rb")", "member"
    yield b"J", rb"(?<=eyJ)(?<=" + _HERE + rb"eyJ)[\w-]{10,1200}\.[\w-]{4,}(?:\.[\w-]*){0,3}", "jwt"
    yield b"-", _PEM, "private key"
    yield b"B", _BEARER, "token"
    yield b"b", _BEARER, "token"
    yield b"?", _PARAMETER, "parameter"
    yield b"&", _PARAMETER, "parameter"
    yield b";", _PARAMETER, "parameter"
    yield b"\\", rb"u0026" + _PARAMETER, "parameter"
    yield b"%", rb"26" + _PARAMETER, "parameter"
    yield b"/", rb"(?<=://)[^/\s\"'@:\\]{0,100}:(?P<{0}>[^/\s\"'@\\]{1,300})@", "login"
    yield b"\\", ESCAPED, ESCAPE


# What stands before the character that a key was found by, and belongs to it.
PREFIX = re.compile(
    rb"(?:sk|xox[a-z]|xai|glpat|GOCSPX|pplx|nvapi|aic|gh[pousr]|github_pat|ksk|gsk|hf|npm|[sr]k_(?:live|test)|AI|ya29|1/|A|AS|ey)\Z"
)

EMAILS = rb"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"
HOME_PATHS = rb"(?:/home/|/Users/|[A-Za-z]:\\{1,4}Users\\{1,4})(?P<name>[^/\\\s\"':;,<>|]{1,64})"
OPTIONAL = {"emails": (EMAILS, "email"), "paths": (HOME_PATHS, "user")}


@lru_cache(maxsize=16)
def rules_for(known: frozenset[bytes], shapes: bool) -> "Rules":
    """The same ones again where they are asked for again: the pattern is long."""
    return Rules(known, shapes=shapes)


class Rules:
    """The one pattern, with the secrets that are known word for word. A match's last group, `g12` or `g12_0`, names its branch;
    the group is what to redact where it has a length, else it is the whole match and the key's prefix before it.

    secrets: in all their spellings. reach: bytes within which it is decided whether a branch matches.
    """

    def __init__(self, known: Iterable[bytes] = (), *, shapes: bool = True) -> None:
        self.kinds: dict[str, str] = {}
        by_stop: dict[bytes, list[bytes]] = {}
        for number, (stop, tail, kind) in enumerate(_branches() if shapes else ()):
            name = f"g{number}"
            by_stop.setdefault(stop, []).append(self._named(tail, name, kind))
        self.secrets = sorted(spellings(known), key=len)
        for number, secret in enumerate(self.secrets):  # the longest comes first in the end
            self.kinds[f"k{number}"] = KNOWN
            by_stop.setdefault(secret[:1], []).insert(0, re.escape(secret[1:]) + b"(?P<k%d>)" % number)
        branches = (re.escape(stop) + rb"(?:" + b"|".join(tails) + rb")" for stop, tails in by_stop.items())
        self.pattern = re.compile(b"|".join(branches) or b"(?!)")
        self.reach = max([CONTEXT, *map(len, self.secrets)])

    def _named(self, tail: bytes, name: str, kind: str) -> bytes:
        self.kinds[name] = kind
        if b"{0}" not in tail:
            return tail + rb"(?P<" + name.encode() + rb">)"
        for n in range(7):
            self.kinds[f"{name}_{n}"] = kind
        return tail.replace(b"<{0}>", b"<%s>" % name.encode()).replace(b"<{0}", b"<%s_" % name.encode())


def spellings(known: Iterable[bytes]) -> set[bytes]:
    """Known secrets as they may be written: plain, in JSON, in a URL."""
    found = set()
    for secret in known:
        if len(secret) >= SHORTEST_KNOWN:
            escaped = secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            found |= {secret, escaped, escaped.replace(b"/", b"\\/"), quote(secret, safe="").encode()}
    return found


def own_patterns(rules: Sequence[str]) -> list[tuple[re.Pattern[bytes], str]]:
    """`emails`, `paths` or regular expressions -> patterns and kinds. ValueError for one that cannot be compiled."""
    found = []
    for rule in rules:
        pattern, kind = OPTIONAL.get(rule, (rule.encode(), "custom"))
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{rule!r} is no regular expression: {error}") from None
        if compiled.match(b""):
            raise ValueError(f"{rule!r} matches nothing at all, so it would match everywhere")
        found.append((compiled, kind))
    return found


def checked_patterns(rules: tuple[str, ...]) -> tuple[str, ...]:
    """The same, if each can be used. Raises ValueError."""
    own_patterns(rules)
    return rules

"""What a path means, pure: method and path -> what is asked, in which protocol, of which provider."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from addons.providers.base import Action
from converters.errors import ConversionError

_SLASHES = re.compile(r"/{2,}")
_VERSION = re.compile(r"^(?:v1(?:(?:beta|alpha)\d*)?/)+")
_GOOGLE_VERSION = re.compile(r"^(?:v1/)*v1(?:beta|alpha)\d*/")  # the other APIs have none of these
_MODEL, _STORED = "models/", "responses/"
# An answer that its provider keeps: what may stand behind its id, and the methods for it.
_STORED_CALLS = {"": ("GET", "DELETE"), "input_items": ("GET",), "cancel": ("POST",)}


@dataclass(frozen=True, slots=True)
class Match:
    """What a path means. protocol: the client's wire by name, None where the answer's shape depends on a header.
    provider: named in the path. name: of the model, percent-decoded, or for a STORED call what it is about. stream: Gemini
    says it in the path."""

    action: Action
    protocol: str | None = None
    provider: str | None = None
    name: str | None = None
    stream: bool = False


ROUTES: Mapping[tuple[str, str], tuple[Action, str | None]] = {
    ("POST", "chat/completions"): (Action.GENERATE, "chat"),
    ("POST", "responses"): (Action.GENERATE, "responses"),
    ("POST", "responses/input_tokens"): (Action.COUNT, "responses"),
    ("POST", "responses/compact"): (Action.COMPACT, "responses"),
    ("POST", "messages"): (Action.GENERATE, "anthropic"),
    ("POST", "messages/count_tokens"): (Action.COUNT, "anthropic"),
    ("GET", "models"): (Action.MODELS, None),
    ("GET", "health"): (Action.HEALTH, None),
    ("HEAD", "health"): (Action.HEALTH, None),
}
# Gemini: `models/{model}:{verb}`
VERBS: Mapping[str, tuple[Action, bool]] = {
    "generateContent": (Action.GENERATE, False),
    "streamGenerateContent": (Action.GENERATE, True),
    "countTokens": (Action.COUNT, False),
}
# Side traffic of clients (Claude Code and others): not a failure, not ours to forward.
QUIET = frozenset(
    {
        ("HEAD", ""),
        ("HEAD", "api/hello"),
        ("GET", "api/hello"),
        ("POST", "api/hello"),
        ("POST", "api/event_logging/batch"),
    }
)
SHOWN = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/responses/input_tokens",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1beta/models/MODEL:generateContent",
    "/v1beta/models/MODEL:streamGenerateContent",
    "/v1beta/models/MODEL:countTokens",
    "/v1/models",
    "/v1beta/models",
    "/health",
)
_PATHS = frozenset(path for _, path in ROUTES) | frozenset(path for _, path in QUIET)


def protocol_of(path: str, headers: Collection[str], google_key: bool = False) -> str:
    """The protocol an answer is written in when nothing better is known: by the path's look, then by a vendor's header.

    headers: lower-case names. google_key: the client's key came in Google's way.
    """
    if "/messages" in path or "event_logging" in path or "anthropic-version" in headers:
        return "anthropic"
    if "/responses" in path:
        return "responses"
    if "/chat/" in path:
        return "chat"
    if (
        google_key
        or "/v1beta" in path
        or "/v1internal" in path
        or "/v1alpha" in path
        or path.rpartition(":")[2] in VERBS
    ):
        return "gemini"
    return "chat"


def split_provider(path: str, providers: Collection[str]) -> tuple[str | None, str]:
    """(the provider that the path names first, the rest without slashes around it)."""
    rest = _SLASHES.sub("/", path).strip("/")
    first, _, after = rest.partition("/")
    return (first, after) if first in providers else (None, rest)


def match(method: str, path: str, providers: Collection[str]) -> Match:
    """path: without query. A version (`/v1`, `/v1beta`) may be there, missing or doubled; a provider's name may stand before
    all of it.

    Raises ConversionError: 404 that lists what exists, 405 for a known path and a wrong method.
    """
    provider, rest = split_provider(path, providers)
    first, _, after = rest.partition("/")
    versioned = rest + "/"
    bare = _VERSION.sub("", versioned).strip("/")
    google = "gemini" if _GOOGLE_VERSION.match(versioned) else None
    if (method, bare) in QUIET:
        return Match(Action.QUIET)
    if (found := ROUTES.get((method, bare))) is not None:
        return Match(found[0], found[1] or google, provider)
    if bare.startswith(_MODEL) and len(bare) > len(_MODEL):
        return _of_model(method, path, bare.removeprefix(_MODEL), google, provider)
    if bare.startswith(_STORED) and bare not in _PATHS:
        name = _name(bare.removeprefix(_STORED))
        if (methods := _STORED_CALLS.get(name.partition("/")[2])) is not None:
            if method not in methods:
                raise _wrong_method(method, path)
            return Match(Action.STORED, "responses", provider, name)
    if bare in _PATHS:
        raise _wrong_method(method, path)
    if provider is None and _is_known(_VERSION.sub("", after + "/").strip("/")):
        raise unknown_provider(first, providers)
    raise ConversionError(
        f"{path[:200]} does not exist here. Paths: {', '.join(SHOWN)}; each also under /PROVIDER, with one of: "
        f"{', '.join(providers)}",
        status=404,
        code="unknown_path",
    )


def _of_model(method: str, path: str, rest: str, google: str | None, provider: str | None) -> Match:
    """`models/{m}` or `models/{m}:{verb}`; the name of a model may hold colons and slashes itself."""
    name, colon, verb = rest.rpartition(":")
    if colon and verb in VERBS:
        if method != "POST":
            raise _wrong_method(method, path)
        action, stream = VERBS[verb]
        return Match(action, "gemini", provider, _name(name), stream)
    if method != "GET":
        if google:
            raise ConversionError(f"{path[:200]}: there are {', '.join(VERBS)}", status=404, code="unknown_path")
        raise _wrong_method(method, path)
    return Match(Action.MODEL, google, provider, _name(rest))


def _is_known(bare: str) -> bool:
    return (bare != "" and bare in _PATHS) or bare.startswith(_MODEL)


def _wrong_method(method: str, path: str) -> ConversionError:
    return ConversionError(f"{method[:20]} is not allowed on {path[:200]}", status=405, code="method_not_allowed")


def _name(text: str) -> str:
    """A part of a path that becomes part of an upstream path: nothing that could lead elsewhere.

    Raises ConversionError 404.
    """
    name = unquote(text)
    if not name.isprintable() or {"", ".", ".."} & set(name.split("/")):
        raise ConversionError(f"there is no {name[:100]!r}", status=404, code="model_not_found")
    return name


def unknown_provider(name: str, providers: Collection[str]) -> ConversionError:
    near = difflib.get_close_matches(name, providers, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return ConversionError(
        f"there is no provider {name[:60]!r}.{hint} Providers: {', '.join(providers)}",
        status=404,
        code="unknown_provider",
    )

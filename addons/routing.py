"""Routing, pure: path and headers -> what is asked, in which protocol, of which provider."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from addons.providers.base import Action, Provider
from converters.errors import ConversionError

_SLASHES = re.compile(r"/{2,}")
_VERSION = re.compile(r"^(?:v1/)+")


@dataclass(frozen=True, slots=True)
class Match:
    """What a path means. protocol: the client's wire by name, None where the answer's shape depends on a header.
    provider: named in the path. model: for one entry of the model list, percent-decoded."""

    action: Action
    protocol: str | None = None
    provider: str | None = None
    model: str | None = None


ROUTES: Mapping[tuple[str, str], tuple[Action, str | None]] = {
    ("POST", "chat/completions"): (Action.GENERATE, "chat"),
    ("POST", "messages"): (Action.GENERATE, "anthropic"),
    ("POST", "messages/count_tokens"): (Action.COUNT, "anthropic"),
    ("GET", "models"): (Action.MODELS, None),
    ("GET", "health"): (Action.HEALTH, None),
    ("HEAD", "health"): (Action.HEALTH, None),
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
SHOWN = ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/health")
_PATHS = frozenset(path for _, path in ROUTES) | frozenset(path for _, path in QUIET)


def protocol_of(path: str, headers: Mapping[str, str]) -> str:
    """The protocol an error is written in when nothing better is known: by the path's look, then by Anthropic's header."""
    if "/messages" in path or "event_logging" in path or "anthropic-version" in headers:
        return "anthropic"
    return "chat"


def match(method: str, path: str, providers: Collection[str]) -> Match:
    """path: without query. `/v1` may be there, missing or doubled; a provider's name may stand before all of it.

    Raises ConversionError: 404 that lists what exists, 405 for a known path and a wrong method.
    """
    rest = _SLASHES.sub("/", path).strip("/")
    first, _, after = rest.partition("/")
    provider = first if first in providers else None
    bare = _VERSION.sub("", (after if provider else rest) + "/").strip("/")
    if (method, bare) in QUIET:
        return Match(Action.QUIET)
    if (found := ROUTES.get((method, bare))) is not None:
        return Match(*found, provider)
    if method == "GET" and bare.startswith("models/") and len(bare) > len("models/"):
        return Match(Action.MODEL, None, provider, _model_id(bare.removeprefix("models/")))
    if bare in _PATHS:
        raise ConversionError(f"{method[:20]} is not allowed on {path[:200]}", status=405, code="method_not_allowed")
    if provider is None and _VERSION.sub("", after + "/").strip("/") in _PATHS - {""}:
        raise unknown_provider(first, providers)
    raise ConversionError(
        f"{path[:200]} does not exist here. Paths: {', '.join(SHOWN)}; each also under /PROVIDER, with one of: "
        f"{', '.join(providers)}",
        status=404,
        code="unknown_path",
    )


def _model_id(text: str) -> str:
    """The last part of a path, which becomes part of an upstream path: nothing that could lead elsewhere.

    Raises ConversionError 404.
    """
    name = unquote(text)
    if not name.isprintable() or {"", ".", ".."} & set(name.split("/")):
        raise ConversionError(f"there is no model {name[:100]!r}", status=404, code="model_not_found")
    return name


def unknown_provider(name: str, providers: Collection[str]) -> ConversionError:
    near = difflib.get_close_matches(name, providers, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return ConversionError(
        f"there is no provider {name[:60]!r}.{hint} Providers: {', '.join(providers)}",
        status=404,
        code="unknown_provider",
    )


def choose(
    named: str | None,
    preferred: Sequence[str],
    usable: Sequence[str],
    protocol: str | None,
    catalogue: Mapping[str, Provider],
) -> str:
    """The provider for a request.

    named: by path or `Model-Provider` header. preferred: the `model_provider` setting. usable: providers that have an
    account, best first. A named or preferred provider is taken at its word; else the account that speaks the client's own
    protocol, else any; the demo only when there is no account at all.

    Raises ConversionError 404 for a name that does not exist.
    """
    if named is not None:
        if named not in catalogue:
            raise unknown_provider(named, catalogue)
        return named
    if preferred:
        return preferred[0]
    own = (name for name in usable if (wire := catalogue[name].wire) is not None and wire.name == protocol)
    return next(own, next(iter(usable), "demo"))

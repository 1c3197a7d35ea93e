"""Accounts that stand in for those that a recorded request was sent with: no credential, and what the request says of them."""

import re
from collections.abc import Callable, Mapping
from typing import override
from urllib.parse import urlsplit

from addons.providers.base import Action, Provider
from addons.replay.captured import Tried, Unplayable
from addons.version import USER_AGENT
from converters.errors import ConversionError
from converters.json_codec import JsonObject, loads
from creds.account import Account, Credential, CredentialError
from creds.api_key import ApiKey
from creds.code_assist import CodeAssistCredential, Project
from creds.kiro import Endpoint, KeySource, KiroCredential
from creds.oauth import OAuthCredential
from creds.token import Dead, Token

_TOKEN = "replayed"  # noqa: S105  # opens nothing
_SOMEWHERE = "https://replayed.invalid"  # to see what a provider puts behind a base URL
_KIRO_PATH = re.compile(r"(?:/generateAssistantResponse)?/?$")


def stand_in(
    provider: Provider, tried: Tried, action: Action, *, stream: bool, thinking: str = "native", stored: str = ""
) -> Account:
    """The account of one attempt. thinking: Kiro's setting. stored: the stored answer that was asked for. Raises Unplayable for a
    provider whose requests need more of an account than a recorded one shows."""
    url, body = tried.sent.url, _object(tried.sent.body)
    if provider.name == "claude-kiro-oauth":
        kiro = _kiro(url, dict(tried.sent.headers), body, thinking)
        return Account(provider.name, tried.account, kiro.endpoint.base_url, kiro)
    credential = _CREDENTIALS.get(provider.name, _key)(body)
    account = Account(provider.name, tried.account, _SOMEWHERE, credential)
    try:
        found = provider.url(account, action, stored or tried.model, stream=stream) or ""
    except (AssertionError, AttributeError, CredentialError, ConversionError) as error:
        raise Unplayable(f"{provider.name} needs a real account to write a request: {error}") from None
    return Account(provider.name, tried.account, _base(url, found.removeprefix(_SOMEWHERE)), credential)


def _base(url: str, tail: str) -> str:
    """What stands before the path that the provider itself adds; the host alone where that is another one now."""
    path, tail = url.partition("?")[0], tail.partition("?")[0]
    if tail and path.endswith(tail):
        return path.removesuffix(tail)
    parts = urlsplit(url)
    if not (parts.scheme and parts.netloc):
        raise Unplayable(f"{url!r}, where a request went, is no URL")
    return f"{parts.scheme}://{parts.netloc}"


def _object(body: bytes) -> JsonObject:
    try:
        found = loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def _never(token: Token) -> Token:
    raise Dead("a replay renews nothing")


def _tokens() -> OAuthCredential:
    return OAuthCredential(_TOKEN, KeySource(_TOKEN), _never, lambda: 0.0)


class _KnownProject(Project):
    def __init__(self, tokens: OAuthCredential, project: str) -> None:
        super().__init__(tokens, "", agent=USER_AGENT)
        self._known = project

    @property
    @override
    def at_hand(self) -> str | None:
        return self._known


def _code_assist(body: JsonObject) -> Credential:
    tokens = _tokens()
    return CodeAssistCredential(tokens, _KnownProject(tokens, str(body.get("project") or "replayed")))


def _kiro(url: str, headers: Mapping[str, str], body: JsonObject, thinking: str) -> KiroCredential:
    arn = str(body.get("profileArn") or headers.get("x-amzn-kiro-profile-arn") or "")
    endpoint = Endpoint(
        "aws-json-1.0" if "x-amz-target" in headers else "rest-json",
        _KIRO_PATH.sub("", url.partition("?")[0]),
        "",
        "tags" if thinking == "tags" else "off" if thinking == "off" else "native",
    )
    return KiroCredential(_tokens(), KeySource(_TOKEN), lambda: 0.0, endpoint=endpoint, arn=arn)


def _key(_: JsonObject) -> Credential:
    return ApiKey(_TOKEN)


def _login(_: JsonObject) -> Credential:
    return _tokens()


_CREDENTIALS: Mapping[str, Callable[[JsonObject], Credential]] = {
    "gemini-cli-oauth": _code_assist,
    "openai-qwen-oauth": _login,
}

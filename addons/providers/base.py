"""What a provider is: a declaration. Only data differs? Then a class body of a few lines; every quirk is a method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol
from urllib.parse import quote

from addons.settings import Settings
from converters.errors import ConversionError, UpstreamError
from converters.events import StreamEvent
from converters.json_codec import JsonObject
from converters.model_list import Model
from converters.profile import DEFAULT, Profile
from converters.turns import Chat
from converters.wire import ProviderWire
from creds.account import Account, Scheme
from creds.service import UNSAID, Service


class Action(StrEnum):
    """What a client's request wants done."""

    GENERATE = "generate"
    COUNT = "count"
    COMPACT = "compact"  # Responses: a long conversation made short by its provider
    STORED = "stored"  # Responses: an answer that its provider keeps
    MODELS = "models"  # the list
    MODEL = "model"  # one entry of it
    HEALTH = "health"
    HANDSHAKE = "handshake"  # what Gemini CLI asks of Code Assist beside its questions: answered, never forwarded
    QUIET = "quiet"  # a client's side traffic: answered, never forwarded


# Upstream paths are ours alone: constants per wire, never what the client sent. `{name}` is the quoted name of a model, or what a
# STORED call names.
PATHS: Mapping[str, Mapping[Action, str]] = {
    "chat": {Action.GENERATE: "/chat/completions", Action.MODELS: "/models"},
    "responses": {
        Action.GENERATE: "/responses",
        Action.COUNT: "/responses/input_tokens",
        Action.COMPACT: "/responses/compact",
        Action.STORED: "/responses/{name}",
        Action.MODELS: "/models",
    },
    "anthropic": {
        Action.GENERATE: "/messages",
        Action.COUNT: "/messages/count_tokens",
        Action.MODELS: "/models?limit=1000",
    },
    "gemini": {
        Action.GENERATE: "/models/{name}:generateContent",
        Action.COUNT: "/models/{name}:countTokens",
        Action.MODELS: "/models?pageSize=1000",
    },
}
_STEPS = frozenset({"", ".", ".."})
# Where a stream has a path of its own.
STREAM_PATHS: Mapping[str, str] = {"gemini": "/models/{name}:streamGenerateContent?alt=sse"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider. model: as the provider calls it. thread: what tells a client's conversation from others, ""
    if nothing does. id: of the exchange, fresh."""

    action: Action
    model: str
    stream: bool = False
    thread: str = ""
    id: str = ""


class Opener(Protocol):
    """A stream's envelopes off, whatever the slices."""

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes:
        """What is left at the stream's end."""
        ...


class Provider:
    """A provider.

    name: also the path prefix and the word for `--model-provider`. status: what is known of its service.
    key_setting, url_setting: the settings its account comes from. scheme: how its wire carries the key. wire None: it
    speaks whatever the client speaks and answers inside this process, through `answer`. family: a pattern for the beginning of
    its own models' names, "" if it has none. url_version: what a base URL without a version gets.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[Service] = UNSAID
    wire: ClassVar[ProviderWire | None] = None
    scheme: ClassVar[Scheme] = Scheme.BEARER
    key_setting: ClassVar[str] = ""
    url_setting: ClassVar[str] = ""
    profile: ClassVar[Profile] = DEFAULT
    family: ClassVar[str] = ""
    url_version: ClassVar[str] = "v1"

    def url(self, account: Account, action: Action, name: str = "", *, stream: bool = False) -> str | None:
        """Where `action` is asked for; None when this provider's protocol has no such call. name: of the model, "" to know whether
        there is such a call.

        Raises ConversionError 404 for a name that would lead elsewhere."""
        if self.wire is None:
            return None
        path = STREAM_PATHS.get(self.wire.name) if stream and action is Action.GENERATE else None
        path = path or PATHS[self.wire.name].get(action)
        if path is None:
            return None
        if (
            name and "{name}" in path and _STEPS & set(name.split("/"))
        ):  # the host, and what is before it, would follow them
            message = f"there can be no model {name[:100]!r}: its name leads out of its path"
            raise ConversionError(message, param="model", status=404, code="model_not_found")
        return account.base_url + path.format(name=quote(name, safe="/"))

    def enclose(self, account: Account, call: Call, body: bytes) -> bytes:
        """The body in the provider's envelope, where it has one; JSON both."""
        return body

    def more_headers(self, account: Account, call: Call) -> list[tuple[str, str]]:
        """What the head needs beside the credential, names in lower case; each in place of one of that name that every request
        has. Nothing secret: the flow shows them."""
        return []

    def profile_of(self, account: Account) -> Profile:
        """How this account's endpoint differs, where its settings have a say in that."""
        return self.profile

    def opener(self) -> Opener | None:
        """Takes the envelope off a stream, before its wire reads it. None: there is none."""
        return None

    def open_answer(self, body: bytes) -> bytes:
        """Takes the envelope off a whole answer, errors included."""
        return body

    def judge(self, account: Account, error: UpstreamError) -> bool:
        """What a refusal says of the account: some end its use. Whether it has mended itself, so that the same request, built
        anew, may be taken."""
        return False

    def known_models(self, account: Account) -> Sequence[Model]:
        """Its models, for a provider whose protocol has no list of them."""
        return ()

    def account(self, settings: Settings, label: str) -> tuple[Account, bool] | None:
        """An account that is more than a key and a URL, if there is one, and whether it is used only where somebody names the
        provider. label: what to call it. Raises CredentialError."""
        return None

    def takes_as_sent(self, body: JsonObject) -> bool:
        """Whether a body of its own protocol may pass as the client sent it. Else it goes through the hub, which fits it."""
        return True

    def headers(self, account: Account) -> list[tuple[bytes, bytes]]:
        """The headers that carry the credential. They are added to the copy that is sent, never to the flow."""
        return account.credential.headers(self.scheme)

    def answer(self, chat: Chat) -> Iterator[StreamEvent]:
        """Only for providers without a wire: the answer, made here."""
        raise NotImplementedError(f"{self.name} answers upstream")

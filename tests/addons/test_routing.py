"""Paths as clients and people write them, and which provider is taken."""

import pytest

from addons.providers import catalogue
from addons.providers.base import Action
from addons.routing import Match, choose, match, protocol_of
from converters.errors import ConversionError

PROVIDERS = list(catalogue())
CHAT = Match(Action.GENERATE, "chat")
MESSAGES = Match(Action.GENERATE, "anthropic")


def on(provider: str, found: Match) -> Match:
    return Match(found.action, found.protocol, provider, found.model)


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/v1/chat/completions", CHAT),
        ("POST", "/chat/completions", CHAT),
        ("POST", "/v1/v1/chat/completions", CHAT),
        ("POST", "//v1//chat/completions/", CHAT),
        ("POST", "//openai-custom///v1//chat/completions/", on("openai-custom", CHAT)),
        ("POST", "/v1/messages", MESSAGES),
        ("POST", "/messages", MESSAGES),
        ("POST", "/v1/v1/messages", MESSAGES),
        ("POST", "/v1/messages/count_tokens", Match(Action.COUNT, "anthropic")),
        ("GET", "/v1/models", Match(Action.MODELS)),
        ("GET", "/models", Match(Action.MODELS)),
        ("GET", "/v1/models/gpt-5", Match(Action.MODEL, model="gpt-5")),
        ("GET", "/v1/models/openai/gpt-oss", Match(Action.MODEL, model="openai/gpt-oss")),
        ("GET", "/v1/models/openai%2Fgpt-oss", Match(Action.MODEL, model="openai/gpt-oss")),
        ("GET", "/v1/models/models/x", Match(Action.MODEL, model="models/x")),
        ("GET", "/health", Match(Action.HEALTH)),
        ("HEAD", "/health", Match(Action.HEALTH)),
        ("POST", "/claude-custom/v1/messages", on("claude-custom", MESSAGES)),
        ("POST", "/claude-custom/messages", on("claude-custom", MESSAGES)),
        ("POST", "/openai-custom/v1/messages", on("openai-custom", MESSAGES)),
        ("POST", "/openai-custom/v1/v1/chat/completions", on("openai-custom", CHAT)),
        ("GET", "/openai-custom/v1/models/gpt-5", Match(Action.MODEL, None, "openai-custom", "gpt-5")),
    ],
)
def test_a_path_is_known_with_without_and_with_doubled_version(method: str, path: str, found: Match) -> None:
    assert match(method, path, PROVIDERS) == found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/"),
        ("HEAD", "/v1"),
        ("GET", "/api/hello"),
        ("POST", "/api/hello"),
        ("POST", "/api/event_logging/batch"),
        ("POST", "/claude-custom/api/event_logging/batch"),
    ],
)
def test_side_traffic_of_clients_is_quiet(method: str, path: str) -> None:
    assert match(method, path, PROVIDERS).action is Action.QUIET


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("GET", "/v1/messages"),
        ("DELETE", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("OPTIONS", "/v1/messages"),
        ("post", "/v1/messages"),
        ("POST", "/health"),
    ],
)
def test_a_wrong_method_is_405(method: str, path: str) -> None:
    with pytest.raises(ConversionError) as caught:
        match(method, path, PROVIDERS)
    assert (caught.value.status, caught.value.code) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/embeddings",
        "/v2/messages",
        "/v1/messages/batches",
        "/admin",
        "/v1/chat/completions/x",
        "*",
        "/V1/messages",
        "/v1/models/../x",
    ],
)
def test_an_unknown_path_is_404(path: str) -> None:
    with pytest.raises(ConversionError) as caught:
        match("POST" if "models" not in path else "GET", path, PROVIDERS)
    assert caught.value.status == 404


def test_a_404_lists_what_exists_and_repeats_little_of_what_was_asked() -> None:
    with pytest.raises(ConversionError, match=r"/v1/chat/completions.*claude-custom") as caught:
        match("GET", "/nowhere" + "x" * 10_000, PROVIDERS)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("path", ["/claude-costum/v1/messages", "/opnai-custom/chat/completions", "/qwen/v1/models"])
def test_an_unknown_provider_is_404_that_names_the_providers(path: str) -> None:
    with pytest.raises(ConversionError, match="Providers: openai-custom, claude-custom, demo") as caught:
        match("POST", path, PROVIDERS)
    assert (caught.value.status, caught.value.code) == (404, "unknown_provider")


def test_a_near_miss_of_a_provider_is_suggested() -> None:
    with pytest.raises(ConversionError, match=r"Did you mean claude-custom\?"):
        match("POST", "/claude-costum/v1/messages", PROVIDERS)


@pytest.mark.parametrize(
    "model",
    [
        "..",
        ".",
        "../messages",
        "a/../../messages",
        "%2e%2e/x",
        "..%2Fchat%2Fcompletions",
        "a%0d%0ab",
        "a%00",
        "x%1b[2J",
    ],
)
def test_27_a_model_in_a_path_leads_nowhere_else(model: str) -> None:
    """It becomes part of an upstream path, which is sent with a credential."""
    with pytest.raises(ConversionError) as caught:
        match("GET", f"/v1/models/{model}", PROVIDERS)
    assert caught.value.status == 404
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("path", "headers", "protocol"),
    [
        ("/v1/messages", {}, "anthropic"),
        ("/claude-custom/v1/messages/count_tokens", {}, "anthropic"),
        ("/api/event_logging/batch", {}, "anthropic"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/models", {}, "chat"),
        ("/v1/chat/completions", {}, "chat"),
        ("", {}, "chat"),
    ],
)
def test_16_the_protocol_of_an_answer_is_seen_by_path_and_header(
    path: str, headers: dict[str, str], protocol: str
) -> None:
    assert protocol_of(path, headers) == protocol


BOTH = ("openai-custom", "claude-custom")


@pytest.mark.parametrize(
    ("named", "preferred", "usable", "protocol", "chosen"),
    [
        (None, (), BOTH, "chat", "openai-custom"),
        (None, (), BOTH, "anthropic", "claude-custom"),  # the account that speaks the client's own protocol
        (None, (), ("openai-custom",), "anthropic", "openai-custom"),
        (None, (), ("claude-custom",), "chat", "claude-custom"),
        (None, (), (), "chat", "demo"),
        (None, ("claude-custom", "openai-custom"), BOTH, "chat", "claude-custom"),
        ("openai-custom", ("claude-custom",), BOTH, "anthropic", "openai-custom"),
        ("openai-custom", (), (), "chat", "openai-custom"),  # taken at its word, not replaced by the demo
        ("demo", (), BOTH, "chat", "demo"),
    ],
)
def test_the_provider_is_the_named_then_the_preferred_then_the_fitting_one(
    named: str | None, preferred: tuple[str, ...], usable: tuple[str, ...], protocol: str, chosen: str
) -> None:
    assert choose(named, preferred, usable, protocol, catalogue()) == chosen


def test_a_provider_that_does_not_exist_is_never_replaced() -> None:
    with pytest.raises(ConversionError, match="Did you mean openai-custom") as caught:
        choose("openai-custm", ("claude-custom",), BOTH, "chat", catalogue())
    assert caught.value.status == 404

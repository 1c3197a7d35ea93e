"""Paths as clients and people write them."""

import pytest

from addons.providers import catalogue
from addons.providers.base import Action
from addons.routing import Match, match, protocol_of
from converters.errors import ConversionError

PROVIDERS = list(catalogue())
CHAT = Match(Action.GENERATE, "chat")
MESSAGES = Match(Action.GENERATE, "anthropic")
GEMINI = Match(Action.GENERATE, "gemini", None, "gemini-2.5-pro")
ITEMS = Match(Action.STORED, "responses", None, "r/input_items")


def on(provider: str, found: Match) -> Match:
    return Match(found.action, found.protocol, provider, found.name, found.stream)


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
        ("POST", "/v1/responses", Match(Action.GENERATE, "responses")),
        ("POST", "/responses", Match(Action.GENERATE, "responses")),
        ("POST", "/v1/responses/input_tokens", Match(Action.COUNT, "responses")),
        ("POST", "/v1/responses/compact", Match(Action.COMPACT, "responses")),
        ("GET", "/v1/responses/resp_1", Match(Action.STORED, "responses", name="resp_1")),
        ("DELETE", "/v1/responses/resp_1", Match(Action.STORED, "responses", name="resp_1")),
        ("POST", "/v1/responses/resp_1/cancel", Match(Action.STORED, "responses", name="resp_1/cancel")),
        ("GET", "/openaiResponses-custom/v1/responses/r/input_items", on("openaiResponses-custom", ITEMS)),
        ("POST", "/v1beta/models/gemini-2.5-pro:generateContent", GEMINI),
        ("POST", "/v1/models/gemini-2.5-pro:generateContent", GEMINI),
        ("POST", "/v1alpha/models/gemini-2.5-pro:generateContent", GEMINI),
        ("POST", "/models/gemini-2.5-pro:generateContent", GEMINI),
        ("POST", "/claude-custom/v1beta/models/gemini-2.5-pro:generateContent", on("claude-custom", GEMINI)),
        ("POST", "/v1beta/models/m:streamGenerateContent", Match(Action.GENERATE, "gemini", None, "m", True)),
        ("POST", "/v1beta/models/m:countTokens", Match(Action.COUNT, "gemini", None, "m")),
        (
            "POST",
            "/v1beta/models/openai-custom:a/b:countTokens",
            Match(Action.COUNT, "gemini", None, "openai-custom:a/b"),
        ),
        ("POST", "/v1beta/models/a%3Ab%2Fc:countTokens", Match(Action.COUNT, "gemini", None, "a:b/c")),
        ("GET", "/v1beta/models", Match(Action.MODELS, "gemini")),
        ("GET", "/gemini-custom/v1beta/models", Match(Action.MODELS, "gemini", "gemini-custom")),
        ("GET", "/v1beta/models/gemini-2.5-pro", Match(Action.MODEL, "gemini", None, "gemini-2.5-pro")),
        ("GET", "/v1/models/ollama:8b", Match(Action.MODEL, name="ollama:8b")),
        ("GET", "/v1/models", Match(Action.MODELS)),
        ("GET", "/models", Match(Action.MODELS)),
        ("GET", "/v1/models/gpt-5", Match(Action.MODEL, name="gpt-5")),
        ("GET", "/v1/models/openai/gpt-oss", Match(Action.MODEL, name="openai/gpt-oss")),
        ("GET", "/v1/models/openai%2Fgpt-oss", Match(Action.MODEL, name="openai/gpt-oss")),
        ("GET", "/v1/models/models/x", Match(Action.MODEL, name="models/x")),
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
        ("POST", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/cancel"),
        ("POST", "/v1/responses/resp_1/input_items"),
        ("PUT", "/v1/responses/resp_1"),
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
        "/v1/responses/resp_1/elsewhere",
        "/v1/responses/resp_1/input_items/1",
        "/v1/responses/resp_1%2Felsewhere",
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
    with pytest.raises(ConversionError, match=f"Providers: {', '.join(PROVIDERS)}") as caught:
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
        ("/v1/responses", {}, "responses"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1/models/m:generateContent", {}, "gemini"),
        ("/v1/responses", {"x-goog-api-key": "k"}, "responses"),
        ("/v1/chat/completions", {"x-goog-api-key": "k"}, "chat"),
        ("/v1/messages", {"x-goog-api-key": "k"}, "anthropic"),
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
    assert protocol_of(path, headers, "x-goog-api-key" in headers) == protocol


def test_16_googles_way_of_a_key_asks_for_googles_list() -> None:
    assert protocol_of("/v1/models", (), google_key=True) == "gemini"

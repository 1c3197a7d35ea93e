"""17: what the hub names as lost, or refuses, is named in the client's own words."""

import pytest

from converters.client_words import client_word, put_in_client_words
from converters.errors import ConversionError
from converters.loss import Loss


@pytest.mark.parametrize(
    ("client", "name", "word"),
    [
        ("gemini", "top_k", "generationConfig.topK"),
        ("gemini", "messages.name", "contents.name"),
        ("gemini", "messages.thinking", "contents.parts.thought"),
        ("gemini", "generationConfig.topK", "generationConfig.topK"),
        ("responses", "messages", "input"),
        ("responses", "messages.detail", "input.detail"),
        ("responses", "messages.thinking", "input.reasoning"),
        ("anthropic", "user", "metadata.user_id"),
        ("anthropic", "messages.name", "messages.name"),
        ("chat", "top_k", "top_k"),
        ("chat", "tools.schema", "tools.function.parameters"),
        ("kiro", "messages", "messages"),
    ],
)
def test_17_a_field_is_named_as_the_client_knows_it(client: str, name: str, word: str) -> None:
    assert client_word(client, name) == word


def test_17_the_whole_loss_list_is_renamed() -> None:
    loss = Loss()
    loss.drop("top_k", "why")
    loss.change("temperature", "how")
    loss.note("messages.filename", "what")
    put_in_client_words("gemini", loss)
    assert loss.dropped == {"generationConfig.topK": "why"}
    assert loss.changed == {"generationConfig.temperature": "how"}
    assert loss.noted == {"contents.filename": "what"}


def test_17_an_error_names_the_clients_field() -> None:
    error = ConversionError("no", param="messages")
    put_in_client_words("responses", error)
    assert error.param == "input"


def test_an_error_without_a_field_stays_so() -> None:
    error = ConversionError("no")
    put_in_client_words("gemini", error)
    assert error.param is None

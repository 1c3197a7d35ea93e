"""What tells a conversation from others."""

from typing import Any

import pytest

from addons.affinity import affinity_of, first_messages
from addons.exchange import Exchange
from addons.providers.base import Action
from addons.routing import Match
from converters.wires import WIRES
from tests.addons.legs_rig import settings

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
LATER = {"role": "user", "content": "And then?"}
SYSTEM = {"role": "system", "content": "Be brief."}
DEVELOPER = {"role": "developer", "content": "Be kind."}


def affinity(client: str, body: dict[str, Any], **headers: str) -> str:
    exchange = Exchange(Match(Action.GENERATE, client), WIRES[client], headers, settings())
    exchange.body = body
    return affinity_of(exchange)


@pytest.mark.parametrize(
    ("client", "body", "first"),
    [
        ("chat", {"messages": [USER, ANSWER, LATER]}, [USER]),
        ("chat", {"messages": [SYSTEM, DEVELOPER, USER, ANSWER]}, [SYSTEM, DEVELOPER, USER]),
        ("chat", {"messages": [ANSWER, USER]}, [ANSWER]),
        ("anthropic", {"system": "Be brief.", "messages": [USER, ANSWER]}, ["Be brief.", USER]),
        ("anthropic", {"system": [{"type": "text", "text": "x"}], "messages": [USER]}, [[{"type": "text", "text": "x"}], USER]),
        ("responses", {"instructions": "Be brief.", "input": "Hi"}, ["Be brief.", "Hi"]),
        ("responses", {"input": [DEVELOPER, USER, ANSWER]}, [DEVELOPER, USER]),
        (
            "gemini",
            {"systemInstruction": {"parts": []}, "contents": [{"parts": [{"text": "Hi"}]}, {"role": "model"}]},
            [{"parts": []}, {"parts": [{"text": "Hi"}]}],
        ),
        ("chat", {}, []),
        ("chat", {"messages": None}, []),
        ("chat", {"messages": {}}, []),
        ("chat", {"messages": ["Hi", USER]}, ["Hi"]),
        ("anthropic", {"system": "", "messages": []}, []),
    ],
)  # fmt: skip
def test_the_first_messages_are_the_system_prompt_and_the_users_first(
    client: str, body: dict[str, Any], first: list[Any]
) -> None:
    assert first_messages(client, body) == first


@pytest.mark.parametrize("client", ["chat", "anthropic"])
def test_a_conversation_stays_the_same_while_it_grows(client: str) -> None:
    begun = affinity(client, {"messages": [USER]})
    assert begun
    assert affinity(client, {"messages": [USER, ANSWER, LATER], "temperature": 1}) == begun
    assert affinity(client, {"messages": [LATER]}) != begun


def test_another_system_prompt_is_another_conversation() -> None:
    """The provider's cache begins with it."""
    assert affinity("anthropic", {"system": "a", "messages": [USER]}) != affinity("anthropic", {"messages": [USER]})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {"x-claude-code-session-id": "talk-1"}),
        ({}, {"session_id": "talk-1"}),
        ({}, {"x-session-id": "talk-1"}),
        ({"prompt_cache_key": "talk-1"}, {}),
        ({"metadata": {"user_id": "talk-1"}}, {}),
    ],
)
def test_the_clients_own_word_goes_before_the_messages(body: dict[str, Any], headers: dict[str, str]) -> None:
    for messages in ([USER], [LATER]):
        assert affinity("chat", body | {"messages": messages}, **headers) == "talk-1"


def test_a_body_without_messages_has_no_conversation() -> None:
    assert affinity("responses", {}) == ""


def test_what_was_said_cannot_be_read_in_it() -> None:
    assert "secret" not in affinity("chat", {"messages": [{"role": "user", "content": "secret"}]})

"""The hub, request side: what must not be shared and what must not be shown."""

from dataclasses import fields, is_dataclass

import pytest

from converters import turns
from converters.turns import (
    Chat,
    Document,
    Image,
    Part,
    SystemText,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
    Url,
    remote_documents,
)


def test_a_providers_token_is_never_in_a_repr() -> None:
    """A log line or a traceback shows objects; tokens are the provider's secret with its client."""
    token = Token("a", "sig-secret")
    for shown in (token, Thinking("t", token), ToolCall("id", "f", {}, token=token)):
        assert "sig-secret" not in repr(shown)


def test_two_chats_share_no_list() -> None:
    first, second = Chat("m", "chat"), Chat("m", "chat")
    first.system.append(SystemText("x"))
    first.native["x"] = 1
    assert second == Chat("m", "chat")


def test_none_means_the_client_did_not_say() -> None:
    """9: an explicit zero must survive, so no number may default to one."""
    chat = Chat("m", "chat")
    assert chat.temperature is chat.top_p is chat.max_tokens is chat.n is chat.seed is chat.parallel is None
    assert chat != Chat("m", "chat", temperature=0.0)


@pytest.mark.parametrize("name", [name for name, kind in vars(turns).items() if is_dataclass(kind)])
def test_parts_have_slots(name: str) -> None:
    """A misspelt field would otherwise be set and never read."""
    kind = getattr(turns, name)
    assert set(kind.__slots__) == {field.name for field in fields(kind)}


def test_3_1_images_by_url_are_listed_for_those_who_ask() -> None:
    """`own` are URLs that the provider takes as they are."""
    image, own, inside = (
        Image(Url("https://e.com/a.png")),
        Image(Url("gs://b/a.png")),
        Image(Url("https://e.com/b.png")),
    )
    document = Document(Url("https://e.com/a.pdf"))
    parts: list[Part] = [image, own, document, ToolResult("c", [inside])]
    chat = Chat("m", "chat", turns=[Turn("user", parts)])
    assert remote_documents(chat) == [(document, "https://e.com/a.pdf")]
    assert [part for part, _ in remote_documents(chat, documents=False, images=True, own=("gs://",))] == [image, inside]

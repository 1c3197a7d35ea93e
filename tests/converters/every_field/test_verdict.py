"""The proof can fail: a converter that loses a field, or names it wrongly, is found out."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat
from tests.converters.every_field.cases import refuse_vanished
from tests.converters.every_field.verdict import WIRES, judge

type Spoil = Callable[[JsonObject, Loss], None]

TOP_K = "top_k"
DETAIL = "messages[]{user}.content[]{image_url}.image_url.detail"


def spoil(monkeypatch: pytest.MonkeyPatch, provider: str, how: Spoil) -> None:
    wire = WIRES[provider]

    def build(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        body = wire.build_request(chat, profile, loss)
        how(body, loss)
        return body

    monkeypatch.setitem(WIRES, provider, replace(wire, build_request=build))


def test_the_classes() -> None:
    assert judge("anthropic", "gemini", TOP_K).classes == {"mapped"}
    assert judge("anthropic", "chat", TOP_K).classes == {"dropped"}
    assert judge("chat", "anthropic", "n").classes == {"400"}
    assert judge("chat", "gemini", "metadata.*").classes == {"noted"}
    assert judge("chat", "responses", DETAIL).classes == {"mapped"}


def test_a_field_that_a_builder_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(body: JsonObject, loss: Loss) -> None:
        body["tools"] = []

    path = "tools[]{custom}.description"
    assert not judge("anthropic", "chat", path).gone
    spoil(monkeypatch, "chat", forget)
    assert judge("anthropic", "chat", path).gone
    with pytest.raises(pytest.fail.Exception, match="fields vanish between anthropic and chat"):
        refuse_vanished("anthropic", "chat", "tools")


def test_a_field_that_is_no_longer_named_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, "chat", lambda body, loss: loss.dropped.clear())
    assert judge("anthropic", "chat", TOP_K).gone


def test_a_field_under_another_name_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def misname(body: JsonObject, loss: Loss) -> None:
        if loss.dropped.pop(TOP_K, None):
            loss.drop("top_p", "another field's name")

    spoil(monkeypatch, "chat", misname)
    assert judge("anthropic", "chat", TOP_K).gone


def test_a_value_that_becomes_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presence alone is no proof."""

    def flatten(body: JsonObject, loss: Loss) -> None:
        if "temperature" in body:
            body["temperature"] = 1

    spoil(monkeypatch, "chat", flatten)
    assert judge("anthropic", "chat", "temperature").gone

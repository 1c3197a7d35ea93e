"""Wires without a protocol: what `prepare` and its rules hand to a builder can be looked at."""

from typing import Never

from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat
from converters.wire import Limits, Wire


class FakeWire:
    """`wire` builds an empty body and keeps the chat in `built`; all its other sides refuse to work."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.built: list[Chat] = []
        self.wire = Wire(
            name=name,
            title=name,
            limits=limits,
            parse_request=_unused,
            stream_writer=_unused,
            write_answer=_unused,
            write_error=_unused,
            build_request=self._build,
            stream_reader=_unused,
            read_answer=_unused,
            read_error=_unused,
        )

    def _build(self, chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
        self.built.append(chat)
        return {"model": chat.model}


def _unused(*_: object) -> Never:
    raise AssertionError("not part of this test")


def chat_wire() -> FakeWire:
    return FakeWire("chat", Limits(custom_tools=True))


def anthropic_wire() -> FakeWire:
    return FakeWire("anthropic", Limits(name_max=128, id_chars="A-Za-z0-9_-"))

"""The legs of an exchange."""

from dataclasses import replace

from addons.replay.captured import Answered
from addons.replay.recording import read
from tests.addons.replay.broken import RECORDINGS


def test_the_content_type_is_without_parameters() -> None:
    answer = Answered(200, [("server", "x"), ("content-type", "Text/Event-Stream; charset=utf-8")], [], True)
    assert answer.content_type == "text/event-stream"
    assert replace(answer, headers=[]).content_type == ""


def test_a_body_is_its_chunks() -> None:
    assert Answered(200, [], [(0.0, b"a"), (1.0, b"b")], True).body == b"ab"


def test_a_title_says_who_asked_whom() -> None:
    one = read(RECORDINGS / "openai-custom/chat_text")
    assert one.title == "chat -> openai-custom/gpt-4.1-text"
    assert replace(one, provider="", target="").title == "chat -> (answered here)"

"""Plain JSON, narrowed."""

from addons.dataset_export.shapes import as_object, as_text, objects, runs, text_of
from tests.addons.dataset_export.talk import assistant, text, user


def test_what_has_another_type_is_empty() -> None:
    assert (as_object([1]), as_text(1), objects({"a": 1}), objects([1, {"a": 1}])) == ({}, "", [], [{"a": 1}])


def test_runs_join_messages_of_one_side_and_pass_over_system_prompts() -> None:
    system = {"role": "system", "parts": [text("s")]}
    found = list(runs([user("a"), system, user("b"), assistant("c"), system, assistant("d"), user("e")]))
    assert [(run.side, [part["text"] for part in run.parts]) for run in found] == [
        ("user", ["a", "b"]),
        ("assistant", ["c", "d"]),
        ("user", ["e"]),
    ]


def test_a_refusal_and_a_text_document_are_text_and_reasoning_is_not() -> None:
    parts = [
        text("a"),
        {"type": "thinking", "text": "t"},
        {"type": "refusal", "text": "b"},
        {"type": "document", "media_type": "text/plain", "text": "c"},
        {"type": "image", "sha256": "1"},
    ]
    assert text_of(parts) == ["a", "b", "c"]

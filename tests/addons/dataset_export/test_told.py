"""What a model was told by a record that holds the client's prompt and the operator's apart."""

import pytest

from addons.dataset_export.told import system_told
from converters.json_codec import Json, JsonObject

PAIRS: Json = [{"old": "client", "new": "user"}]


def told(mode: str | None, system: Json, text: Json = "Ours.", pairs: Json = PAIRS) -> Json:
    prompt: Json = None if mode is None else {"mode": mode, "text": text, "replacements": pairs}
    record: JsonObject = {"conversation": {"system": system}, "system_prompt": prompt}
    return system_told(record)


def parts(*texts: str) -> Json:
    return [{"type": "text", "text": text} for text in texts]


OWN = parts("Of the client.", "More.")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, OWN),
        ("overwrite", parts("Ours.")),
        ("append", parts("Of the user.", "More.", "Ours.")),
        ("prepend", parts("Ours.", "Of the user.", "More.")),
        ("replace", parts("Of the user.", "More.")),
    ],
)
def test_the_operators_is_put_in(mode: str | None, expected: Json) -> None:
    assert told(mode, OWN, "" if mode == "replace" else "Ours.") == expected


def test_what_is_missing_is_not_made_up() -> None:
    assert told("append", None) is told("append", OWN, text=None) is told(None, None) is None
    assert told("overwrite", None) == parts("Ours.")


def test_a_record_of_before_there_was_such_a_member() -> None:
    assert system_told({"conversation": {"system": OWN}}) == OWN
    assert system_told({"conversation": None}) is None

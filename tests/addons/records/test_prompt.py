"""The operator's system prompt as plain JSON."""

import pytest

from addons.records.prompt import prompt_of, prompts_in, read_prompt, write_prompt
from converters.json_codec import Json, JsonObject
from converters.system_prompt import SystemPrompt

PROMPT = SystemPrompt("append", "Ours.", (("a", "b"), ("c", "")))
WRITTEN: JsonObject = {
    "mode": "append",
    "text": "Ours.",
    "replacements": [{"old": "a", "new": "b"}, {"old": "c", "new": ""}],
}


def test_it_comes_back_from_what_is_written() -> None:
    assert write_prompt(PROMPT) == WRITTEN
    assert read_prompt(WRITTEN) == PROMPT
    assert write_prompt(None) is read_prompt(None) is None


@pytest.mark.parametrize(
    "written",
    [
        {},
        5,
        WRITTEN | {"mode": "shout"},
        WRITTEN | {"text": None},  # its object is missing
        WRITTEN | {"text": {"ref": "sha256:0"}},
        WRITTEN | {"replacements": {}},
        WRITTEN | {"replacements": [{"old": "a"}]},
        WRITTEN | {"replacements": ["a"]},
    ],
)
def test_what_is_not_whole_is_an_error(written: Json) -> None:
    with pytest.raises(ValueError, match="not whole"):
        read_prompt(written)


def test_an_attempt_has_the_records_unless_it_says_otherwise() -> None:
    whole: JsonObject = {"system_prompt": WRITTEN}
    assert prompt_of({}, whole) == WRITTEN
    assert prompt_of({"system_prompt": None}, whole) is None
    assert prompt_of({}, {}) is None


def test_all_of_a_record_are_found() -> None:
    one, other = dict(WRITTEN), WRITTEN | {"text": "Other."}
    record: JsonObject = {"system_prompt": one, "attempts": [{"system_prompt": other}, {"system_prompt": None}, {}, 5]}
    assert list(prompts_in(record)) == [one, other]
    assert list(prompts_in({"system_prompt": None, "attempts": None})) == []

"""hf-prompt-completion, as trl reads it."""

from collections import Counter

from addons.dataset_export.example import Losses, Options
from addons.dataset_export.formats.hf_prompt_completion import HF_PROMPT_COMPLETION, write
from tests.addons.dataset_export.rig import made, written
from tests.addons.dataset_export.talk import text, user


def test_a_row_is_what_was_asked_and_the_one_answer() -> None:
    row, losses = written(HF_PROMPT_COMPLETION, made(), reasoning="thinking")
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert row["completion"] == [{"role": "assistant", "content": "One and two.", "thinking": "I see."}]
    assert row["tools"][0]["function"]["name"] == "read"
    assert all("train" not in message for message in row["prompt"])
    assert losses == {"mark of a tool result as an error": 1}


def test_no_row_without_a_prompt_that_an_answer_can_follow() -> None:
    system = {"role": "system", "parts": [text("s")]}
    for messages in ([], [user("a"), system]):
        losses: Losses = Counter()
        assert write(made(messages), Options(), losses) is None
        assert losses == {"row: the prompt does not end with a user or a tool": 1}

"""hf-prompt-completion, as trl reads it."""

from collections import Counter

from addons.dataset_export.example import Losses, Options
from addons.dataset_export.formats.hf_prompt_completion import HF_PROMPT_COMPLETION, write
from tests.addons.dataset_export.rig import made, written
from tests.addons.dataset_export.talk import assistant, call, result, text, user


def test_a_row_is_what_was_asked_and_the_one_answer() -> None:
    row, losses = written(HF_PROMPT_COMPLETION, made(), reasoning="thinking")
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert row["completion"] == [{"role": "assistant", "content": "One and two.", "thinking": "I see."}]
    assert row["tools"][0]["function"]["name"] == "read"
    assert all("train" not in message for message in row["prompt"])
    assert losses == {"mark of a tool result as an error": 1}


def test_no_row_without_a_prompt_that_an_answer_can_follow() -> None:
    """An answer to nothing but a system prompt."""
    system = {"role": "system", "parts": [text("s")]}
    for messages in ([], [system]):
        losses: Losses = Counter()
        assert write(made(messages), Options(), losses) is None
        assert losses == {"row: the prompt does not end with a user or a tool": 1}


def test_a_system_prompt_at_the_end_becomes_the_users() -> None:
    """Aider ends its requests with reminders in that role; trl refuses a prompt that ends so."""
    system = {"role": "system", "parts": [text("Answer in French.")]}
    row, losses = written(HF_PROMPT_COMPLETION, made([user("a"), assistant("b"), user("c"), system, system]))
    assert row["prompt"][-1] == {"role": "user", "content": "c\n\nAnswer in French.\n\nAnswer in French."}
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "user"]
    assert losses["role of a system prompt at the end (now the user's)"] == 2


def test_a_system_prompt_behind_a_tools_result_follows_it() -> None:
    system = {"role": "system", "parts": [text("Go on.")]}
    row, _ = written(HF_PROMPT_COMPLETION, made([user("a"), assistant(call("f")), user(result("r")), system]))
    assert row["prompt"][-2:] == [{"role": "tool", "content": "r", "name": "f"}, {"role": "user", "content": "Go on."}]

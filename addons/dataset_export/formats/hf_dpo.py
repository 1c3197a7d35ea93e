"""`hf-dpo`: {"prompt": [...], "chosen": [message], "rejected": [message], "tools": [...] | null}, one row for each pair of answers.

Source: trl's page on dataset formats (read 2026-11).
"""

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Format
from converters.json_codec import JsonObject


def write(example: Example, options: Options, losses: Losses) -> JsonObject | None:
    """None for what is no pair, and without a prompt whose last message is a user's or a tool's."""
    if example.rejected is None:
        return None
    if not example.prompt or example.prompt[-1].role != "user":
        losses["row: the prompt does not end with a user or a tool"] += 1
        return None
    return {
        "prompt": chat.messages(example, example.prompt, options, losses),
        "chosen": [chat.assistant(example.answer, options, losses)],
        "rejected": [chat.assistant(example.rejected, options, losses)],
        "tools": chat.tools(example, options, losses),
    }


HF_DPO = Format(
    name="hf-dpo",
    about="Hugging Face preferences, a row for each pair of answers to the same prompt: trl DPO",
    unit="pair",
    write=write,
    columns={"prompt": "objects", "chosen": "objects", "rejected": "objects", "tools": "objects"},
)

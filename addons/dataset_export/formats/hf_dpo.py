"""`hf-dpo`: {"prompt": [...], "chosen": [message], "rejected": [message], "tools": [...] | null}, one row for each pair of answers.

Source: trl's page on dataset formats (read 2026-11).
"""

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Format
from converters.json_codec import JsonObject


def write(example: Example, options: Options, losses: Losses) -> JsonObject | None:
    """None for what is no pair, and without a prompt."""
    if example.rejected is None or (prompt := chat.prompt(example, options, losses)) is None:
        return None
    return {
        "prompt": prompt,
        "chosen": [chat.assistant(example.answer, options, losses)],
        "rejected": [chat.assistant(example.rejected, options, losses)],
        "tools": chat.tools(example, options, losses),
    }


HF_DPO = Format(
    name="hf-dpo",
    about="Hugging Face preferences, a row for each pair of answers to the same prompt: trl DPO",
    unit="pair",
    write=write,
    columns={"prompt": "objects", "chosen": "objects", "rejected": "objects", "tools": "tools"},
)

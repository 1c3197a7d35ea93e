"""`hf-prompt-completion`: {"prompt": [...], "completion": [...], "tools": [...] | null}, one row for each assistant turn.

Every turn is a completion once, whatever branches it is in. Source: trl's page on dataset formats (read 2026-11).
"""

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Format
from converters.json_codec import JsonObject


def write(example: Example, options: Options, losses: Losses) -> JsonObject | None:
    """None without a prompt."""
    if (prompt := chat.prompt(example, options, losses)) is None:
        return None
    completion = chat.assistant(example.answer, options, losses)
    return {"prompt": prompt, "completion": [completion], "tools": chat.tools(example, options, losses)}


HF_PROMPT_COMPLETION = Format(
    name="hf-prompt-completion",
    about="Hugging Face prompt and completion, a row for each assistant turn: trl SFT (loss on the completion), GRPO (prompt alone)",
    unit="turn",
    write=write,
    columns={"prompt": "objects", "completion": "objects", "tools": "tools"},
)

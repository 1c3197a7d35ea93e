"""`openai-sft`: OpenAI's fine-tuning file: {"messages": [...], "tools"?: [...], "parallel_tool_calls"?: bool}, a row for each branch.

Arguments are JSON in a string, calls and results have ids. "weight": 0 stands on an assistant's message that another row teaches,
or that was not recorded. Source: OpenAI's guide and API reference on supervised fine-tuning (read 2026-11).
"""

from dataclasses import replace

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Format
from addons.dataset_export.shapes import objects
from converters.json_codec import JsonObject


def write(example: Example, options: Options, losses: Losses) -> JsonObject:
    """Arguments are strings and tools objects here, whatever `strings` says."""
    options = replace(options, strings="all", call_ids=True)
    messages = chat.messages(example, [*example.prompt, example.answer], options, losses, {"weight": 0})
    for message in messages:
        message.pop("name", None)  # the id says it
    row: JsonObject = {"messages": [*messages]}
    if tools := chat.tools(example, replace(options, strings="none"), losses):
        row["tools"] = tools
        row["parallel_tool_calls"] = any(len(objects(message.get("tool_calls"))) > 1 for message in messages)
    return row


OPENAI_SFT = Format(
    name="openai-sft",
    about="OpenAI's fine-tuning file, a row for each branch: Azure OpenAI, Together, Fireworks, axolotl",
    unit="branch",
    write=write,
    columns={"messages": "objects", "tools": "objects", "parallel_tool_calls": "bool"},
    axolotl=("type: chat_template", "field_messages: messages", "message_field_training: weight"),
)

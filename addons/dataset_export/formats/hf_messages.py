"""`hf-messages`: {"messages": [{"role", "content", ...}], "tools": [...] | null}, one row for each branch of a conversation.

Calls are {"type": "function", "function": {"name", "arguments": {..}}}, arguments an object; results are messages of role `tool`.
An assistant's message that another row teaches, or that was not recorded, has "train": false; axolotl obeys that key.
Source: trl's page on dataset formats, transformers' on chat templates, axolotl's on conversations (read 2026-11).
"""

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options
from addons.dataset_export.formats.base import Format
from converters.json_codec import JsonObject


def write(example: Example, options: Options, losses: Losses) -> JsonObject:
    messages = chat.messages(example, [*example.prompt, example.answer], options, losses, {"train": False})
    return {"messages": [*messages], "tools": chat.tools(example, options, losses)}


HF_MESSAGES = Format(
    name="hf-messages",
    about="Hugging Face conversations, a row for each branch: trl SFT, axolotl, Unsloth, torchtune",
    unit="branch",
    write=write,
    columns={"messages": "objects", "tools": "tools"},
    llama_factory={
        "formatting": "openai",
        "columns": {"messages": "messages", "tools": "tools"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "observation_tag": "tool",
            "function_tag": "function_call",
            "system_tag": "system",
        },
    },
    axolotl=("type: chat_template", "field_messages: messages", "message_field_training: train"),
)

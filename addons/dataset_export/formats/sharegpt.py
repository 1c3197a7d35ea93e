"""`sharegpt`: {"conversations": [{"from", "value"}], "system": str, "tools": JSON text}, one row for each branch.

LLaMA-Factory wants strict turns: `human` or `observation`, then `gpt` or `function_call`, and so on. So messages of one side are
joined, calls made at once are one JSON list, and a text beside a call has no place.
Source: LLaMA-Factory's description of its data formats and its converter (read 2026-11).
"""

from addons.dataset_export import chat
from addons.dataset_export.example import Example, Losses, Options, Said, thinking_of
from addons.dataset_export.formats.base import Format
from addons.dataset_export.shapes import as_text, text_of
from converters.json_codec import Json, JsonObject, dumps_text


def write(example: Example, options: Options, losses: Losses) -> JsonObject | None:
    """None for a conversation that an assistant begins."""
    turns: list[tuple[bool, list[Said]]] = []
    for said in (*example.prompt, example.answer):
        own = said.role == "assistant"
        if turns and turns[-1][0] == own:
            turns[-1][1].append(said)
        else:
            turns.append((own, [said]))
    if turns[0][0]:
        losses["row: an assistant begins"] += 1
        return None
    values = [_assistant(side, options, losses) if own else _other(side, losses) for own, side in turns]
    if taught := sum(not said.learn for own, side in turns if own for said in side):
        losses["mark of an assistant's message that another row teaches or that was not recorded"] += taught
    offered = chat.functions(example.tools, losses)
    return {
        "conversations": [{"from": who, "value": value} for who, value in values],
        "system": example.system,
        "tools": dumps_text(offered) if offered else "",
    }


def _assistant(side: list[Said], options: Options, losses: Losses) -> tuple[str, str]:
    parts = [part for said in side for part in said.parts]
    chat.count_media(parts, losses)
    text = "".join(text_of(parts))
    thoughts = "\n\n".join(as_text(part.get("text")) for part in thinking_of(parts))
    head = f"<think>\n{thoughts}\n</think>\n\n" if thoughts and options.reasoning == "think-tags" else ""
    if thoughts and not head:
        losses["reasoning"] += 1
    calls: list[Json] = [
        {"name": part.get("name"), "arguments": chat.arguments(part, losses)}
        for part in parts
        if part.get("type") == "tool_call"
    ]
    if not calls:
        return "gpt", head + text
    if text:
        losses["text beside tool calls"] += 1
    return "function_call", head + dumps_text(calls if len(calls) > 1 else calls[0])


def _other(side: list[Said], losses: Losses) -> tuple[str, str]:
    parts = [part for said in side for part in said.parts]
    chat.count_media(parts, losses)
    results = [chat.result_text(part, losses) for part in parts if part.get("type") == "tool_result"]
    texts = text_of(parts)
    if any(said.role == "system" for said in side):
        losses["role of a system prompt in the middle"] += 1
    if not results:
        return "human", "\n\n".join(texts)
    if texts:
        losses["border between a tool's result and what was said besides it"] += 1
    value = dumps_text([*results]) if len(results) > 1 else results[0]
    return "observation", "\n\n".join([value, *texts])


SHAREGPT = Format(
    name="sharegpt",
    about="ShareGPT, a row for each branch: LLaMA-Factory",
    unit="branch",
    write=write,
    columns={"conversations": "pairs", "system": "string", "tools": "string"},
    reasoning=("drop", "think-tags"),
    llama_factory={
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
            "observation_tag": "observation",
            "function_tag": "function_call",
        },
    },
)

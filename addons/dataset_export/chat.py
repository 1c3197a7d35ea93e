"""A conversation as chat messages, the form that Hugging Face's libraries and OpenAI's files share but for details.

What has no place there is named in the losses, one count for each message or tool it is missing from.
"""

from addons.dataset_export.example import Example, Losses, Options, Said, thinking_of, tool_names
from addons.dataset_export.shapes import MEDIA, as_object, as_text, objects, text_of
from converters.json_codec import Json, JsonObject, dumps_text

_FREE_TEXT: JsonObject = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def messages(
    example: Example, said: list[Said], options: Options, losses: Losses, unlearnt: JsonObject | None = None
) -> list[JsonObject]:
    """said: what comes after the system prompt, which is the first message if there is one. unlearnt: members that mark a message
    of the assistant's as one that this row does not teach."""
    found: list[JsonObject] = [{"role": "system", "content": example.system}] if example.system else []
    names = tool_names([*example.prompt, example.answer])
    for message in said:
        if message.role == "assistant":
            mark = {} if message.learn else unlearnt or {}
            found.append(assistant(message, options, losses) | mark)
        else:
            found.extend(others(message, names, options, losses))
    return found


def prompt(example: Example, options: Options, losses: Losses) -> list[Json] | None:
    """All that was said before the answer. trl wants a user or a tool to speak last: a system prompt there becomes the user's. None
    where nobody has said anything."""
    said = list(example.prompt)
    last = next((at for at in range(len(said), 0, -1) if said[at - 1].role != "system"), 0)
    if not last or said[last - 1].role == "assistant":
        losses["row: the prompt does not end with a user or a tool"] += 1
        return None
    if instructions := said[last:]:
        losses["role of a system prompt at the end (now the user's)"] += len(instructions)
        said[last - 1 :] = [Said("user", [part for message in said[last - 1 :] for part in message.parts])]
    return [*messages(example, said, options, losses)]


def assistant(said: Said, options: Options, losses: Losses) -> JsonObject:
    text = "".join(text_of(said.parts))
    thoughts = "\n\n".join(as_text(part.get("text")) for part in thinking_of(said.parts))
    message: JsonObject = {"role": "assistant", "content": text}
    if thoughts and options.reasoning == "drop":
        losses["reasoning"] += 1
    elif thoughts and options.reasoning == "think-tags":
        message["content"] = f"<think>\n{thoughts}\n</think>\n\n{text}"
    elif thoughts:
        message[options.reasoning] = thoughts
    if calls := [part for part in said.parts if part.get("type") == "tool_call"]:
        message["tool_calls"] = [_call(part, options, losses) for part in calls]
    count_media(said.parts, losses)
    return message


def _call(part: JsonObject, options: Options, losses: Losses) -> JsonObject:
    called: Json = arguments(part, losses)
    if options.strings == "all":
        called = dumps_text(called)
    call: JsonObject = {"type": "function", "function": {"name": part.get("name"), "arguments": called}}
    return {"id": part.get("id"), **call} if options.call_ids else call


def arguments(part: JsonObject, losses: Losses) -> JsonObject:
    """An object always: free text is the member `input` of one."""
    if "arguments" in part:
        return as_object(part["arguments"])
    losses["arguments that are not a JSON object (now in `input`)"] += 1
    return {"input": part.get("arguments_text")}


def others(said: Said, names: dict[str, str], options: Options, losses: Losses) -> list[JsonObject]:
    """A user's message, the results of tools before what was said besides them; or a system prompt in the middle."""
    found = [_result(part, names, options, losses) for part in said.parts if part.get("type") == "tool_result"]
    texts = text_of(said.parts)
    if texts or not found:
        found.append({"role": said.role, "content": "\n\n".join(texts)})
    count_media(said.parts, losses)
    return found


def _result(part: JsonObject, names: dict[str, str], options: Options, losses: Losses) -> JsonObject:
    message: JsonObject = {"role": "tool", "content": result_text(part, losses)}
    if name := as_text(part.get("name")) or names.get(as_text(part.get("id")), ""):
        message["name"] = name
    return message | {"tool_call_id": part.get("id")} if options.call_ids else message


def result_text(part: JsonObject, losses: Losses) -> str:
    if part.get("error"):
        losses["mark of a tool result as an error"] += 1
    content = objects(part.get("content"))
    count_media(content, losses)
    return "\n".join(text_of(content))


def count_media(parts: list[JsonObject], losses: Losses) -> None:
    """Records hold the hash of a picture or a file, not its bytes; text documents are text. Steps the provider ran are left out."""
    for part in parts:
        kind = as_text(part.get("type"))
        if (kind in MEDIA and not part.get("text")) or kind == "hosted":
            losses[kind] += 1


def tools(example: Example, options: Options, losses: Losses) -> Json:
    """The column of tools; null where there are none: an empty list makes some chat templates speak of tools."""
    found: list[Json] = [{"type": "function", "function": tool} for tool in functions(example.tools, losses)]
    if not found:
        return None
    return dumps_text(found) if options.strings != "none" else found


def functions(offered: list[JsonObject], losses: Losses) -> list[JsonObject]:
    """name, description and parameters of each, these with `properties`, which OpenAI asks for and LLaMA-Factory reads unasked; tools
    that only the provider can run are left out."""
    found = []
    for tool in offered:
        kind = as_text(tool.get("kind")) or "function"
        if kind not in ("function", "custom"):
            losses[f"tool run by the provider or defined by the vendor ({kind})"] += 1
            continue
        if kind == "custom":
            losses["tool of free text (now with one argument, `input`)"] += 1
        parameters = _FREE_TEXT if kind == "custom" else as_object(tool.get("parameters"))
        if "properties" not in parameters:
            parameters = parameters | {"type": "object", "properties": {}}
        function: JsonObject = {"name": tool.get("name")}
        if description := as_text(tool.get("description")):
            function["description"] = description
        found.append(function | {"parameters": parameters})
    return found

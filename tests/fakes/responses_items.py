"""What the Responses API refuses in `input`: parts in the wrong place, ids, and calls, outputs and reasoning out of order."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.media_rules import data_url_problem, media_problem
from tests.fakes.responses_rules import Body, Complaint, bad_name, too_long
from tests.fakes.responses_shape import item_type

type Item = dict[str, Any]

_SAID = {"output_text", "refusal"}  # what an assistant's message holds; the others hold the rest
_ID_BEGINS = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_OUTPUT_OF = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_CALLED = {output: call for call, output in _OUTPUT_OF.items()}


def items_of(body: Body) -> list[Item]:
    asked = body.get("input")
    if isinstance(asked, str):
        return [{"type": "message", "role": "user", "content": asked}]
    return list(asked or ())


def item_complaint(body: Body, turns: list[Item]) -> Complaint | None:
    """The first rule that `input` breaks. turns: the whole conversation, what is remembered of it included."""
    alone = (found for rule in _RULES for found in rule(body))
    return next(alone, None) or next(_unanswered(turns), None) or next(_followed(turns), None)


def _present(body: Body) -> Iterator[Complaint]:
    elsewhere = any(body.get(name) for name in ("previous_response_id", "conversation", "prompt"))
    if body.get("input") is None and not elsewhere:
        message = "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided."
        yield message, "input", "missing_required_parameter"
    if body.get("input") == [] and not elsewhere:
        message = (
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        yield message, "input", "empty_array"


def _messages(body: Body) -> Iterator[Complaint]:
    for i, item in enumerate(items_of(body)):
        where = f"input[{i}]"
        match item_type(item):
            case "message" if not isinstance(item["content"], str):
                yield from _content(f"{where}.content", item["content"], item["role"])
            case "function_call_output" | "custom_tool_call_output" if not isinstance(item["output"], str):
                yield from _content(f"{where}.output", item["output"], "user")


def _content(where: str, parts: list[Item], role: str) -> Iterator[Complaint]:
    if not parts:
        yield f"Invalid '{where}': empty array. Expected an array with minimum length 1.", where, "empty_array"
    for j, part in enumerate(parts):
        kind = part["type"]
        if (kind in _SAID) != (role == "assistant"):
            right = (
                "'output_text' and 'refusal'" if role == "assistant" else "'input_text', 'input_image', 'input_file'"
            )
            message = f"Invalid value: '{kind}'. Supported values are: {right}."
            yield message, f"{where}[{j}]", "invalid_value"
        if role in ("system", "developer") and kind != "input_text":
            message = f"Invalid value: '{kind}'. A {role} message holds only 'input_text'."
            yield message, f"{where}[{j}]", "invalid_value"
        yield from _media(f"{where}[{j}]", part)


def _media(where: str, part: Item) -> Iterator[Complaint]:
    match part["type"]:
        case "input_image":
            url = part.get("image_url")
            if not url and not part.get("file_id"):
                yield f"Missing required parameter: '{where}.image_url'.", where, "missing_required_parameter"
            elif url and not url.startswith(("https://", "http://")) and (wrong := data_url_problem(url, "image/")):
                yield f"Invalid '{where}.image_url': {wrong}", f"{where}.image_url", "invalid_image_url"
        case "input_file":
            given = [name for name in ("file_data", "file_url", "file_id") if part.get(name)]
            if len(given) != 1:
                message = f"Invalid '{where}': exactly one of 'file_id', 'file_url' and 'file_data' must be given."
                yield message, where, "missing_required_parameter" if not given else "mutually_exclusive_parameters"
            elif given == ["file_data"]:
                if not part.get("filename"):
                    yield f"Missing required parameter: '{where}.filename'.", where, "missing_required_parameter"
                if wrong := data_url_problem(part["file_data"], "application/pdf"):
                    yield f"Invalid '{where}.file_data': {wrong}", f"{where}.file_data", "invalid_value"
            elif given == ["file_url"] and not part["file_url"].startswith(("https://", "http://")):
                yield f"Invalid '{where}.file_url': expected a URL.", f"{where}.file_url", "invalid_value"
        case "input_audio":
            audio = part["input_audio"]
            if wrong := media_problem(f"audio/{audio['format']}", audio["data"]):
                yield f"Invalid '{where}.input_audio': {wrong}", where, "invalid_value"


def _ids(body: Body) -> Iterator[Complaint]:
    seen: set[str] = set()
    for i, item in enumerate(items_of(body)):
        kind, id_, call_id = item_type(item), item.get("id"), item.get("call_id")
        if id_ is not None:
            yield from too_long(f"input[{i}].id", id_, 64)
            if not id_.startswith(begin := _ID_BEGINS.get(kind, "")):
                message = f"Invalid 'input[{i}].id': '{id_}'. Expected an ID that begins with '{begin}'."
                yield message, f"input[{i}].id", "invalid_value"
            if id_ in seen:
                message = f"Duplicate item found with id {id_}. Remove duplicate items from your input and try again."
                yield message, "input", None
            seen.add(id_)
        if kind in (*_OUTPUT_OF, *_CALLED):
            if not call_id:
                message = f"Invalid 'input[{i}].call_id': empty string. Expected a string with minimum length 1."
                yield message, f"input[{i}].call_id", "empty_string"
            yield from too_long(f"input[{i}].call_id", call_id or "", 64)
        if kind in _OUTPUT_OF:
            yield from bad_name(f"input[{i}].name", item["name"])


def _unanswered(turns: list[Item]) -> Iterator[Complaint]:
    """Every call has one output of its kind, later on, and every output its call."""
    waiting: dict[str, str] = {}
    called: set[str] = set()
    for item in turns:
        kind = item_type(item)
        call_id = str(item.get("call_id"))
        if kind in _OUTPUT_OF:
            if call_id in called:
                yield f"Duplicate call_id '{call_id}' in input.", "input", None
            called.add(call_id)
            waiting[call_id] = kind
        elif kind in _CALLED and waiting.pop(call_id, "") != _CALLED[kind]:
            word = _CALLED[kind].replace("_", " ")
            yield f"No tool call found for {word} output with call_id {call_id}.", "input", None
    for call_id, kind in waiting.items():
        word = "function" if kind == "function_call" else "custom tool"
        yield f"No tool output found for {word} call {call_id}.", "input", None


def _followed(turns: list[Item]) -> Iterator[Complaint]:
    """Reasoning stands before what it led to: something else that the model said or did."""
    for item, after in zip(turns, [*turns[1:], None], strict=True):
        if item_type(item) != "reasoning":
            continue
        kind = item_type(after) if after else ""
        own = (after or {}).get("role") == "assistant" if kind == "message" else kind == "reasoning" or "_call" in kind
        if not own or kind.endswith("_output"):
            message = (
                f"Item '{item.get('id', 'rs_')}' of type 'reasoning' was provided without its required following item."
            )
            yield message, "input", None


_RULES: tuple[Callable[[Body], Iterator[Complaint]], ...] = (_present, _messages, _ids)

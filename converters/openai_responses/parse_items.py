"""`input` of a client's request -> system texts and turns (conversion tables 2.1, 3, 6, 7.4 and 17)."""

from collections.abc import Callable

from converters.envelope import open_envelope
from converters.errors import ConversionError
from converters.fields import malformed, missing, required_string, string
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses.parse_parts import (
    assistant_parts,
    joined_texts,
    result_parts,
    text_parts,
    user_parts,
)
from converters.openai_responses.parse_tools import flat_name, parse_tools
from converters.turns import (
    Base64,
    Chat,
    Hosted,
    Image,
    Part,
    SystemText,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
)

# Steps that the provider ran itself, or built-in tools of this protocol; with their results.
_HOSTED_CALLS = frozenset(
    "web_search_call file_search_call computer_call code_interpreter_call local_shell_call shell_call apply_patch_call"
    " mcp_list_tools mcp_approval_request mcp_call tool_search_call compaction compaction_trigger program".split()
)
_HOSTED_RESULTS = frozenset(
    "computer_call_output local_shell_call_output shell_call_output apply_patch_call_output mcp_approval_response"
    " tool_search_output tool_search_call_output program_output".split()
)
_READABLE = ("output", "outputs", "results", "text", "logs", "stdout", "stderr", "result")


def parse_input(value: Json, chat: Chat, loss: Loss) -> None:
    """Add to `chat.system` and `chat.turns`. Raises ConversionError for what is malformed, with its path."""
    if value is None:
        raise missing("input")
    if isinstance(value, str) and value:
        chat.turns.append(Turn("user", [Text(value)]))
        return
    if not isinstance(value, list) or not value:
        raise malformed("input", "a text or a list with at least one item")
    items = _Items(chat, loss)
    for index, item in enumerate(value):
        path = f"input[{index}]"
        if not isinstance(item, dict):
            raise malformed(path, "an object")
        items.add(item, path)


class _Items:
    """Takes the items in order. Neighbours on the assistant's side are one turn, and so are neighbouring results.

    _answer, _run: the turn that is still growing, of the assistant and of results; at most one is set.
    """

    def __init__(self, chat: Chat, loss: Loss) -> None:
        self._chat = chat
        self._loss = loss
        self._leading = True  # only system and developer messages so far
        self._answer: Turn | None = None
        self._run: Turn | None = None
        self._items: dict[str, Callable[[JsonObject, str], None]] = {
            "message": self._message,
            "reasoning": self._reasoning,
            "function_call": self._function_call,
            "custom_tool_call": self._custom_call,
            "function_call_output": self._output,
            "custom_tool_call_output": self._output,
            "image_generation_call": self._picture,
            "item_reference": self._reference,
            "additional_tools": self._tools,
        }
        self._roles: dict[str, Callable[[JsonObject, str], None]] = {
            "system": self._system,
            "developer": self._system,
            "user": self._user,
            "assistant": self._assistant,
        }

    def add(self, item: JsonObject, path: str) -> None:
        kind = string(item, "type", path)
        if kind is None:  # the type of messages and of references may be left out
            kind = "message" if "role" in item else "item_reference" if "id" in item else None
            if kind is None:
                raise missing(f"{path}.type")
        if (read := self._items.get(kind)) is not None:
            read(item, path)
        elif kind in _HOSTED_RESULTS:
            self._result(Hosted(kind, _readable(item), ("responses", item)))
        elif kind in _HOSTED_CALLS or kind.endswith("_call"):
            self._say(Hosted(kind, _readable(item), ("responses", item)))
        else:
            raise ConversionError(
                f"`{path}.type` is `{kind}`, which is unknown", param=path, code="unsupported_content"
            )

    # --- messages ---

    def _message(self, item: JsonObject, path: str) -> None:
        role = required_string(item, "role", path)
        if (read := self._roles.get(role)) is None:
            known = ", ".join(self._roles)
            raise ConversionError(f"`{path}.role` is `{role}`, known are {known}", param=f"{path}.role")
        read(item, path)

    def _system(self, item: JsonObject, path: str) -> None:
        texts = text_parts(item, path)
        if self._leading:
            self._chat.system += [SystemText(text.text, text.cache) for text in texts]
            return
        self._turn(Turn("system", [*texts]))

    def _user(self, item: JsonObject, path: str) -> None:
        self._turn(Turn("user", user_parts(item, "content", path)))

    def _assistant(self, item: JsonObject, path: str) -> None:
        self._say(*assistant_parts(item, path, self._loss))

    # --- reasoning and calls ---

    def _reasoning(self, item: JsonObject, path: str) -> None:
        """7.4: what is encrypted is OpenAI's own, or another provider's token on its way home."""
        text = joined_texts(item, "summary", path) or joined_texts(item, "content", path)
        sealed = string(item, "encrypted_content", path)
        token = (open_envelope(sealed) or Token("r", sealed, id=string(item, "id", path))) if sealed else None
        if token is not None and token.at == "call" and (call := self._call(token.id)) is not None:
            call.token = token
        elif text or token is not None:
            self._say(Thinking(text, token))

    def _call(self, id_: str | None) -> ToolCall | None:
        parts = self._answer.parts if self._answer is not None else ()
        return next((part for part in parts if isinstance(part, ToolCall) and part.id == id_), None)

    def _function_call(self, item: JsonObject, path: str) -> None:
        id_, name = _call_id(item, path), flat_name(required_string(item, "name", path), item.get("namespace"))
        if isinstance(args := item.get("arguments"), dict):  # not the API, but seen: an object in place of its text
            self._say(ToolCall(id_, name, args=args))
        else:
            self._say(ToolCall(id_, name, args_text=string(item, "arguments", path) or ""))

    def _custom_call(self, item: JsonObject, path: str) -> None:
        name = flat_name(required_string(item, "name", path), item.get("namespace"))
        text = string(item, "input", path) or ""
        self._say(ToolCall(_call_id(item, path), name, args_text=text, kind="custom"))

    def _output(self, item: JsonObject, path: str) -> None:
        self._result(ToolResult(_call_id(item, path), result_parts(item, path)))

    def _picture(self, item: JsonObject, path: str) -> None:
        """3: a picture that an earlier answer brought."""
        picture = string(item, "result", path)
        if not picture:
            self._say(Hosted("image_generation_call", "", ("responses", item)))
            return
        self._say(Image(Base64(f"image/{string(item, 'output_format', path) or 'png'}", picture)))

    # --- the rest ---

    def _reference(self, item: JsonObject, path: str) -> None:
        message = f"`{path}` refers to an item that only its own provider holds; send the item itself"
        raise ConversionError(message, param=path, code="unsupported_parameter")

    def _tools(self, item: JsonObject, path: str) -> None:
        self._chat.tools += parse_tools(item, path, self._loss)

    def _turn(self, turn: Turn) -> None:
        self._leading = False
        self._answer = self._run = None
        self._chat.turns.append(turn)

    def _say(self, *parts: Part) -> None:
        if self._answer is None:
            answer = Turn("assistant", [])
            self._turn(answer)
            self._answer = answer
        self._answer.parts += parts

    def _result(self, part: Part) -> None:
        if self._run is None:
            run = Turn("user", [])
            self._turn(run)
            self._run = run
        self._run.parts.append(part)


def _call_id(item: JsonObject, path: str) -> str:
    if "call_id" not in item and (id_ := string(item, "id", path)):
        return id_
    return required_string(item, "call_id", path)


def _readable(content: Json) -> str:
    """The words of a hosted step's result, whatever its kind; pictures and encrypted fields have none."""
    if isinstance(content, list):
        return "\n".join(text for item in content if (text := _readable(item)))
    if not isinstance(content, dict):
        return ""
    found = []
    for key in _READABLE:
        value = content.get(key)
        if text := value if isinstance(value, str) else _readable(value):
            found.append(text)
    return "\n".join(found)

"""What went upstream, read in each provider's own protocol."""

import json
from typing import Any

type Body = dict[str, Any]

_STANDARD = str.maketrans("-_", "+/")


def turns(wire: str, body: Body) -> list[Body]:
    """The conversation, as the wire keeps it."""
    found = body[{"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}[wire]]
    return [{"role": "user", "content": found}] if isinstance(found, str) else list(found)


def roles(wire: str, body: Body) -> list[str]:
    """Who speaks; for items of Responses without a role their type."""
    return [turn.get("role") or turn["type"] for turn in turns(wire, body)]


def last_text(wire: str, body: Body) -> str:
    """The text of the last turn, which is nothing but that."""
    turn = turns(wire, body)[-1]
    if wire == "gemini":
        (part,) = turn["parts"]
        assert set(part) == {"text"}
        return str(part["text"])
    if isinstance(turn["content"], str):
        return turn["content"]
    (part,) = turn["content"]
    assert part["type"] == ("input_text" if wire == "responses" else "text")
    return str(part["text"])


def system(wire: str, body: Body) -> str:
    """The system prompt, from the one place where it belongs."""
    match wire:
        case "chat":
            leading = body["messages"][0]
            assert leading["role"] == "system"
            return str(leading["content"])
        case "responses":
            return str(body["instructions"])
        case "anthropic":
            texts = body["system"]
            return texts if isinstance(texts, str) else "".join(block["text"] for block in texts)
        case _:
            return "".join(part["text"] for part in body["systemInstruction"]["parts"])


def stops(wire: str, body: Body) -> list[str]:
    match wire:
        case "chat":
            return [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
        case "anthropic":
            return list(body["stop_sequences"])
        case _:
            return list(body["generationConfig"]["stopSequences"])


def schema(wire: str, body: Body) -> Body:
    """The JSON schema that the answer must obey."""
    found: Body
    match wire:
        case "chat":
            found = body["response_format"]["json_schema"]["schema"]
        case "responses":
            found = body["text"]["format"]["schema"]
        case "anthropic":
            found = body["output_config"]["format"]["schema"]
        case _:
            assert body["generationConfig"]["responseMimeType"] == "application/json"
            found = body["generationConfig"]["responseJsonSchema"]
    return found


def choice(wire: str, body: Body) -> str:
    """`any`, or the name of the tool that must be called."""
    if wire == "gemini":
        config = body["toolConfig"]["functionCallingConfig"]
        assert config["mode"] == "ANY"
        names = config.get("allowedFunctionNames", [])
        assert len(names) < 2
        return names[0] if names else "any"
    chosen = body["tool_choice"]
    if isinstance(chosen, str):
        assert chosen == "required"
        return "any"
    if chosen["type"] == "any":
        assert wire == "anthropic"
        return "any"
    return str((chosen["function"] if wire == "chat" else chosen)["name"])


def calls(wire: str, body: Body) -> list[tuple[str | None, str, Any]]:
    """(id, name, arguments) of every call in the history."""
    found: list[tuple[str | None, str, Any]] = []
    for turn in turns(wire, body):
        match wire:
            case "chat":
                for call in turn.get("tool_calls") or []:
                    found.append((call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
            case "responses":
                if turn.get("type") == "function_call":
                    found.append((turn["call_id"], turn["name"], json.loads(turn["arguments"])))
            case "anthropic":
                for block in turn["content"] if isinstance(turn["content"], list) else []:
                    if block["type"] == "tool_use":
                        found.append((block["id"], block["name"], block["input"]))
            case _:
                for part in turn["parts"]:
                    if "functionCall" in part:
                        call = part["functionCall"]
                        found.append((call.get("id"), call["name"], call.get("args") or {}))
    return found


def results(wire: str, body: Body) -> list[tuple[str | None, str]]:
    """(id of the call, text) of every result in the history."""
    found: list[tuple[str | None, str]] = []
    for turn in turns(wire, body):
        match wire:
            case "chat":
                if turn["role"] == "tool":
                    found.append((turn["tool_call_id"], _words(turn["content"])))
            case "responses":
                if turn.get("type") == "function_call_output":
                    found.append((turn["call_id"], _words(turn["output"])))
            case "anthropic":
                for block in turn["content"] if isinstance(turn["content"], list) else []:
                    if block["type"] == "tool_result":
                        found.append((block["tool_use_id"], _words(block["content"])))
            case _:
                for part in turn["parts"]:
                    if "functionResponse" in part:
                        answer = part["functionResponse"]
                        found.append((answer.get("id"), answer["response"]["output"]))
    return found


def _words(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def tokens(wire: str, body: Body) -> list[str]:
    """What a provider gave to be carried back: signatures and encrypted reasoning, in order."""
    found = []
    for turn in turns(wire, body):
        match wire:
            case "responses":
                if turn.get("type") == "reasoning":
                    found.append(turn.get("encrypted_content"))
            case "anthropic":
                for block in turn["content"] if isinstance(turn["content"], list) else []:
                    found.append(block.get("signature") or (block.get("data") if "redacted" in block["type"] else None))
            case "gemini":
                signatures = [part.get("thoughtSignature") for part in turn["parts"]]
                found += [each and each.translate(_STANDARD) for each in signatures]  # Google takes both alphabets
            case _:
                found += [json.dumps(turn[name]) for name in ("reasoning_content", "reasoning_details") if name in turn]
    return [each for each in found if each]

"""The hub's words for a request's fields, in the words of the client that sent it (conversion rules 17).

`prepare` and the builders know only the hub. What they name as lost, or refuse, the client should find in its own request.
"""

from converters.errors import ConversionError
from converters.loss import Loss

_CONFIG = "generationConfig"
_WORDS: dict[str, dict[str, str]] = {
    "chat": {"tools.schema": "tools.function.parameters", "tools.strict": "tools.function.strict"},
    "responses": {
        "tools.schema": "tools.parameters",
        "messages": "input",
        "messages.thinking": "input.reasoning",
        "system": "instructions",
        "max_tokens": "max_output_tokens",
        "reasoning_effort": "reasoning.effort",
        "response_format": "text.format",
        "verbosity": "text.verbosity",
    },
    "anthropic": {
        "tools.schema": "tools.input_schema",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
        "reasoning": "thinking",
        "reasoning_effort": "thinking",
        "response_format": "output_config.format",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    },
    "gemini": {
        "tools.schema": "tools.functionDeclarations.parameters",
        "messages": "contents",
        "messages.thinking": "contents.parts.thought",
        "system": "systemInstruction",
        "tool_choice": "toolConfig.functionCallingConfig",
        "max_tokens": f"{_CONFIG}.maxOutputTokens",
        "temperature": f"{_CONFIG}.temperature",
        "top_p": f"{_CONFIG}.topP",
        "top_k": f"{_CONFIG}.topK",
        "stop": f"{_CONFIG}.stopSequences",
        "presence_penalty": f"{_CONFIG}.presencePenalty",
        "frequency_penalty": f"{_CONFIG}.frequencyPenalty",
        "seed": f"{_CONFIG}.seed",
        "n": f"{_CONFIG}.candidateCount",
        "logprobs": f"{_CONFIG}.responseLogprobs",
        "top_logprobs": f"{_CONFIG}.logprobs",
        "reasoning": f"{_CONFIG}.thinkingConfig",
        "reasoning_effort": f"{_CONFIG}.thinkingConfig",
        "response_format": f"{_CONFIG}.responseSchema",
    },
}


def client_word(client: str, name: str) -> str:
    """The client's own path of a field; a name that is its own already stays."""
    words = _WORDS.get(client, {})
    first, dot, rest = name.partition(".")
    return words.get(name) or words.get(first, first) + dot + rest


def put_in_client_words(client: str, found: Loss | ConversionError) -> None:
    """The names of a loss list, or the field that an error names."""
    if client not in _WORDS:
        return
    if isinstance(found, ConversionError):
        found.param = found.param and client_word(client, found.param)
        return
    for names in (found.dropped, found.changed, found.noted):
        renamed = {client_word(client, name): why for name, why in names.items()}
        names.clear()
        names.update(renamed)

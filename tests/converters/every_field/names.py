"""Names in the loss list that are not the field's own path, as the conversion rules tell them."""

MODELS = {"chat": "zq-model", "responses": "zq-model", "anthropic": "claude-sonnet-4-6", "gemini": "gemini-3-flash"}
ANYWHERE = frozenset({"cache_control"})  # 10: may stand on anything, so no path is told

_SYNONYMS: dict[str, dict[str, tuple[str, ...]]] = {
    "chat": {"reasoning": ("reasoning_effort",), "user": ("safety_identifier",)},
    "responses": {"user": ("safety_identifier",), "input.image": ("input.image_generation_call",)},
    "anthropic": {"thinking": ("output_config.effort",), "messages.thinking": ("messages.redacted_thinking",)},
    "gemini": {"contents.parts.thought": ("contents.parts.thoughtSignature",)},
}


def synonyms(client: str, name: str) -> tuple[str, ...]:
    """Other fields that a name in a client's loss list means."""
    if client == "responses" and name.split(".")[0] == "tools":
        return (f"input.{name}",)  # 4.1: tools may be declared by an item of the input
    return _SYNONYMS[client].get(name, ())

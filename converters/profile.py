"""Profile: what one account's endpoint takes beyond, or short of, its protocol. Vendors that are "compatible" differ here."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Profile:
    """Defaults are the protocol owner's own behaviour. Every flag is one vendor difference (conversion tables in docs/)."""

    # Chat Completions
    max_tokens_name: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    system_role: Literal["system", "developer"] = "system"
    one_system: bool = False  # all system texts, late ones too, joined in one first message
    string_content: bool = False  # content must be a string, never a list of parts
    json_schema: bool = True  # response_format json_schema is understood
    reasoning: Literal["effort", "enable_thinking", "none"] = "effort"
    echo_reasoning: Literal["never", "tools", "always"] = "never"  # send reasoning_content of the history back
    think_tags: bool = False  # a leading <think>...</think> in the text is reasoning
    stream_options: bool = True
    tool_choice_required: bool = True
    parallel_tool_calls: bool = True
    strict_tools: bool = True
    top_k: bool = False
    video: bool = False
    # Anthropic Messages
    mid_system: Literal["inline", "native", "hoist"] = "inline"
    # Kiro
    thinking: Literal["native", "tags", "off"] = "native"  # tags: asked for in words, if the client asks at all
    system_field: bool = False  # the system text has a field, and does not head the first message
    empty_content: bool = False  # messages of calls or results alone have no words
    image_turns: int | None = None  # images of older messages than the last ones that hold some become words
    # all
    max_output_tokens: int | None = None  # overrides the model table
    rejected: frozenset[str] = field(default_factory=frozenset)  # top-level fields the vendor answers 400 to


DEFAULT = Profile()

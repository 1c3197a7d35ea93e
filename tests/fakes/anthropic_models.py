"""What Anthropic refuses depending on the model: limits, thinking, sampling."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

type Body = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """thinking: adaptive only, adaptive or budget, budget only, or none. output: most tokens it writes.
    formats: takes output_config.format. pair: takes temperature and top_p together."""

    thinking: Literal["adaptive", "both", "budget", "none"]
    output: int
    formats: bool = True
    pair: bool = False


_NEWEST = Model("adaptive", 128_000)
_MODELS: tuple[tuple[str, Model], ...] = (
    ("claude-3-7", Model("budget", 64_000, formats=False, pair=True)),
    ("claude-3-5", Model("none", 8_192, formats=False, pair=True)),
    ("claude-3", Model("none", 4_096, formats=False, pair=True)),
    ("claude-opus-4-8", _NEWEST),
    ("claude-opus-4-7", _NEWEST),
    ("claude-opus-4-6", Model("both", 128_000)),
    ("claude-sonnet-4-6", Model("both", 128_000)),
    ("claude-opus-4-5", Model("budget", 64_000)),
    ("claude-sonnet-4-5", Model("budget", 64_000)),
    ("claude-haiku-4-5", Model("budget", 64_000)),
    ("claude-opus-4-1", Model("budget", 32_000)),
    ("claude-opus-4", Model("budget", 32_000, formats=False, pair=True)),
    ("claude-sonnet-4", Model("budget", 64_000, formats=False, pair=True)),
)


def model_of(name: str) -> Model:
    return next((model for prefix, model in _MODELS if name.startswith(prefix)), _NEWEST)


def thinking_on(body: Body) -> bool:
    return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def thinking_and_sampling(body: Body) -> Iterator[str]:
    model, name = model_of(body["model"]), body["model"]
    if body["max_tokens"] < 0:
        yield "max_tokens: Input should be greater than or equal to 0"
    if body["max_tokens"] > model.output:
        yield f"max_tokens: {body['max_tokens']} > {model.output}, which is the maximum allowed number of output tokens for {name}"
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if temperature is not None and not 0 <= temperature <= 1:
        yield "temperature: range: 0..1"
    if temperature is not None and top_p is not None and not model.pair:
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    if model.thinking == "adaptive" and any(body.get(field) is not None for field in ("temperature", "top_p", "top_k")):
        yield "sampling parameters are not supported on this model"
    config = body.get("output_config") or {}
    if config.get("effort") and model.thinking not in ("adaptive", "both") and not name.startswith("claude-opus-4-5"):
        yield "output_config.effort: This model does not support the effort parameter."
    if config.get("format") and not model.formats:
        yield f"'{name}' does not support output format."
    if any(m["role"] == "system" for m in body["messages"]) and model.thinking != "adaptive":
        yield 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.'
    yield from _thinking(body, model)


def _thinking(body: Body, model: Model) -> Iterator[str]:
    thinking = body.get("thinking") or {"type": "disabled"}
    kind = thinking["type"]
    if kind == "enabled" and model.thinking not in ("both", "budget"):
        yield '"thinking.type.enabled" is not supported for this model.'
    if kind == "adaptive" and model.thinking not in ("adaptive", "both"):
        yield "adaptive thinking is not supported on this model"
    if not thinking_on(body):
        return
    if body.get("temperature") not in (None, 1):
        yield "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."
    if body.get("top_k") is not None:
        yield "`top_k` must be unset when thinking is enabled or in adaptive mode."
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        yield "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in adaptive mode."
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if body["messages"][-1]["role"] == "assistant":
        yield "messages: When thinking is enabled, the conversation must end with a user message."
    if kind == "enabled":
        yield from _budget(body, thinking["budget_tokens"])


def _budget(body: Body, budget: int) -> Iterator[str]:
    if budget < 1024:
        yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    if budget >= body["max_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if not _in_tool_loop(body):
        return
    index = max(i for i, m in enumerate(body["messages"]) if m["role"] == "assistant")
    while index and body["messages"][index - 1]["role"] == "assistant":
        index -= 1
    first = body["messages"][index]["content"][0]
    if isinstance(first, dict) and first["type"] not in ("thinking", "redacted_thinking"):
        yield (
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first['type']}`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost "
            "set of `tool_use` and `tool_result` blocks)."
        )


def _in_tool_loop(body: Body) -> bool:
    content = body["messages"][-1]["content"]
    return isinstance(content, list) and any(block["type"] == "tool_result" for block in content)

"""Model table: thinking class (7.2), output limit (9), structured output (8)."""

import pytest

from converters.models import (
    Thinking,
    anthropic_has_output_format,
    anthropic_max_output,
    anthropic_thinking,
    openai_is_reasoning,
)


@pytest.mark.parametrize(
    ("model", "thinking", "limit", "native_format"),
    [
        ("claude-opus-5", "adaptive_only", 128_000, True),
        ("claude-sonnet-5", "adaptive_only", 128_000, True),
        ("claude-fable-5", "adaptive_only", 128_000, True),
        ("claude-mythos-preview", "adaptive_only", 128_000, True),
        ("claude-opus-4-7", "adaptive_only", 128_000, True),
        ("claude-opus-4-8", "adaptive_only", 128_000, True),
        ("claude-opus-4-6", "adaptive", 128_000, True),
        ("claude-sonnet-4-6[1m]", "adaptive", 128_000, True),
        ("claude-opus-4-5-20251101", "budget", 64_000, True),
        ("claude-haiku-4-5-20251001", "budget", 64_000, True),
        ("claude-opus-4-1-20250805", "budget", 32_000, True),
        ("claude-opus-4-20250514", "budget", 32_000, False),
        ("claude-opus-4-0", "budget", 32_000, False),
        ("claude-sonnet-4-20250514", "budget", 64_000, False),
        ("claude-3-7-sonnet-latest", "budget", 64_000, False),
        ("claude-3-5-haiku-20241022", "none", 8_192, False),
        ("claude-3-haiku-20240307", "none", 4_096, False),
        ("claude-2.1", "none", 4_096, False),
        ("claude-instant-1.2", "none", 4_096, False),
        ("some-model", "none", 32_000, True),
    ],
)
def test_7_2_and_9_a_claude_is_judged_by_its_name(
    model: str, thinking: Thinking, limit: int, native_format: bool
) -> None:
    assert thinking == anthropic_thinking(model)
    assert limit == anthropic_max_output(model)
    assert native_format is anthropic_has_output_format(model)


@pytest.mark.parametrize(
    "model", ["anthropic/claude-opus-4.5", "us.anthropic.claude-opus-4-5-20251101-v1:0", "Claude-Opus-4-5"]
)
def test_vendor_prefixes_and_dots_do_not_hide_a_model(model: str) -> None:
    assert anthropic_thinking(model) == "budget"
    assert anthropic_max_output(model) == 64_000


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("o1", True),
        ("o3-mini", True),
        ("gpt-5", True),
        ("gpt-5.6-sol", True),
        ("openai/o4-mini", True),
        ("gpt-4o", False),
        ("gpt-4.1", False),
        ("olmo-7b", False),
        ("qwen3-coder-plus", False),
    ],
)
def test_9_openai_reasoning_models_are_known_by_their_names(model: str, reasoning: bool) -> None:
    assert reasoning is openai_is_reasoning(model)

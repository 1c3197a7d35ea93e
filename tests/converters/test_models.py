"""Model table: thinking class (7.2), output limit (9), structured output (8)."""

import pytest

from converters.models import (
    Thinking,
    anthropic_has_output_format,
    anthropic_max_output,
    anthropic_thinking,
    limits,
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
        ("claude-opus-5-5", "adaptive_only", 128_000, True),
        ("claude-opus-6", "adaptive_only", 128_000, True),
        ("claude-2.1", "none", 4_096, False),
        ("claude-instant-1.2", "none", 4_096, False),
        ("some-model", "none", 32_000, True),
    ],
)
def test_7_2_a_claude_is_judged_by_its_name(model: str, thinking: Thinking, limit: int, native_format: bool) -> None:
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


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-5", (1_000_000, 128_000)),
        ("claude-opus-5-5", (1_000_000, 128_000)),
        ("claude-haiku-5-5", (1_000_000, 128_000)),
        ("anthropic/claude-opus-4.8", (1_000_000, 128_000)),
        ("us.anthropic.claude-sonnet-4-6-v1:0", (1_000_000, 128_000)),
        ("claude-opus-4-5-20251101", (200_000, 64_000)),
        ("claude-sonnet-4-20250514", (200_000, 64_000)),
        ("claude-opus-4-1", (200_000, 32_000)),
        ("claude-3-5-haiku-latest", (200_000, 8_192)),
        ("claude-3-haiku-20240307", (200_000, 4_096)),
        ("gpt-6-sol", (922_000, 128_000)),
        ("gpt-5.6", (922_000, 128_000)),
        ("gpt-5.6-terra", (922_000, 128_000)),
        ("openai/gpt-5.5-pro", (922_000, 128_000)),
        ("gpt-5.5-2026-04-23", (922_000, 128_000)),
        ("gpt-5.4-mini", (272_000, 128_000)),
        ("gpt-5.3-codex", (272_000, 128_000)),
        ("gpt-5.1-codex-max", (272_000, 128_000)),
        ("gpt-5-nano-2025-08-07", (272_000, 128_000)),
        ("gpt-5-pro", (272_000, 272_000)),
        ("gpt-5-chat-latest", (128_000, 16_384)),
        ("gpt-4.1-mini", (1_047_576, 32_768)),
        ("gpt-4o", (128_000, 16_384)),
        ("gpt-4o-mini-2024-07-18", (128_000, 16_384)),
        ("gpt-4o-2024-05-13", (128_000, 4_096)),
        ("gpt-4-turbo-preview", (128_000, 4_096)),
        ("gpt-4-1106-preview", (128_000, 4_096)),
        ("gpt-4-0613", (8_192, 8_192)),
        ("gpt-3.5-turbo-0125", (16_385, 4_096)),
        ("o1-preview", (128_000, 32_768)),
        ("o1-mini", (128_000, 65_536)),
        ("o1-2024-12-17", (200_000, 100_000)),
        ("o3-mini", (200_000, 100_000)),
        ("o4-mini", (200_000, 100_000)),
        ("gemini-3.1-pro-preview-customtools", (1_048_576, 65_536)),
        ("gemini-3-pro-preview", (1_048_576, 65_536)),
        ("models/gemini-3-flash-preview", (1_048_576, 65_536)),
        ("gemini-3.8-flash", (1_048_576, 65_536)),
        ("gemini-2.5-pro-preview-05-06", (1_048_576, 65_536)),
        ("gemini-2.5-flash-lite", (1_048_576, 65_536)),
        ("gemini-2.0-flash-001", (1_048_576, 8_192)),
        ("gemini-1.5-flash-8b-latest", (1_048_576, 8_192)),
        ("gemini-1.5-pro-002", (2_097_152, 8_192)),
    ],
)
def test_16_limits_of_models_that_vendors_publish(model: str, expected: tuple[int, int]) -> None:
    assert expected == limits(model)


@pytest.mark.parametrize(
    "model",
    [
        *("claude-opus-6", "claude-mythos-preview", "claude-2.1", "claude-instant-1.2"),
        *(
            "gpt-7",
            "gpt-5.7",
            "gpt-5.5-instant",
            "gpt-5.3-codex-spark",
            "gpt-5.3-chat-latest",
            "gpt-4-32k",
            "gpt-oss-20b",
        ),
        *("gpt-4o-audio-preview", "gpt-4o-realtime-preview", "gpt-3.5-turbo-16k", "gpt-3.5-turbo-0613", "o5", "o1x"),
        *("gemini-2.5-flash-image", "gemini-2.5-flash-preview-tts", "gemini-3-pro-image-preview", "gemini-4-pro"),
        *("gemini-pro-latest", "gemini-embedding-001", "llama-3.1-70b", "my-gpt-4o", ""),
    ],
)
def test_16_limits_that_are_not_known_are_not_guessed(model: str) -> None:
    assert limits(model) == (None, None)

"""3.2: names of models, context windows, and who takes an effort."""

import pytest

from converters.kiro.models import context_window, effort_field, kiro_model


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-opus-4-5-20251101-thinking", "claude-opus-4.5"),
        ("claude-opus-4-6-thinking", "claude-opus-4.6"),
        ("claude-haiku-4-5-thinking-20251001", "claude-haiku-4.5"),
        ("claude-sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-opus-5", "claude-opus-5"),
        ("claude-sonnet-4-5-preview", "claude-sonnet-4-5-preview"),
        ("auto", "auto"),
        ("gpt-5.6-sol", "gpt-5.6-sol"),
        ("deepseek-3.2", "deepseek-3.2"),
        ("CLAUDE_SONNET_4_20250514_V1_0", "CLAUDE_SONNET_4_20250514_V1_0"),
        ("who-knows-4-5-20250101", "who-knows-4-5-20250101"),
    ],
)
def test_3_2_anthropics_names_become_kiros_and_unknown_ones_pass(name: str, sent: str) -> None:
    assert kiro_model(name) == sent
    assert kiro_model(sent) == sent


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("claude-sonnet-4.6", 1_000_000),
        ("claude-sonnet-4-6-20260101", 1_000_000),
        ("claude-opus-4.6", 1_000_000),
        ("claude-opus-4.8", 1_000_000),
        ("claude-opus-5", 1_000_000),
        ("claude-sonnet-5", 1_000_000),
        ("gpt-5.6-luna", 272_000),
        ("qwen3-coder-next", 256_000),
        ("deepseek-3.2", 128_000),
        ("claude-sonnet-4.5", 200_000),
        ("claude-opus-4.5", 200_000),
        ("claude-haiku-4.5", 200_000),
        ("auto", 200_000),
    ],
)
def test_3_2_context_windows(name: str, tokens: int) -> None:
    assert context_window(name) == tokens


@pytest.mark.parametrize(
    ("name", "holder"),
    [("gpt-5.6-terra", "reasoning"), ("claude-opus-5", "output_config"), ("claude-opus-4-6", None), ("auto", None)],
)
def test_3_two_families_take_an_effort(name: str, holder: str | None) -> None:
    assert effort_field(name) == holder

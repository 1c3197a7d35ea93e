"""Kiro's own names of models, and what is known of them.

Source: identifiers that clients of the service send, and its list of models (read 2026-11).
"""

import re

_DATE = re.compile(r"-20\d{6}$")
_CLAUDE = re.compile(r"(claude-[a-z]+-\d+)-(\d{1,2})")
_WINDOWS = tuple(
    (re.compile(pattern), tokens)
    for pattern, tokens in (
        (r"claude-sonnet-4\.6|claude-opus-4\.(?:[6-9]|\d\d)|claude-(?:sonnet|opus)-(?:[5-9]|\d\d)(?!\d)", 1_000_000),
        (r"gpt-5\.6", 272_000),
        (r"qwen3-coder-next", 256_000),
        (r"deepseek", 128_000),
    )
)
_WINDOW = 200_000
_EFFORT_FIELDS = (("gpt-5.6", "reasoning"), ("claude-opus-5", "output_config"))


def kiro_model(name: str) -> str:
    """Anthropic's spelling -> Kiro's: `claude-sonnet-4-5-20250929` -> `claude-sonnet-4.5`. Any other name is passed as given:
    an unknown one is for the service to refuse."""
    if not name.startswith("claude-"):
        return name
    bare = _DATE.sub("", name.removesuffix("-thinking")).removesuffix("-thinking")
    found = _CLAUDE.fullmatch(bare)
    return f"{found[1]}.{found[2]}" if found else bare


def context_window(model: str) -> int:
    """Tokens, prompt and answer together; `model` as Kiro or as Anthropic calls it."""
    name = kiro_model(model)
    return next((tokens for pattern, tokens in _WINDOWS if pattern.match(name)), _WINDOW)


def effort_field(model: str) -> str | None:
    """Which object of `additionalModelRequestFields` holds `effort`; None for a model that takes none."""
    return next((holder for prefix, holder in _EFFORT_FIELDS if kiro_model(model).startswith(prefix)), None)

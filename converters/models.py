"""What a model takes, judged by its name. One row a family; the first row whose pattern the name begins with wins.

Names may carry a vendor's prefix (`anthropic/claude-...`, `us.anthropic.claude-...`) and dots for dashes (`claude-opus-4.5`).
Source: conversion tables 7.2 and 9, and the vendor's model list (read 2026-11).
"""

import re
from dataclasses import dataclass
from typing import Literal

type Thinking = Literal["adaptive_only", "adaptive", "budget", "none"]


@dataclass(frozen=True, slots=True)
class Model:
    """thinking: which of Anthropic's forms it takes. max_output: tokens. output_format: `output_config.format` is understood."""

    thinking: Thinking
    max_output: int
    output_format: bool


_CLAUDE = tuple(
    (re.compile(pattern), model)
    for pattern, model in (
        (r"claude-[a-z]+-(?:[5-9]|[1-9]\d(?!\d)|preview)", Model("adaptive_only", 128_000, True)),
        (r"claude-[a-z]+-4-[7-9]", Model("adaptive_only", 128_000, True)),
        (r"claude-[a-z]+-4-6", Model("adaptive", 128_000, True)),
        (r"claude-[a-z]+-4-5", Model("budget", 64_000, True)),
        (r"claude-opus-4-1", Model("budget", 32_000, True)),
        (r"claude-opus-4", Model("budget", 32_000, False)),
        (r"claude-sonnet-4", Model("budget", 64_000, False)),
        (r"claude-3-7", Model("budget", 64_000, False)),
        (r"claude-3-5", Model("none", 8_192, False)),
        (r"claude-(?:[123](?!\d)|instant)", Model("none", 4_096, False)),
    )
)
_UNKNOWN = Model("none", 32_000, True)
_OPENAI_REASONING = re.compile(r"o\d|gpt-5")


def anthropic_thinking(model: str) -> Thinking:
    """7.2: the class of a model; `none` also for an unknown one."""
    return _claude(model).thinking


def anthropic_max_output(model: str) -> int:
    """9: the most tokens it may be asked for; 32000 for an unknown one."""
    return _claude(model).max_output


def anthropic_has_output_format(model: str) -> bool:
    """8: structured output is native; True for an unknown one."""
    return _claude(model).output_format


def openai_is_reasoning(model: str) -> bool:
    """9: `o1`, `o3-mini`, `gpt-5...`: models that refuse `max_tokens`."""
    return _OPENAI_REASONING.match(_bare(model)) is not None


def _bare(model: str) -> str:
    return model.lower().rsplit("/", 1)[-1]


def _claude(model: str) -> Model:
    name = _bare(model).replace(".", "-")
    name = name[max(name.find("claude-"), 0) :]
    return next((row for pattern, row in _CLAUDE if pattern.match(name)), _UNKNOWN)

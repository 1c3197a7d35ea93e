"""What a model takes, judged by its name. One row a family; the first row whose pattern fits wins.

Names may carry a vendor's prefix (`anthropic/claude-...`, `us.anthropic.claude-...`) and dots for dashes (`claude-opus-4.5`).
Source: conversion tables 7.2 and 9, and the vendors' model pages, as they stood in 2026-11: platform.claude.com "Models
overview" and each model's page (1M: Opus 4.6 to 5.5, Sonnet 4.6 to 5.5, Fable 5 and 5.1, Haiku 5.5; 200K: the ones before);
developers.openai.com "Compare models" and "Models"; ai.google.dev "Gemini models". OpenAI's figure is the context window, for
prompt and answer together, except from GPT-5 on: "a maximum of 272,000 input tokens ... for a total context length of 400,000"
(openai.com, "Introducing GPT-5 for developers"), and 922,000 of 1,050,000 from GPT-5.4 on (models.dev, Azure's model list).
"""

import re
from dataclasses import dataclass
from typing import Literal

type Thinking = Literal["adaptive_only", "adaptive", "budget", "none"]


@dataclass(frozen=True, slots=True)
class Model:
    """thinking: which of Anthropic's forms it takes. max_output: tokens. output_format: `output_config.format` is understood.
    max_input: tokens, None for a model whose limits nobody published."""

    thinking: Thinking
    max_output: int
    output_format: bool
    max_input: int | None = None


_CLAUDE = tuple(
    (re.compile(pattern), model)
    for pattern, model in (
        (r"claude-[a-z]+-5(?!\d)", Model("adaptive_only", 128_000, True, 1_000_000)),
        (r"claude-[a-z]+-(?:[6-9]|[1-9]\d(?!\d)|preview)", Model("adaptive_only", 128_000, True)),
        (r"claude-[a-z]+-4-[7-9]", Model("adaptive_only", 128_000, True, 1_000_000)),
        (r"claude-[a-z]+-4-6", Model("adaptive", 128_000, True, 1_000_000)),
        (r"claude-[a-z]+-4-5", Model("budget", 64_000, True, 200_000)),
        (r"claude-opus-4-1", Model("budget", 32_000, True, 200_000)),
        (r"claude-opus-4", Model("budget", 32_000, False, 200_000)),
        (r"claude-sonnet-4", Model("budget", 64_000, False, 200_000)),
        (r"claude-3-7", Model("budget", 64_000, False, 200_000)),
        (r"claude-3-5", Model("none", 8_192, False, 200_000)),
        (r"claude-3(?!\d)", Model("none", 4_096, False, 200_000)),
        (r"claude-(?:[12](?!\d)|instant)", Model("none", 4_096, False)),
    )
)
_UNKNOWN = Model("none", 32_000, True)
_OPENAI_REASONING = re.compile(r"o\d|gpt-5")
_SNAPSHOT = r"(?:-(?:latest|preview|exp|customtools|\d+))*"  # may follow a name and leaves the limits as they are
_LIMITS = tuple(
    (re.compile(f"(?:{pattern}){_SNAPSHOT}"), found)
    for pattern, found in (
        (r"gpt-6-(?:astra|sol|luna)", (922_000, 128_000)),
        (r"gpt-5\.(?:[45](?:-pro)?|6(?:-(?:sol|terra|luna))?)", (922_000, 128_000)),
        (r"gpt-5\.4-(?:mini|nano)", (272_000, 128_000)),
        (r"gpt-5(?:\.[12])?-chat", (128_000, 16_384)),
        (r"gpt-5-pro", (272_000, 272_000)),
        (r"gpt-5(?:-(?:mini|nano|codex))?", (272_000, 128_000)),
        (r"gpt-5\.1(?:-codex(?:-(?:max|mini))?)?", (272_000, 128_000)),
        (r"gpt-5\.2(?:-(?:pro|codex))?|gpt-5\.3-codex", (272_000, 128_000)),
        (r"gpt-4\.1(?:-(?:mini|nano))?", (1_047_576, 32_768)),
        (r"gpt-4o-2024-05-13", (128_000, 4_096)),
        (r"gpt-4o(?:-mini)?", (128_000, 16_384)),
        (r"gpt-4-(?:turbo|1106|0125)", (128_000, 4_096)),
        (r"gpt-4", (8_192, 8_192)),
        (r"gpt-3\.5-turbo(?!-0[36])", (16_385, 4_096)),
        (r"o1-preview", (128_000, 32_768)),
        (r"o1-mini", (128_000, 65_536)),
        (r"o1(?:-pro)?|o3(?:-(?:mini|pro))?|o4-mini|codex-mini", (200_000, 100_000)),
        (r"gemini-3(?:\.1)?-pro|gemini-3(?:\.[58])?-flash|gemini-3\.1-flash-lite", (1_048_576, 65_536)),
        (r"gemini-2\.5-(?:pro|flash(?:-lite)?)", (1_048_576, 65_536)),
        (r"gemini-2\.0-flash(?:-lite)?|gemini-1\.5-flash(?:-8b)?", (1_048_576, 8_192)),
        (r"gemini-1\.5-pro", (2_097_152, 8_192)),
    )
)


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


def limits(model: str) -> tuple[int | None, int | None]:
    """(prompt, answer) in tokens; None for a model that no row names exactly, since a guess may be far off."""
    claude = _claude(model)
    if claude.max_input is not None:
        return claude.max_input, claude.max_output
    return next((found for pattern, found in _LIMITS if pattern.fullmatch(_bare(model))), (None, None))


def _bare(model: str) -> str:
    return model.lower().rsplit("/", 1)[-1]


def _claude(model: str) -> Model:
    name = _bare(model).replace(".", "-")
    name = name[max(name.find("claude-"), 0) :]
    return next((row for pattern, row in _CLAUDE if pattern.match(name)), _UNKNOWN)

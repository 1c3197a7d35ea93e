"""The providers: one small file each. Third parties register a `Provider` class under the entry point group below."""

from functools import cache
from importlib.metadata import entry_points

from addons.providers.base import Provider
from addons.providers.claude_custom import ClaudeCustom
from addons.providers.claude_kiro_oauth import ClaudeKiroOAuth
from addons.providers.demo import Demo
from addons.providers.gemini_cli_oauth import GeminiCliOAuth
from addons.providers.gemini_custom import GeminiCustom
from addons.providers.openai_custom import OpenAICustom
from addons.providers.openai_qwen_oauth import OpenAIQwenOAuth
from addons.providers.openai_responses_custom import OpenAIResponsesCustom

GROUP = "aiclient.providers"
BUILT_IN: tuple[type[Provider], ...] = (
    OpenAICustom,
    OpenAIResponsesCustom,
    ClaudeCustom,
    GeminiCustom,
    GeminiCliOAuth,
    ClaudeKiroOAuth,
    OpenAIQwenOAuth,
    Demo,
)


@cache
def catalogue() -> dict[str, Provider]:
    """Every provider by name, the built-in ones first. A third party's class of a built-in name is refused (ValueError)."""
    found: dict[str, Provider] = {}
    for kind in (*BUILT_IN, *(entry.load() for entry in entry_points(group=GROUP))):
        if kind.name in found:
            raise ValueError(f"two providers are named {kind.name!r}: remove one of the packages")
        found[kind.name] = kind()
    return found

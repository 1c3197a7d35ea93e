"""The providers: one small file each. Third parties register a `Provider` class under the entry point group below."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from addons.providers.base import Provider
from addons.providers.claude_custom import ClaudeCustom
from addons.providers.claude_kiro_oauth import ClaudeKiroOAuth
from addons.providers.demo import Demo
from addons.providers.gemini_cli_oauth import GeminiCliOAuth
from addons.providers.gemini_custom import GeminiCustom
from addons.providers.openai_custom import OpenAICustom
from addons.providers.openai_qwen_oauth import OpenAIQwenOAuth
from addons.providers.openai_responses_custom import OpenAIResponsesCustom
from addons.settings_sources import SettingsError

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
    """Every provider by name, the built-in ones first. SettingsError for a package's class that cannot be used; one of a
    built-in name is none: it would be handed that account's credential."""
    found: dict[str, Provider] = {}
    for kind in (*BUILT_IN, *map(_loaded, entry_points(group=GROUP))):
        if kind.name in found:
            raise SettingsError(f"two providers are named {kind.name!r}: remove one of the packages")
        found[kind.name] = kind()
    return found


def _loaded(entry: EntryPoint) -> type[Provider]:
    try:
        kind = entry.load()
    except Exception as e:  # a stranger's code: whatever it raises
        raise SettingsError(f"the provider {entry.value} of an installed package cannot be loaded: {e!r}") from e
    if not (isinstance(kind, type) and issubclass(kind, Provider) and hasattr(kind, "name")):
        raise SettingsError(f"{entry.value} of an installed package is no provider: it must be a subclass with a name")
    return kind

"""Which system prompt of the operator's goes to which provider: `system_prompts`, else the settings for all."""

from collections.abc import Callable
from pathlib import Path

from addons.settings import Settings
from addons.settings_prompts import Choice
from converters.system_prompt import SystemPrompt, system_prompt

type PromptFor = Callable[[str], SystemPrompt | None]


class SystemPrompts:
    """The operator's prompts. Files are read when they have changed; one that cannot be read leaves the text it had."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[tuple[int, int, int], str]] = {}  # by name of the file

    def use(self, settings: Settings) -> None:
        """Reads them all ahead, so that none can be gone before its first request."""
        for file in (settings.system_prompt_file, *(rule.file for rule in settings.system_prompts.rows)):
            self._text(file)

    def choose(self, settings: Settings, client: str, route: str) -> PromptFor:
        """What one exchange puts in, by provider; the files' texts are those of now. client: by its name. route: that caught the
        model, "" for none. The first rule that fits decides alone."""
        found: list[tuple[Callable[..., bool], SystemPrompt | None]] = []
        for rule in settings.system_prompts.rows:
            if rule.fits(client=client, route=route):
                pairs = settings.system_prompt_replacements if rule.replacements is None else rule.replacements
                text = rule.text.strip() or self._text(rule.file)
                found.append((rule.fits, _prompt(rule.mode, text, pairs.pairs)))
        text = self._text(settings.system_prompt_file)
        usual = _prompt(settings.system_prompt_mode, text, settings.system_prompt_replacements.pairs)

        def prompt_for(provider: str) -> SystemPrompt | None:
            return next((prompt for fits, prompt in found if fits(provider=provider)), usual)

        return prompt_for

    def _text(self, file: str) -> str:
        """ "" for no file."""
        if not file:
            return ""
        stamp, text = self._read.get(file, ((0, 0, 0), ""))
        path = Path(file).expanduser()
        try:
            stat = path.stat()
            seen = stat.st_mtime_ns, stat.st_size, stat.st_ino
            if seen != stamp:
                text = path.read_text(encoding="utf-8").strip()
                self._read[file] = seen, text
        except (OSError, UnicodeDecodeError):
            pass
        return text


def _prompt(choice: Choice, text: str, replacements: tuple[tuple[str, str], ...]) -> SystemPrompt | None:
    return None if choice == "none" else system_prompt(choice, text, replacements)

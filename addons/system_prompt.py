"""The operator's system prompt, from a file, into every request that generates."""

from collections.abc import Callable
from pathlib import Path

from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.providers.base import Action
from addons.settings import Settings
from converters.splice import set_member
from converters.system_prompt import with_system_prompt


class SystemPrompt:
    """Puts the text of `system_prompt_file` over, after or before the client's own prompt (`system_prompt_mode`).

    The file is read at the first request and again when it has changed. A file that cannot be read leaves the text it had.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._read: tuple[str, int] | None = None
        self._text = ""

    def request(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response or exchange.match.action not in (Action.GENERATE, Action.COUNT):
            return
        settings = self._settings()
        if not settings.system_prompt_file or not (text := self._current(settings.system_prompt_file)):
            return
        changed = with_system_prompt(exchange.wire.name, exchange.body, text, settings.system_prompt_mode)
        for name, value in changed.items():
            if exchange.body.get(name) != value:
                exchange.body[name] = value
                exchange.raw = set_member(exchange.raw, name, value)

    def _current(self, file: str) -> str:
        path = Path(file).expanduser()
        try:
            seen = (file, path.stat().st_mtime_ns)
            if seen != self._read:
                self._text, self._read = path.read_text(encoding="utf-8").strip(), seen
        except (OSError, UnicodeDecodeError):
            return self._text
        return self._text

"""A person at a terminal: what he is told is kept, what he types is given, and his browser follows redirects, if he has one."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

type Typed = str | Callable[[str], str] | None


@dataclass
class Person:
    """Implements Terminal. types: his lines; a function gets all that he was told. browser: whether there is one. shown: the
    status and text of what it showed last."""

    browser: bool = True
    interactive: bool = False
    types: list[Typed] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    shown: tuple[int, str] = (0, "")
    browsing: list["asyncio.Task[None]"] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    async def ask(self, text: str) -> str | None:
        """Nothing is typed once the lines are used up: he sits there."""
        self.say(text)
        if not self.types:
            await asyncio.Event().wait()
        line = self.types.pop(0)
        return line(self.text) if callable(line) else line

    async def open(self, url: str) -> bool:
        if self.browser:
            self.browsing.append(asyncio.create_task(self._browse(url)))
        return self.browser

    async def _browse(self, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
            answer = await client.get(url)
            self.shown = answer.status_code, answer.text

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    @property
    def page(self) -> str:
        """The address that he was told to open."""
        found = re.search(r"https?://\S+", self.text.partition("Open this page")[2])
        assert found, self.text
        return found[0]


def redirected(page: str) -> str:
    """Where a browser on another machine ends up: the address in its bar."""
    answer = httpx.get(page, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]

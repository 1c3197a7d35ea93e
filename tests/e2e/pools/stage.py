"""Providers with as many accounts as a test wants, and the `aiclient.toml` that names them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.e2e.plain import PLAIN_MODEL
from tests.e2e.pools.fakes import POOLED, Fault, Pooled
from tests.e2e.proxy import free_port
from tests.fakes.samples import CLIENT_KEY

MARK = "p00l"  # in every key
# provider -> the settings that an account has its key and its address by
NAMES = {
    "openai-custom": ("openai_api_key", "openai_base_url"),
    "openaiResponses-custom": ("openai_responses_api_key", "openai_responses_base_url"),
    "claude-custom": ("claude_api_key", "claude_base_url"),
    "gemini-custom": ("gemini_api_key", "gemini_base_url"),
}
TEXT = "Hello, world!"


@dataclass
class PoolAccount:
    """One account. more: what its table says besides key and address."""

    provider: str
    name: str
    key: str
    url: str
    fake: Pooled
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.provider}:{self.name}"

    @property
    def asked(self) -> int:
        """How many requests for an answer came to it."""
        return len(self.fake.asked(self.key))

    @property
    def table(self) -> dict[str, object]:
        key, url = NAMES[self.provider]
        return {"provider": self.provider, "label": self.name, key: self.key, url: self.url, **self.more}

    def break_down(self, fault: Fault | None) -> None:
        """None mends it."""
        if fault is None:
            self.fake.ill.pop(self.key, None)
        else:
            self.fake.ill[self.key] = fault


class Stage:
    """The fakes of all four providers, running until `stack` is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self.fakes: dict[str, Pooled] = {}
        for name, kind in POOLED.items():
            self.fakes[name] = fake = kind()
            stack.enter_context(fake)
            fake.secrets = [CLIENT_KEY]
        self._count = 0

    def account(
        self, provider: str, name: str, *, fault: Fault | None = None, dead: bool = False, url: str = "", **more: object
    ) -> PoolAccount:
        """A new one. dead: nothing listens where it is. more: its options."""
        self._count += 1
        fake = self.fakes[provider]
        key = f"sk-{MARK}-{self._count:05d}-{name}"
        fake.keys.add(key)
        address = url or (f"http://127.0.0.1:{free_port()}" if dead else fake.url)
        made = PoolAccount(provider, name, key, address, fake, more)
        made.break_down(fault)
        return made

    def accounts(self, provider: str, *names: str, **more: object) -> list[PoolAccount]:
        return [self.account(provider, name, **more) for name in names]  # type: ignore[arg-type]

    @property
    def violations(self) -> list[str]:
        return [each for fake in self.fakes.values() for each in fake.violations]


def toml(accounts: Sequence[PoolAccount], settings: Mapping[str, object] = {}) -> str:
    """An `aiclient.toml`. JSON's texts, numbers and lists are TOML's as well."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    for account in accounts:
        lines += ["", "[[account]]", *(f"{name} = {json.dumps(value)}" for name, value in account.table.items())]
    return "\n".join(lines) + "\n"


def model(provider: str, word: str = "text") -> str:
    return f"{PLAIN_MODEL[provider]}-{word}"

"""What is known of a provider's service: whether it is still served, since when, by whose word, and what its owner allows.

The facts of the providers that one logs in to stand here, where both command lines and the credentials' own errors find them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

type State = Literal["live", "limited", "retired", "built in"]


@dataclass(frozen=True, slots=True)
class Service:
    """since: a date, YYYY-MM-DD; of a live one, the day it was last seen to be; "" where nothing is known of it. by: whose word that is, and what it says.
    terms: one sentence. instead: other ways to the same models, as one would say them after "use"."""

    state: State
    since: str
    by: str
    terms: str
    instead: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """`limited since 2026-06-18, by Google's word: ...`."""
        if not self.since:
            return self.state
        return f"{self.state} {'on' if self.state == 'live' else 'since'} {self.since}, by {self.by}"

    @property
    def alternatives(self) -> str:
        """`use this, or that`; "" if there are none."""
        return f"use {', or '.join(self.instead)}" if self.instead else ""

    @property
    def warning(self) -> str:
        """For errors: a new login may not help, and what does. "" for a service that is live."""
        if self.state not in ("limited", "retired"):
            return ""
        return f"its service is {self.state} since {self.since}: {self.alternatives}"

    def lines(self) -> Iterator[str]:
        """For people, before they log in."""
        yield f"Service: {self.headline}."
        yield f"Terms: {self.terms}."
        if self.instead:
            yield f"Instead: {self.alternatives}."


KEY_TERMS = "those that you accepted when the vendor gave you the key"

KEYS_SOLD = Service("live", "2026-11-22", "the vendor's own documentation, where keys are offered", KEY_TERMS)
UNSAID = Service("live", "", "", KEY_TERMS)  # what a provider of a third party is taken for
BUILT_IN = Service("built in", "", "", "none, nothing leaves this machine")

GEMINI_CLI = Service(
    state="limited",
    since="2026-06-18",
    by=(
        "Google's announcement of 2026-05-19: individual accounts (free, AI Pro, AI Ultra) are no longer served, licences of"
        " Gemini Code Assist Standard and Enterprise are"
    ),
    terms=(
        "Google's questions and answers on the Gemini CLI say that other software which uses its login to reach Code Assist"
        " breaks the terms, and that the account may be suspended for it"
    ),
    instead=("gemini-custom with an API key of Google AI Studio",),
)

KIRO = Service(
    state="live",
    since="2026-10-15",
    by="the newest client of another maker that was read; Kiro itself says nothing of them, and has moved its hosts in 2026",
    terms=(
        "no statement of Kiro's on other software that uses its login was found, and users have reported suspensions after such"
        " use; its API keys (`ksk_...`, documented since 2026-04) are the way it offers for that"
    ),
    instead=("claude-kiro-oauth with an API key of Kiro (kiro_api_key)", "claude-custom with an API key of Anthropic"),
)

QWEN = Service(
    state="retired",
    since="2026-04-15",
    by=(
        "Qwen Code's own changes and announcement: the free login has ended; logging in may still seem to work, but the models"
        " answer 401"
    ),
    terms="the free service behind this login is closed, and its makers point to API keys",
    instead=(
        "openai-custom with an API key of Alibaba Cloud Model Studio (DashScope) and the base URL"
        " https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "openai-custom with a key of its Coding Plan and https://coding-intl.dashscope.aliyuncs.com/v1",
    ),
)

"""Which turns go into a dataset, and into which part of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Literal

from addons.dataset_export.facts import Facts
from addons.dataset_export.keys import Key
from addons.dataset_export.stitch import Turn

type Dedupe = Literal["exact", "prompts"]


@dataclass(frozen=True, slots=True)
class Filter:
    """since, until: unix seconds, the latter not included. models, providers, protocols: shell patterns, one of which must
    fit; models against the served and the asked name. tools: answers that called tools, or that did not. states: () any, and
    those that `aiclient chaos` struck as well."""

    since: float | None = None
    until: float | None = None
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    tools: bool | None = None
    states: tuple[str, ...] = ("complete",)
    successful: bool = False

    def __call__(self, facts: Facts) -> bool:
        return (
            (self.since is None or facts.began >= self.since)
            and (self.until is None or facts.began < self.until)
            and fits(self.models, facts.model, facts.asked)
            and fits(self.providers, facts.provider)
            and fits(self.protocols, facts.protocol)
            and (self.tools is None or self.tools == facts.tools_called)
            and (not self.states or (facts.state in self.states and not facts.chaos))
            and (not self.successful or facts.successful)
        )


def fits(patterns: Iterable[str], *names: str) -> bool:
    """One of the names matches one of the patterns, whatever the case; no patterns fit all."""
    wanted = tuple(patterns)
    return not wanted or any(fnmatchcase(name.lower(), pattern.lower()) for name in names for pattern in wanted)


def deduplicated(turns: list[Turn], how: Dedupe) -> list[Turn]:
    """exact: as stitched, where the same call with the same answer is one turn. prompts: the first answer to each prompt."""
    if how == "exact":
        return turns
    first: dict[tuple[Key, Key], Turn] = {}
    for turn in turns:
        first.setdefault((turn.prompt, turn.setting), turn)
    return list(first.values())


@dataclass(frozen=True, slots=True)
class Splits:
    """Shares by name, in order; they sum up to 1. Where a conversation goes follows from its first turn and the seed alone: more
    records, other filters or another order never move it."""

    shares: tuple[tuple[str, float], ...] = (("train", 1.0),)
    seed: int = 0

    def of(self, family: Key) -> str:
        """family: Stitched.family, so that a sub-agent's conversation goes where its parent's does."""
        place = int.from_bytes(blake2b(family, digest_size=8, key=str(self.seed).encode()[:64]).digest()) / 2**64
        for name, share in self.shares:
            if place < share:
                return name
            place -= share
        return self.shares[-1][0]

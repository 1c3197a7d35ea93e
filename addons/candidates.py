"""Model routing, pure: a model's name -> the providers to ask for it, in the order to try. docs/routing.md has the rules."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from addons.accounts import Accounts
from addons.providers.base import Provider
from addons.routing import unknown_provider
from addons.settings import Settings
from addons.settings_routes import Route, provider_and_model
from converters.errors import ConversionError

DEFAULT = "default"  # the model word that stands for the provider's entry in `default_models`
DEMO = "demo"
_SHOWN = 100  # characters of a client's own text that an error repeats


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider to ask.

    provider: its name in the catalogue; it has an account, or needs none. model: what it is asked for. why: one sentence for
    people, on the rule that decided. certain: False for a guess between several accounts, on which their model lists could
    tell more.
    """

    provider: str
    model: str
    why: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """candidates: in the order to try, never empty. skipped: targets of the route that were left out, as written, and why. route:
    name of the one that made the candidates, "" for none."""

    candidates: tuple[Candidate, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    route: str = ""


def plan(
    model: str,
    protocol: str | None,
    named: str | None,
    *,
    settings: Settings,
    accounts: Accounts,
    catalogue: Mapping[str, Provider],
    listed: Mapping[str, Collection[str]] = {},
) -> Plan:
    """Who is asked for `model`.

    model: as the client wrote it; DEFAULT for none. protocol: the client's wire by name. named: the provider that path or
    header name. listed: the model ids that providers' APIs list, as far as they are known.
    Raises ConversionError: 404 for a provider or default model that does not exist, 503 where an account is missing.
    """
    return _Planner(protocol, settings, accounts, catalogue, listed).plan(model, named)


def nearest_models(name: str, known: Iterable[str]) -> list[str]:
    """Up to 3 of `known` that `name` may have meant, best first, whatever the case."""
    spelled: dict[str, str] = {}
    for model in known:
        spelled.setdefault(model.lower(), model)
    return [spelled[near] for near in difflib.get_close_matches(name[:_SHOWN].lower(), spelled, 3)]


@dataclass(frozen=True, slots=True)
class _Planner:
    """The rules, with what they look at."""

    protocol: str | None
    settings: Settings
    accounts: Accounts
    catalogue: Mapping[str, Provider]
    listed: Mapping[str, Collection[str]]

    def plan(self, model: str, named: str | None) -> Plan:
        found = self.settings.routes.find(model)
        if named is not None:
            return self._named(model, named, found)
        if (parts := provider_and_model(model, self.catalogue)) is not None:
            return Plan((self._at_its_word(*parts, "the model's name begins with this provider"),))
        if found is not None:
            return self._routed(model, *found)
        if self._has_nobody:
            return Plan((Candidate(DEMO, model, "there is no account, so the demo answers"),))
        return Plan(self._unrouted(model))

    def _named(self, model: str, named: str, found: tuple[Route, str] | None) -> Plan:
        why = "the client names this provider"
        self._at_its_word(named, "", why)  # first of all it must be there
        skipped: tuple[tuple[str, str], ...] = ()
        if found is not None:
            tried, refused = self._targets(model, *found)
            others = dict.fromkeys(target for target, candidate in tried if candidate.provider != named)
            own = [candidate for _, candidate in tried if candidate.provider == named]
            skipped = tuple((target, str(error)) for target, error in refused)
            skipped += tuple((target, "the client names another provider") for target in others)
            if own:
                candidates = _once(replace(each, why=f"{why}; {each.why}", certain=True) for each in own)
                return Plan(candidates, skipped, found[0].name)
        parts = provider_and_model(model, (named,))
        return Plan((self._at_its_word(named, parts[1] if parts else model, why),), skipped)

    def _routed(self, model: str, route: Route, caught: str) -> Plan:
        tried, refused = self._targets(model, route, caught)
        if tried:
            skipped = tuple((target, str(error)) for target, error in refused)
            return Plan(_once(candidate for _, candidate in tried), skipped, route.name)
        worst = max((error for _, error in refused), key=lambda error: error.status)  # 503 no_account before 404
        reasons = "; ".join(f"{target}: {error}" for target, error in refused)
        raise ConversionError(
            f"route {route.name} leads nowhere ({reasons})", param="model", status=worst.status, code=worst.code
        )

    def _targets(
        self, model: str, route: Route, caught: str
    ) -> tuple[list[tuple[str, Candidate]], list[tuple[str, ConversionError]]]:
        """A route's candidates, each with its target, and the targets that cannot be asked."""
        tried: list[tuple[str, Candidate]] = []
        refused: list[tuple[str, ConversionError]] = []
        for target in route.targets:
            try:
                tried += [(target, candidate) for candidate in self._target(model, target, caught, route)]
            except ConversionError as error:
                refused.append((target, error))
        return tried, refused

    def _target(self, model: str, target: str, caught: str, route: Route) -> Sequence[Candidate]:
        """Raises ConversionError where it cannot be asked."""
        why = f"route {route.name}"
        if target in self.catalogue:
            return [self._at_its_word(target, model, why)]
        parts = provider_and_model(target, self.catalogue)
        wanted = (parts[1] if parts else target).replace("*", caught)
        if not wanted:
            raise ConversionError("no model's name is left", status=404, code="model_not_found")
        if parts:
            return [self._at_its_word(parts[0], wanted, why)]
        if self._has_nobody:
            raise ConversionError("there is no account", status=503, code="no_account")
        why = f"{why} to {wanted[:_SHOWN]}"
        return [replace(candidate, why=f"{why}; {candidate.why}") for candidate in self._unrouted(wanted)]

    @property
    def _has_nobody(self) -> bool:
        return not self.accounts.usable and not self.settings.model_provider

    def _at_its_word(self, provider: str, model: str, why: str) -> Candidate:
        """A provider that somebody chose by name: it is never replaced by another."""
        if provider not in self.catalogue:
            raise unknown_provider(provider, self.catalogue)
        if self.catalogue[provider].wire is not None:
            self.accounts.of(self.catalogue[provider])
        return self._candidate(provider, model, why)

    def _candidate(self, provider: str, model: str, why: str, certain: bool = True) -> Candidate:
        if model != DEFAULT or self.catalogue[provider].wire is None:
            return Candidate(provider, model, why, certain)
        default = self.settings.default_models.table.get(provider)
        if default is None:
            raise ConversionError(
                f"there is no default model for {provider}: name a model, or set default_models to {provider}=MODEL",
                param="model",
                status=404,
                code="model_not_found",
            )
        # Model lists know nothing of our word, so nothing could make it more certain.
        return Candidate(provider, default, f"{why}; its default model")

    def _unrouted(self, model: str) -> tuple[Candidate]:
        """The rules that choose by themselves, for at least one usable account or a preferred provider: one account, never a
        chain. To spend another account's quota is for its owner to say, in a route."""
        if self.settings.model_provider:
            preferred = self.settings.model_provider[0]
            return (self._at_its_word(preferred, model, "model_provider names it first"),)
        usable = self.accounts.usable
        own = [name for name in usable if self._speaks(name)]
        if model == DEFAULT:
            defaults = self.settings.default_models.table
            usable = tuple(name for name in usable if name in defaults) or usable
        else:
            ordered = own + [name for name in usable if name not in own]
            # The family first: where a name leads must not change when a model list comes to hand.
            for why, fitting in (
                ("its models have names like this", (name for name in ordered if self._is_family(name, model))),
                ("its model list has this name", (name for name in ordered if model in self.listed.get(name, ()))),
            ):
                if (found := next(fitting, None)) is not None:
                    return (self._candidate(found, model, why),)
        single = len(self.accounts.usable) == 1
        first = next((name for name in own if name in usable), None)
        why = "its account speaks the client's own protocol" if first else "its account is the first"
        why = "it is the only account" if single else why
        return (self._candidate(first or usable[0], model, why, certain=single),)

    def _speaks(self, provider: str) -> bool:
        wire = self.catalogue[provider].wire
        return wire is not None and wire.name == self.protocol

    def _is_family(self, provider: str, model: str) -> bool:
        family = self.catalogue[provider].family
        return bool(family) and re.match(family, model.rpartition("/")[2]) is not None


def _once(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Without those that ask the same provider for the same model again."""
    first: dict[tuple[str, str], Candidate] = {}
    for candidate in candidates:
        first.setdefault((candidate.provider, candidate.model), candidate)
    return tuple(first.values())

"""The models a client may name here: what the providers list, each under a name that leads to it, and the routes' aliases."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from addons.candidates import Candidate
from converters.model_list import Model, with_known_limits

DEMO_MODEL = Model("aiclient-demo", "aiclient demo model", 0, "aiclient")  # where there is no account

type Lead = Callable[[str], Candidate | None]  # where a name leads, None if nowhere


def aliases_for(names: Iterable[str], lead: Lead, *, named: bool) -> list[str]:
    """Those to be listed. named: of one provider, to whom those of others mean nothing."""
    if not named:
        return list(names)
    return [name for name in names if (to := lead(name)) is not None and to.model != name]


def listing(lists: Mapping[str, Sequence[Model]], aliases: Iterable[str], lead: Lead) -> list[Model]:
    """Each name once; aliases first.

    lists: provider name -> its models. A model whose plain name leads to another provider is listed as `provider:model`.
    """
    found: dict[str, Model] = {}
    for model in (*_aliases(lists, aliases, lead), *_listed(lists, lead)):
        found.setdefault(model.id, model)
    return list(found.values())


def _aliases(lists: Mapping[str, Sequence[Model]], aliases: Iterable[str], lead: Lead) -> Iterator[Model]:
    for alias in aliases:
        if (to := lead(alias)) is not None:
            listed = next((model for model in lists.get(to.provider, ()) if model.id == to.model), Model(to.model))
            yield replace(with_known_limits(listed), id=alias)


def _listed(lists: Mapping[str, Sequence[Model]], lead: Lead) -> Iterator[Model]:
    for provider, models in lists.items():
        for model in models:
            to = lead(model.id)
            plain = to is not None and (to.provider, to.model) == (provider, model.id)
            yield replace(model, id=model.id if plain else f"{provider}:{model.id}")

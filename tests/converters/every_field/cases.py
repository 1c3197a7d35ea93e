"""The parametrised part that the tests of the four clients share."""

import pytest

from tests.converters.every_field.exempt import is_constant, is_exempt
from tests.converters.every_field.verdict import WIRES, client_spots, groups, judge


def every_group(client: str) -> pytest.MarkDecorator:
    """One case a provider and top-level field."""
    cases = [(provider, group) for provider in WIRES if provider != client for group in groups(client)]
    return pytest.mark.parametrize(("provider", "group"), cases, ids=[f"{one}-{group}" for one, group in cases])


def refuse_vanished(client: str, provider: str, group: str) -> None:
    if found := vanished(client, provider, group):
        pytest.fail("\n".join((f"{len(found)} fields vanish between {client} and {provider}:", *found)), pytrace=False)


def vanished(client: str, provider: str, group: str) -> list[str]:
    """Paths of fields that left no trace, with the values that did not."""
    found = []
    for path, (spot, _) in client_spots(client).items():
        if spot.group != group or is_constant(spot) or is_exempt(client, provider, path):
            continue
        if gone := judge(client, provider, path).gone:
            found.append(f"{path}: " + "; ".join(gone))
    return found

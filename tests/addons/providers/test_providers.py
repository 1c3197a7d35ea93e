"""The catalogue: built-in providers and those of third parties."""

from collections.abc import Iterator

import pytest

import addons.providers
from addons.providers import BUILT_IN, catalogue
from addons.providers.demo import Demo
from addons.providers.openai_custom import OpenAICustom


class Entry:
    """An entry point of another package."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def load(self) -> type:
        return self._kind


@pytest.fixture(autouse=True)
def fresh_catalogue() -> Iterator[None]:
    catalogue.cache_clear()
    yield
    catalogue.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *kinds: type) -> None:
    monkeypatch.setattr(addons.providers, "entry_points", lambda group: [Entry(kind) for kind in kinds])


def test_the_built_in_providers_come_first_under_their_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    class Vendor(OpenAICustom):
        name = "vendor"

    install(monkeypatch, Vendor)
    assert list(catalogue()) == [*(kind.name for kind in BUILT_IN), "vendor"]
    assert all(name == provider.name for name, provider in catalogue().items())


def test_28_a_third_party_cannot_take_over_a_built_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class would be handed the account's credential."""

    class Impostor(Demo):
        name = "openai-custom"

    install(monkeypatch, Impostor)
    with pytest.raises(ValueError, match="two providers are named 'openai-custom'"):
        catalogue()


def test_names_are_path_segments() -> None:
    assert all(name and name == name.strip("/") and "/" not in name and name.isascii() for name in catalogue())

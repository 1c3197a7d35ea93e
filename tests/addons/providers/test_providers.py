"""The catalogue: built-in providers and those of third parties."""

from collections.abc import Iterator

import pytest

import addons.providers
from addons.providers import BUILT_IN, catalogue
from addons.providers.base import Provider
from addons.providers.demo import Demo
from addons.providers.openai_custom import OpenAICustom
from addons.settings_sources import SettingsError


class Entry:
    """An entry point of another package."""

    value = "vendor:Vendor"

    def __init__(self, kind: object) -> None:
        self._kind = kind

    def load(self) -> object:
        if isinstance(self._kind, Exception):
            raise self._kind
        return self._kind


@pytest.fixture(autouse=True)
def fresh_catalogue() -> Iterator[None]:
    catalogue.cache_clear()
    yield
    catalogue.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *kinds: object) -> None:
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
    with pytest.raises(SettingsError, match="two providers are named 'openai-custom'"):
        catalogue()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            ImportError("No module named 'vendor'"),
            "vendor:Vendor of an installed package cannot be loaded: ImportError",
        ),
        (KeyError("x"), "vendor:Vendor of an installed package cannot be loaded: KeyError"),
        (dict, "vendor:Vendor of an installed package is no provider"),
        (Demo(), "vendor:Vendor of an installed package is no provider"),
        (type("Nameless", (Provider,), {}), "vendor:Vendor of an installed package is no provider"),
    ],
    ids=["missing", "bug", "class", "object", "nameless"],
)
def test_a_package_that_is_broken_is_named(monkeypatch: pytest.MonkeyPatch, kind: object, said: str) -> None:
    """One line, with every command: else nobody knows what to remove."""
    install(monkeypatch, kind)
    with pytest.raises(SettingsError, match=said):
        catalogue()


def test_names_are_path_segments() -> None:
    assert all(name and name == name.strip("/") and "/" not in name and name.isascii() for name in catalogue())

"""What a provider declares becomes URLs and headers, and nothing a client sends does."""

import pytest

from addons.providers import catalogue
from addons.providers.base import PATHS, Action, Provider
from addons.settings import SECRETS, Settings
from converters.turns import Chat
from converters.wires import WIRES
from creds.account import Account
from creds.api_key import ApiKey

ACCOUNT = Account("x", "x:default", "https://api.test/v1", ApiKey("secret"))


def test_every_wire_has_its_upstream_paths() -> None:
    assert PATHS.keys() == WIRES.keys()
    assert all(path.startswith("/") and ".." not in path for paths in PATHS.values() for path in paths.values())


@pytest.mark.parametrize("provider", catalogue().values(), ids=lambda provider: provider.name)
def test_a_declaration_is_whole(provider: Provider) -> None:
    assert provider.name
    assert provider.title
    service = provider.status
    assert service.state in ("live", "limited", "retired", "built in")
    assert bool(service.since) == bool(service.by) == (service.state != "built in")
    assert service.terms
    assert ". " not in service.terms, "one sentence"
    if service.state in ("limited", "retired"):
        assert service.instead, "who cannot use it is told what he can"
    if provider.wire is not None:
        assert provider.key_setting in SECRETS or type(provider).account is not Provider.account
        assert provider.url_setting in Settings.model_fields


@pytest.mark.parametrize("action", [Action.HEALTH, Action.QUIET, Action.HANDSHAKE])
@pytest.mark.parametrize("provider", catalogue().values(), ids=lambda provider: provider.name)
def test_27_what_is_ours_alone_has_no_upstream_url(provider: Provider, action: Action) -> None:
    assert provider.url(ACCOUNT, action) is None


def test_only_a_provider_without_a_wire_answers_itself() -> None:
    with pytest.raises(NotImplementedError, match="openai-custom answers upstream"):
        catalogue()["openai-custom"].answer(Chat("m", "chat"))

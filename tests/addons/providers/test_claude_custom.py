"""Anthropic Messages with a key."""

import pytest

from addons.providers.base import Action
from addons.providers.claude_custom import ClaudeCustom
from creds.account import Account
from creds.api_key import ApiKey

ACCOUNT = Account("claude-custom", "claude-custom:default", "https://api.test/v1", ApiKey("secret"))


@pytest.mark.parametrize(
    ("action", "url"),
    [
        (Action.GENERATE, "https://api.test/v1/messages"),
        (Action.COUNT, "https://api.test/v1/messages/count_tokens"),
        (Action.MODELS, "https://api.test/v1/models?limit=1000"),
    ],
)
def test_each_call_has_its_url(action: Action, url: str) -> None:
    assert ClaudeCustom().url(ACCOUNT, action) == url


def test_the_key_is_an_x_api_key() -> None:
    assert ClaudeCustom().headers(ACCOUNT) == [(b"x-api-key", b"secret")]

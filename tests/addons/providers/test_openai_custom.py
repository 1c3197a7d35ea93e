"""OpenAI Chat Completions with a key."""

import pytest

from addons.providers.base import Action
from addons.providers.openai_custom import OpenAICustom
from creds.account import Account
from creds.api_key import ApiKey

ACCOUNT = Account("openai-custom", "openai-custom:default", "https://api.test/v1", ApiKey("secret"))


@pytest.mark.parametrize(
    ("action", "url"),
    [
        (Action.GENERATE, "https://api.test/v1/chat/completions"),
        (Action.MODELS, "https://api.test/v1/models"),
        (Action.COUNT, None),
    ],
)
def test_each_call_has_its_url(action: Action, url: str | None) -> None:
    assert OpenAICustom().url(ACCOUNT, action) == url


def test_the_key_is_a_bearer_token() -> None:
    assert OpenAICustom().headers(ACCOUNT) == [(b"authorization", b"Bearer secret")]

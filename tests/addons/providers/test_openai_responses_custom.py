"""OpenAI Responses with a key."""

import pytest

from addons.providers.base import Action
from addons.providers.openai_custom import OpenAICustom
from addons.providers.openai_responses_custom import OpenAIResponsesCustom
from creds.account import Account
from creds.api_key import ApiKey

ACCOUNT = Account("openaiResponses-custom", "openaiResponses-custom:default", "https://api.test/v1", ApiKey("secret"))


@pytest.mark.parametrize(
    ("action", "url"),
    [
        (Action.GENERATE, "https://api.test/v1/responses"),
        (Action.COUNT, "https://api.test/v1/responses/input_tokens"),
        (Action.MODELS, "https://api.test/v1/models"),
    ],
)
def test_each_call_has_its_url(action: Action, url: str) -> None:
    assert OpenAIResponsesCustom().url(ACCOUNT, action) == url


def test_the_key_is_a_bearer_token() -> None:
    assert OpenAIResponsesCustom().headers(ACCOUNT) == [(b"authorization", b"Bearer secret")]


def test_its_models_are_those_of_the_chat_provider() -> None:
    assert OpenAIResponsesCustom.family == OpenAICustom.family != ""

"""Gemini with a key."""

import pytest

from addons.providers.base import Action
from addons.providers.gemini_custom import GeminiCustom
from creds.account import Account
from creds.api_key import ApiKey

ACCOUNT = Account("gemini-custom", "gemini-custom:default", "https://api.test/v1beta", ApiKey("secret"))


@pytest.mark.parametrize(
    ("action", "stream", "url"),
    [
        (Action.GENERATE, False, "https://api.test/v1beta/models/gemini-x:generateContent"),
        (Action.GENERATE, True, "https://api.test/v1beta/models/gemini-x:streamGenerateContent?alt=sse"),
        (Action.COUNT, False, "https://api.test/v1beta/models/gemini-x:countTokens"),
    ],
)
def test_each_call_has_its_url(action: Action, stream: bool, url: str) -> None:
    assert GeminiCustom().url(ACCOUNT, action, "gemini-x", stream=stream) == url


def test_the_model_list_is_under_the_base_url() -> None:
    assert str(GeminiCustom().url(ACCOUNT, Action.MODELS)).startswith("https://api.test/v1beta/models")


def test_the_key_is_in_googles_own_header() -> None:
    assert GeminiCustom().headers(ACCOUNT) == [(b"x-goog-api-key", b"secret")]


def test_a_base_url_without_a_version_gets_googles() -> None:
    assert GeminiCustom.url_version == "v1beta"

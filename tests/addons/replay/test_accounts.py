"""Accounts that stand in for the real ones: each provider writes the request that it wrote then."""

import json

import pytest

from addons.providers import catalogue
from addons.providers.base import Action, Call, Provider
from addons.providers.openai_custom import OpenAICustom
from addons.replay.accounts import stand_in
from addons.replay.captured import Sent, Tried, Unplayable
from creds.account import Account, CredentialError


def tried(provider: str, url: str, body: object = None, **headers: str) -> Tried:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Tried(
        provider, f"{provider}:x", "m", Sent("POST", url, fields, json.dumps(body or {}).encode()), None, "success"
    )


URLS = {
    "openai-custom": "https://vendor.test/custom/v1/chat/completions",
    "openaiResponses-custom": "https://vendor.test/v1/responses",
    "claude-custom": "https://vendor.test/v1/messages",
    "gemini-custom": "https://vendor.test/v1beta/models/m:generateContent",
    "gemini-cli-oauth": "https://vendor.test/v1internal:generateContent",
    "openai-qwen-oauth": "https://vendor.test/compatible-mode/v1/chat/completions",
    "claude-kiro-oauth": "https://q.us-east-1.test/generateAssistantResponse",
}


@pytest.mark.parametrize("name", URLS)
def test_the_address_is_the_recorded_one(name: str) -> None:
    provider = catalogue()[name]
    account = stand_in(provider, tried(name, URLS[name]), Action.GENERATE, stream=False)
    assert provider.url(account, Action.GENERATE, "m") == URLS[name]
    assert account.label == f"{name}:x"


def test_a_query_of_the_clients_own_does_not_matter() -> None:
    provider = catalogue()["gemini-custom"]
    url = "https://vendor.test/v1beta/models/m:streamGenerateContent?alt=sse&beta=true"
    account = stand_in(provider, tried(provider.name, url), Action.GENERATE, stream=True)
    assert account.base_url == "https://vendor.test/v1beta"


def test_an_address_that_is_written_differently_today_keeps_its_host() -> None:
    provider = catalogue()["claude-custom"]
    account = stand_in(provider, tried(provider.name, "https://vendor.test/v0/complete"), Action.GENERATE, stream=False)
    assert account.base_url == "https://vendor.test"


def test_code_assist_has_the_recorded_project() -> None:
    provider = catalogue()["gemini-cli-oauth"]
    one = tried(provider.name, URLS[provider.name], {"project": "my-project"})
    account = stand_in(provider, one, Action.GENERATE, stream=False)
    body = json.loads(provider.enclose(account, Call(Action.GENERATE, "m"), b'{"contents":[]}'))
    assert (body["project"], body["request"]) == ("my-project", {"contents": []})


def test_kiro_has_the_recorded_profile_and_wire() -> None:
    provider = catalogue()["claude-kiro-oauth"]
    arn = "arn:aws:codewhisperer:us-east-1:1:profile/A"
    one = tried(provider.name, "https://q.test/", {"profileArn": arn}, x_amz_target="T")
    account = stand_in(provider, one, Action.GENERATE, stream=True, thinking="tags")
    assert provider.url(account, Action.GENERATE) == "https://q.test/"
    call = Call(Action.GENERATE, "m")
    assert json.loads(provider.enclose(account, call, b'{"conversationState":{}}')) == {
        "conversationState": {},
        "profileArn": arn,
    }
    assert ("x-amz-target", dict(provider.more_headers(account, call))["x-amz-target"]) in provider.more_headers(
        account, call
    )
    assert provider.profile_of(account).thinking == "tags"


def test_no_credential_is_needed_and_none_is_told() -> None:
    for name, url in URLS.items():
        provider = catalogue()[name]
        account = stand_in(provider, tried(name, url), Action.GENERATE, stream=False)
        assert b"replayed" in b"".join(value for _, value in provider.headers(account))


class _Needy(OpenAICustom):
    def url(self, account: Account, action: Action, name: str = "", *, stream: bool = False) -> str | None:
        raise CredentialError("no login")


def test_a_provider_that_needs_a_real_account_says_so() -> None:
    needy: Provider = _Needy()
    with pytest.raises(Unplayable, match="needs a real account"):
        stand_in(needy, tried("openai-custom", URLS["openai-custom"]), Action.GENERATE, stream=False)


def test_where_a_request_went_must_be_a_url() -> None:
    with pytest.raises(Unplayable, match="is no URL"):
        stand_in(catalogue()["openai-custom"], tried("openai-custom", "nowhere"), Action.GENERATE, stream=False)


def test_a_stored_answer_is_named_in_its_path() -> None:
    provider = catalogue()["openaiResponses-custom"]
    one = tried(provider.name, "https://vendor.test/v0/responses/resp_1")
    account = stand_in(provider, one, Action.STORED, stream=False, stored="resp_1")
    assert account.base_url == "https://vendor.test/v0"

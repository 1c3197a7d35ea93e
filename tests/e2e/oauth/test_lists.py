"""What a client asks beside its questions: the models of the three accounts, and how many tokens a request has."""

import httpx

from tests.e2e.oauth.logins import LOGINS
from tests.e2e.plain import RIGHT
from tests.e2e.proxy import Proxy
from tests.fakes.gemini import COUNTED_TOKENS

MESSAGES = [{"role": "user", "content": "How many tokens are these?"}]


def test_the_models_of_all_three_are_listed_and_each_by_itself(oauth_proxy: Proxy) -> None:
    with httpx.Client(base_url=oauth_proxy.url, trust_env=False, headers=RIGHT, timeout=30) as web:
        everything = {model["id"] for model in web.get("/v1/models").json()["data"]}
        for provider, login in LOGINS.items():
            own = {model["id"] for model in web.get(f"/{provider}/v1/models").json()["data"]}
            assert login.model in own
            assert own <= everything | {name.partition(":")[2] for name in everything}
        assert len(everything) > 20


def test_tokens_are_counted_by_google_and_estimated_for_the_others(oauth_proxy: Proxy) -> None:
    with httpx.Client(base_url=oauth_proxy.url, trust_env=False, headers=RIGHT, timeout=30) as web:
        for provider, login in LOGINS.items():
            body = {"model": login.model, "messages": MESSAGES}
            answer = web.post(f"/{provider}/v1/messages/count_tokens", json=body)
            assert answer.status_code == 200, answer.text
            counted = answer.json()["input_tokens"]
            assert (counted == COUNTED_TOKENS) is (provider == "gemini-cli-oauth")
            assert counted > 0

"""Requests that are right in the client's protocol and, sent on naively, a 400 in the provider's. The strict fake must take each."""

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.hard_anthropic import ANTHROPIC
from tests.e2e.hard_chat import CHAT
from tests.e2e.hard_gemini import GEMINI
from tests.e2e.hard_responses import NOT_OPENAIS, RESPONSES
from tests.e2e.plain import PLAIN_MODEL, PROVIDERS, RIGHT, checked_answer, error_of, own_provider, plain
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import TEXT, Script

TABLES = {"chat": CHAT, "responses": RESPONSES, "anthropic": ANTHROPIC, "gemini": GEMINI}
CASES = [(protocol, case) for protocol, table in TABLES.items() for case in table]
# What a provider cannot be given: a 400 that says so is right.
IMPOSSIBLE = {
    ("chat", "3 a picture by address", "gemini"),
    ("anthropic", "3 a picture by address", "gemini"),
}


def model_of(protocol: str, case: str, provider: str) -> str:
    """A case may name a model of the provider that it was thought out for."""
    named = str(TABLES[protocol][case].get("model", ""))
    family = {"claude": "claude-custom", "gpt": "openai-custom"}.get(named.partition("-")[0])
    return named if family == provider else f"{PLAIN_MODEL[provider]}-text"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("protocol", "case"), CASES)
def test_a_request_is_made_good_for_every_provider(
    web: httpx.Client, proxy: Proxy, protocol: str, case: str, provider: str
) -> None:
    if PROVIDERS[provider] == protocol:
        pytest.skip("in bypass the request is the client's own")
    model = model_of(protocol, case, provider)
    asked = plain(protocol, model, **{**TABLES[protocol][case], **({} if protocol == "gemini" else {"model": model})})
    answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    if (protocol, case, PROVIDERS[provider]) in IMPOSSIBLE:
        assert answer.status_code == 400
        assert error_of(protocol, answer.content)["message"]
        return
    assert answer.status_code == 200, answer.text
    assert checked_answer(protocol, answer.content).text == "".join(TEXT)


# Right in the sense of the wider family of vendors and routers, not of the protocol's own vendor.
EXTENSIONS = {"10 too many cache marks", *NOT_OPENAIS}
NEEDS = {  # of the vendor's own models, for what its plain one cannot
    "chat": ("reasoning_effort", "gpt-5.4"),
    "responses": ("reasoning", "gpt-5.4"),
    "anthropic": ("thinking", "claude-sonnet-4-5"),
    "gemini": ("", ""),
}
NEWEST = {"7.1 adaptive with an effort", "2 a system turn"}


@pytest.mark.parametrize(("protocol", "case"), CASES)
def test_the_tables_hold_what_the_clients_own_vendor_would_take(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, case: str
) -> None:
    """Else a 400 would be the right answer, and the tables ask for miracles. In bypass the request goes there as it is."""
    if case in EXTENSIONS:
        pytest.skip("an extension")
    provider, change = own_provider(protocol), dict(TABLES[protocol][case])
    field, abler = NEEDS[protocol]
    model = abler if change.get(field) else PLAIN_MODEL[provider]
    if case in NEWEST:
        model = "claude-opus-4-7"
    if protocol == "chat":
        change = {"max_completion_tokens": change.pop("max_tokens", 4000), **change}
        if model == abler:
            change |= {"temperature": None, "top_p": None}
    if protocol == "responses" and model == abler:
        change |= {"temperature": None, "top_p": None}
    if protocol == "anthropic":
        change = {"max_tokens": 4000, **change}
        model += "-lenient"  # for the signature, which another fake could have issued
        upstreams.of(provider).scripts["lenient"] = Script(lenient=True)
    else:
        model += "-text"
    asked = plain(protocol, model, **{**change, **({} if protocol == "gemini" else {"model": model})})
    answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text

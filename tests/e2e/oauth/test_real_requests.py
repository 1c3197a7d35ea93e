"""Requests that real clients sent, and the hard ones of all protocols: the strict fakes of Kiro and Qwen must take each."""

import json
from typing import Any
from urllib.parse import unquote, urlencode

import httpx
import pytest

from tests.e2e.oauth.conftest import OWN
from tests.e2e.oauth.logins import Stage
from tests.e2e.plain import RIGHT, checked_answer, error_of, plain
from tests.e2e.proxy import Proxy
from tests.e2e.test_captures import COUNTS, FOUND, PROTOCOLS, fold
from tests.e2e.test_captures import NOT_OURS as CLIENTS_OWN
from tests.e2e.test_hard_requests import CASES, TABLES
from tests.fakes.scripts import TEXT, Script

# What a provider cannot be given: a 400 that says so is right.
IMPOSSIBLE = {
    # Kiro takes none by address, and the host in the tables does not exist.
    *((protocol, "3 a picture by address", "claude-kiro-oauth") for protocol in PROTOCOLS.values()),
    *((protocol, "3 a document", "claude-kiro-oauth") for protocol in PROTOCOLS.values()),
}

STOPPING = {"stop", "stop_sequences", "generationConfig"}


# Code Assist is Gemini in an envelope, and Gemini is among the pairs that all of these go through.
@pytest.fixture(params=["claude-kiro-oauth", "openai-qwen-oauth"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_real_clients_request_is_served(
    web: httpx.Client, oauth_proxy: Proxy, stage: Stage, provider: str, path: Any
) -> None:
    capture: dict[str, Any] = json.loads(path.read_text())
    protocol, body, target, login = (
        PROTOCOLS[capture["proto"]],
        capture["body"],
        str(capture["path"]),
        stage.of(provider),
    )
    named, _, verb = unquote(target).rpartition("/")[2].partition(":") if protocol == "gemini" else ("", "", "")
    same = OWN.get(provider) == protocol
    # What a client says to its own provider is not ours to judge.
    login.fake.scripts["captured"] = Script(lenient=same)
    model = f"{login.thinking_model if same else login.model}-captured"
    target = target.replace(named, model) if named else target
    body = {**body, "model": model} if "model" in body else body
    query = f"?{urlencode(capture['query'])}" if capture.get("query") else ""
    headers = {name: value for name, value in capture["headers"] if name.lower() not in CLIENTS_OWN}
    answer = web.post(f"{oauth_proxy.url}/{provider}{target}{query}", json=body, headers={**headers, **RIGHT})
    assert answer.status_code == 200, answer.text
    counted = COUNTS.get(verb or target.rpartition("/")[2])
    if counted is not None:
        assert answer.json()[counted] > 0
        return
    stream = verb.startswith("stream") or bool(body.get("stream"))
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    assert fold(protocol, answer, stream=stream, include_usage=wants_usage).text == "".join(TEXT)


@pytest.mark.parametrize(("protocol", "case"), CASES)
def test_a_hard_request_is_made_good(
    web: httpx.Client, oauth_proxy: Proxy, stage: Stage, protocol: str, case: str, provider: str
) -> None:
    model = f"{stage.of(provider).model}-text"
    asked = plain(protocol, model, **{**TABLES[protocol][case], **({} if protocol == "gemini" else {"model": model})})
    answer = web.post(f"{oauth_proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    if (protocol, case, provider) in IMPOSSIBLE:
        assert answer.status_code == 400
        assert error_of(protocol, answer.content)["message"]
        return
    assert answer.status_code == 200, answer.text
    # Kiro has no field for stop words: its answer is cut here.
    cut = provider == "claude-kiro-oauth" and STOPPING.intersection(TABLES[protocol][case])
    assert checked_answer(protocol, answer.content).text in (["".join(TEXT), "Hello,"] if cut else ["".join(TEXT)])

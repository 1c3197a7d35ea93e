"""The body that a provider gets, which provider that is, and what is tried again."""

import gzip
import json
from dataclasses import replace

import pytest
from mitmproxy.http import Response

from addons.providers import catalogue
from addons.relay import FailedAttempt
from converters.envelope import seal
from converters.errors import Kind, UpstreamError
from converters.turns import Token
from tests.addons.legs_rig import (
    BOTH,
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CLAUDE,
    COUNT_PATH,
    MESSAGE_ANSWER,
    MESSAGES,
    MESSAGES_PATH,
    OPENAI,
    Rig,
    body_of,
    call,
    live,
    sent,
    status_of,
    text_of,
    with_accounts,
)

BROWSER = {
    "User-Agent": "OpenAI/Python 1.0",
    "X-Stainless-Lang": "python",
    "X-Forwarded-For": "10.0.0.1",
    "Forwarded": "for=10.0.0.1",
    "Referer": "https://app.test",
    "X-Unknown": "x",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, br",
    "Connection": "keep-alive, authorization",
    "Cookie": "a=b",
    "anthropic-dangerous-direct-browser-access": "true",
    "TE": "trailers",
}


# --- the body ---


ODD = (
    b'{ "model":"m",\n "x":1.0, "messages":[{"role":"user","content":"h\xc3\xa9 \\u00e9"}],"n":123456789012345678901234567890,'
    b'"max_tokens":5,  "x":2}\n'
)


@pytest.mark.parametrize(("path", "rig"), [(CHAT_PATH, OPENAI), (MESSAGES_PATH, CLAUDE), (COUNT_PATH, CLAUDE)])
@pytest.mark.parametrize("packed", [False, True])
async def test_1_2_in_the_same_protocol_the_body_passes_byte_for_byte(path: str, rig: Rig, packed: bool) -> None:
    """1.2: unknown fields, key order, numbers, white space, doubled members. A coding is undone."""
    headers = {"content-encoding": "gzip"} if packed else {}
    flow = await rig.ask(call(path, gzip.compress(ODD) if packed else ODD, headers=headers))
    assert flow.request.data.content == ODD
    assert sent(flow)["content-length"] == str(len(ODD))
    assert "content-encoding" not in sent(flow)


async def test_1_2_fields_that_the_accounts_provider_rejects_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = catalogue()["openai-custom"]
    monkeypatch.setattr(type(provider), "profile", replace(provider.profile, rejected=frozenset({"x", "unused"})))
    flow = await OPENAI.ask(call(CHAT_PATH, ODD))
    assert b'"x"' not in (flow.request.data.content or b"")
    assert b'"n":123456789012345678901234567890' in (flow.request.data.content or b"")
    response = await OPENAI.answer(flow, CHAT_ANSWER)
    assert response.headers["x-aiclient-conversion"] == "chat->chat; dropped=x"
    strict = Rig(with_accounts("openai", strict_conversion=True))
    assert status_of(await strict.ask(call(CHAT_PATH, ODD))) == 400


async def test_7_4_envelopes_of_other_providers_never_reach_one_that_did_not_issue_them() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": seal(Token("g", "foreign"))}
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [thinking, {"type": "text", "text": "b"}]},
    ]
    body = MESSAGES | {"messages": [*turns, {"role": "user", "content": "c"}]}
    flow = await CLAUDE.ask(call(MESSAGES_PATH, body))
    assert b"aic1." not in (flow.request.data.content or b"")
    assert json.loads(flow.request.data.content or b"")["messages"][1]["content"] == [{"type": "text", "text": "b"}]


async def test_a_crossed_body_is_the_other_protocols() -> None:
    flow = await CLAUDE.ask(call(CHAT_PATH, CHAT | {"temperature": 1.7, "seed": 5}))
    body = json.loads(flow.request.data.content or b"")
    assert body["max_tokens"] > 0
    assert body["temperature"] == 1
    assert "seed" not in body
    assert sent(flow)["content-length"] == str(len(flow.request.data.content or b""))
    facts = flow.metadata["aiclient"]
    assert (facts["provider"], facts["account"], facts["model"]) == ("claude-custom", "claude-custom:default", "m")
    assert "seed" in facts["dropped"]
    assert "temperature" in facts["changed"]
    json.dumps(facts)
    response = await CLAUDE.answer(flow, MESSAGE_ANSWER)
    assert "dropped=seed" in response.headers["x-aiclient-conversion"]
    assert "changed=temperature" in response.headers["x-aiclient-conversion"]


async def test_17_strict_refuses_a_loss_before_anything_is_sent() -> None:
    flow = await Rig(with_accounts("claude", strict_conversion=True)).ask(call(CHAT_PATH, CHAT | {"seed": 5}))
    assert status_of(flow) == 400
    assert body_of(flow)["error"]["code"] == "strict_conversion"
    assert not live(flow).sent


async def test_a_bug_of_ours_is_500_with_an_id_and_no_detail(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("s3cret detail")

    monkeypatch.setattr("addons.upstream_body.prepare", fail)
    flow = await CLAUDE.ask(call(CHAT_PATH))
    assert status_of(flow) == 500
    assert live(flow).id in body_of(flow)["error"]["message"]
    assert "s3cret" not in body_of(flow)["error"]["message"]
    assert live(flow).id in caplog.text


# --- which provider ---


@pytest.mark.parametrize(
    ("path", "headers", "provider"),
    [
        (CHAT_PATH, {}, "openai-custom"),
        (MESSAGES_PATH, {}, "claude-custom"),
        ("/claude-custom/v1/chat/completions", {}, "claude-custom"),
        (CHAT_PATH, {"Model-Provider": "claude-custom"}, "claude-custom"),
        ("/openai-custom/v1/messages", {"Model-Provider": "claude-custom"}, "openai-custom"),
        (CHAT_PATH, {"Model-Provider": ""}, "openai-custom"),
    ],
)
async def test_the_path_names_the_provider_then_the_header(path: str, headers: dict[str, str], provider: str) -> None:
    body = MESSAGES if path.endswith("messages") else CHAT
    flow = await BOTH.ask(call(path, body, headers=headers))
    assert flow.metadata["aiclient"]["provider"] == provider
    assert "model-provider" not in sent(flow)


async def test_an_unknown_provider_in_the_header_is_404() -> None:
    flow = await BOTH.ask(call(CHAT_PATH, headers={"Model-Provider": "nobody"}))
    assert status_of(flow) == 404


async def test_a_provider_without_an_account_is_an_error_that_names_the_cure() -> None:
    """15.2: 500 for Anthropic's clients, whose 529 means "overloaded, try again"."""
    flow = await OPENAI.ask(call("/claude-custom/v1/messages", MESSAGES))
    assert status_of(flow) == 500
    assert "AICLIENT_CLAUDE_API_KEY" in body_of(flow)["error"]["message"]


async def test_an_account_without_headers_of_its_own_is_an_account_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A local server without a key: its answer is converted like any other."""
    monkeypatch.setattr("addons.providers.base.Provider.headers", lambda *_: [])
    flow = await CLAUDE.ask(call(CHAT_PATH))
    assert live(flow).secret_headers == []
    await CLAUDE.answer(flow, MESSAGE_ANSWER)
    assert text_of(body_of(flow)) == "Hello"


# --- attempts ---


@pytest.mark.parametrize(
    ("kind", "reused", "answered", "again"),
    [
        (Kind.UNREACHABLE, False, False, True),
        (Kind.BROKEN_STREAM, True, False, True),  # a kept-alive connection had been closed
        (Kind.BROKEN_STREAM, False, False, True),
        (Kind.BROKEN_STREAM, True, True, True),  # an answer had begun, and the client has seen nothing of it
        (Kind.SERVER, False, True, True),
        (Kind.TIMEOUT, True, False, False),  # the client has waited long enough for this account
        (Kind.TIMEOUT, False, True, False),
    ],
)
async def test_6_what_may_pass_is_tried_again_with_the_only_account_there_is(
    kind: Kind, reused: bool, answered: bool, again: bool
) -> None:
    rig = Rig(with_accounts("openai", account_wait_seconds=0, request_base_delay=0))
    flow = await rig.ask(call(CHAT_PATH))
    if answered:
        flow.response = Response.make(200)
    attempt = FailedAttempt(flow, UpstreamError(kind, "x"), reused=reused)
    await rig.upstream_leg.attempt_failed(attempt)
    assert attempt.again is again
    assert live(flow).attempts == 1 + again


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (2, 3), (5, 3)])
async def test_8_attempts_are_bounded_by_the_settings(retries: int, attempts: int) -> None:
    """`request_max_retries`, and `account_tries`, which is 3."""
    rig = Rig(with_accounts("openai", request_max_retries=retries, request_base_delay=0))
    flow = await rig.ask(call(CHAT_PATH))
    for number in range(1, attempts + 1):
        attempt = FailedAttempt(flow, UpstreamError(Kind.UNREACHABLE, "x"))
        await rig.upstream_leg.attempt_failed(attempt)
        assert attempt.again is (number < attempts)
    assert live(flow).attempts == attempts


async def test_flows_of_others_are_left_alone() -> None:
    flow = call(CHAT_PATH)
    attempt = FailedAttempt(flow, UpstreamError(Kind.UNREACHABLE, "x"))
    leg = OPENAI.upstream_leg
    await leg.attempt_failed(attempt)
    leg.responseheaders(flow)
    await leg.response(flow)
    assert not attempt.again


# --- chains ---

CHAIN = {"fast": ["openai-custom:gpt-5-mini", "claude-custom:claude-haiku-4-5", "gemini-custom:gemini-2.5-flash"]}


def chained() -> Rig:
    return Rig(with_accounts("openai", "claude", "gemini", routes=CHAIN))


def refused(status: int, body: bytes = b"{}") -> Response:
    return Response.make(status, body, {"content-type": "application/json"})


async def test_an_alias_is_asked_for_by_the_name_its_provider_knows() -> None:
    flow = await chained().ask(call(CHAT_PATH, CHAT | {"model": "fast"}))
    assert flow.request.host == "openai.test"
    assert json.loads(flow.request.content or b"") == CHAT | {"model": "gpt-5-mini"}
    response = await chained().answer(flow, CHAT_ANSWER)
    assert response.status_code == 200


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 503, 529])
async def test_8_a_failure_turns_to_the_next_provider_of_the_chain(status: int) -> None:
    rig = chained()
    flow = await rig.ask(call(CHAT_PATH, CHAT | {"model": "fast"}))
    flow.response = refused(status)
    attempt = FailedAttempt(flow, UpstreamError(Kind.SERVER, "x"), flow.response)
    await rig.upstream_leg.attempt_failed(attempt)
    assert attempt.again
    assert flow.request.url == "https://claude.test/v1/messages"
    assert json.loads(flow.request.content or b"")["model"] == "claude-haiku-4-5"
    assert live(flow).secret_headers[0][0] == b"x-api-key"
    assert live(flow).attempts == 2

    again = FailedAttempt(flow, UpstreamError(Kind.UNREACHABLE, "x"))
    await rig.upstream_leg.attempt_failed(again)
    assert again.again
    assert flow.request.url == "https://gemini.test/v1beta/models/gemini-2.5-flash:generateContent"
    assert "model" not in json.loads(flow.request.content or b"")

    last = FailedAttempt(flow, UpstreamError(Kind.TIMEOUT, "x"))
    await rig.upstream_leg.attempt_failed(last)
    assert not last.again
    assert live(flow).attempts == 3


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", Kind.BROKEN_STREAM),
        (200, b"[]", Kind.BROKEN_STREAM),
        (200, b'{"choices": []}', Kind.BROKEN_STREAM),
        (302, b"", Kind.SERVER),
    ],
    ids=["no JSON", "a list", "no choice", "elsewhere"],
)
async def test_6_an_answer_that_is_none_is_found_out_before_the_client_sees_it(
    status: int, body: bytes, kind: Kind
) -> None:
    """Also of the last one that can be asked: its account may be asked once more."""
    flow = await chained().ask(call(CHAT_PATH, CHAT | {"model": "fast"}))
    exchange = live(flow)
    exchange.left.clear()
    fault = exchange.fault_in(Response.make(status, body, {"content-type": "application/json"}))
    assert fault is not None
    assert fault.kind is kind
    assert exchange.answered is None


async def test_6_a_good_answer_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the relay, before it is known to be one; what was read then is what the client gets."""
    rig = Rig(with_accounts("claude"))
    flow = await rig.ask(call(CHAT_PATH))
    answer = Response.make(200, json.dumps(MESSAGE_ANSWER).encode(), {"content-type": "application/json"})
    assert live(flow).fault_in(answer) is None
    monkeypatch.setattr("addons.provider_answer.collect", None)
    await rig.answer(flow, MESSAGE_ANSWER)
    assert text_of(body_of(flow)) == "Hello"
    assert live(flow).usage.output_total == 2


async def test_6_a_bug_in_reading_is_no_fault_of_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(with_accounts("claude"))
    flow = await rig.ask(call(CHAT_PATH))

    def fail(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("addons.provider_answer.collect", fail)
    answer = Response.make(200, json.dumps(MESSAGE_ANSWER).encode(), {"content-type": "application/json"})
    assert live(flow).fault_in(answer) is None
    assert (live(flow).answered, live(flow).usage.output_total) == (None, None)
    assert (await rig.answer(flow, MESSAGE_ANSWER)).status_code == 502


async def test_8_the_clients_own_fault_ends_the_chain() -> None:
    rig = chained()
    flow = await rig.ask(call(CHAT_PATH, CHAT | {"model": "fast"}))
    flow.response = refused(400, b'{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}')
    attempt = FailedAttempt(flow, UpstreamError(Kind.BAD_REQUEST, "x"), flow.response)
    await rig.upstream_leg.attempt_failed(attempt)
    assert not attempt.again
    assert flow.request.host == "openai.test"


async def test_a_provider_that_cannot_take_the_request_is_passed_over() -> None:
    """Audio has no place in Anthropic's protocol; Gemini takes it."""
    audio = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    body = CHAT | {"model": "fast", "messages": [{"role": "user", "content": [audio]}]}
    rig = chained()
    flow = await rig.ask(call(CHAT_PATH, body))
    attempt = FailedAttempt(flow, UpstreamError(Kind.OVERLOADED, "x"), refused(503))
    await rig.upstream_leg.attempt_failed(attempt)
    assert attempt.again
    assert flow.request.host == "gemini.test"


async def test_when_no_other_can_take_the_request_the_answer_that_came_stands() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    body = CHAT | {"model": "fast", "messages": [{"role": "user", "content": [audio]}]}
    rig = Rig(with_accounts("openai", "claude", routes={"fast": CHAIN["fast"][:2]}))
    flow = await rig.ask(call(CHAT_PATH, body))
    flow.response = refused(429, b'{"error":{"message":"slow down"}}')
    attempt = FailedAttempt(flow, UpstreamError(Kind.RATE_LIMIT, "x"), flow.response)
    await rig.upstream_leg.attempt_failed(attempt)
    assert not attempt.again
    assert (live(flow).target_name, live(flow).sent) == ("openai-custom/gpt-5-mini", True)
    await rig.end(flow)
    assert status_of(flow) == 429


async def test_a_request_that_no_provider_of_the_chain_can_take_is_refused_by_the_first() -> None:
    rig = Rig(with_accounts("claude", "gemini", routes={"fast": CHAIN["fast"][1:]}))
    body = CHAT | {"model": "fast", "messages": [{"role": "user", "content": [{"type": "nonsense"}]}]}
    assert status_of(await rig.ask(call(CHAT_PATH, body))) == 400

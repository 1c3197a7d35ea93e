"""What becomes of a provider's answer: converted, passed or refused, and never more than it is."""

import gzip
import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from mitmproxy.http import Headers, Response

from addons.provider_answer import down_headers, read_refusal
from tests.addons.legs_rig import (
    BODIES,
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CHAT_STREAM,
    CLAUDE,
    CLAUDE_SECRET,
    COUNT_PATH,
    MESSAGE_ANSWER,
    MESSAGE_STREAM,
    MESSAGES_PATH,
    OPENAI,
    OPENAI_SECRET,
    PAIRS,
    Rig,
    answer_of,
    body_of,
    call,
    everything,
    live,
    pairs,
    status_of,
    text_of,
)

# --- whole answers ---


@pairs
async def test_20_2b_a_whole_answer_comes_in_the_clients_protocol(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, answer_of(rig), set_cookie="a=b", server="x", openai_organization="org")
    assert response.status_code == 200
    assert text_of(body_of(flow)) == "Hello"
    assert not {"set-cookie", "server", "openai-organization"} & set(response.headers)
    assert live(flow).usage.output_total == 2
    assert live(flow).finish is not None


@pytest.mark.parametrize(("path", "rig"), [PAIRS[0], PAIRS[3]])
async def test_1_2_a_whole_answer_of_the_same_protocol_passes_byte_for_byte(path: str, rig: Rig) -> None:
    raw = b" " + json.dumps(answer_of(rig) | {"unknown": 1.0}, indent=1).encode() + b"\n"
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, raw, x_ratelimit_remaining_requests="5", anthropic_ratelimit_tokens_limit="7")
    assert response.content == raw
    assert response.headers["x-ratelimit-remaining-requests"] == "5"
    assert response.headers["anthropic-ratelimit-tokens-limit"] == "7"
    assert "x-aiclient-conversion" not in response.headers


@pairs
@pytest.mark.parametrize("pack", [gzip.compress, None])
async def test_a_compressed_answer_is_undone(path: str, rig: Rig, pack: Any) -> None:
    flow = await rig.ask(call(path))
    raw = json.dumps(answer_of(rig)).encode()
    coding: dict[str, Any] = {"content_encoding": "gzip"} if pack else {}
    response = await rig.answer(flow, pack(raw) if pack else raw, **coding)
    assert "content-encoding" not in response.headers
    assert text_of(body_of(flow)) == "Hello"


@pairs
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html>Bad Gateway</html>", {"content_type": "text/html"}),
        (b"", {}),
        (b"[]", {}),
        (b"null", {}),
        (b'{"error": {"message": "overloaded", "type": "overloaded_error"}}', {}),
        (b'{"type": "error", "error": {"message": "x", "type": "api_error"}}', {}),
        (b"{}", {"content_encoding": "br"}),
        (gzip.compress(bytes(40 << 20)), {"content_encoding": "gzip"}),
        (gzip.compress(b"{}")[:-1], {"content_encoding": "gzip"}),
        (b"plain", {"content_encoding": "gzip"}),
    ],
    ids=["html", "empty", "list", "null", "error", "typed-error", "br", "bomb", "cut", "not-gzip"],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_4_a_200_that_is_no_answer_is_an_error(
    path: str, rig: Rig, body: bytes, headers: dict[str, Any], stream: bool
) -> None:
    flow = await rig.ask(call(path, BODIES[path] | {"stream": stream}))
    response = await rig.answer(flow, body, **headers)
    assert response.status_code >= 400
    assert body_of(flow)["error"]["message"]
    assert "content-encoding" not in response.headers


@pairs
@pytest.mark.parametrize(("limit", "fault"), [("1m", False), ("200k", True)])
async def test_20_a_compressed_stream_unpacks_to_the_limit_and_no_further(
    path: str, rig: Rig, limit: str, fault: bool
) -> None:
    comment = b": " + b"x" * 300_000 + b"\n\n"
    stream = Rig(rig.settings.model_copy(update={"stream_limit": limit}))
    flow = await stream.ask(call(path, BODIES[path] | {"stream": True}))
    packed = gzip.compress(comment + answer_of(rig, stream=True))
    await stream.answer(flow, packed, content_type="text/event-stream", content_encoding="gzip")
    pipe = live(flow).pipe
    assert pipe is not None
    assert (pipe.failed is not None) is fault
    assert not fault or "size limit" in str(pipe.failed)


async def test_a_bug_of_ours_in_an_answer_is_502(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("s3cret")

    monkeypatch.setattr("addons.provider_answer.collect", fail)
    flow = await CLAUDE.ask(call(CHAT_PATH))
    assert (await CLAUDE.answer(flow, MESSAGE_ANSWER)).status_code == 502
    assert "s3cret" not in str(body_of(flow))


# --- streams ---


@pairs
async def test_20_2b_a_stream_comes_in_the_clients_protocol(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path, BODIES[path] | {"stream": True}))
    response = await rig.answer(
        flow,
        answer_of(rig, stream=True),
        content_type="text/event-stream; charset=utf-8",
        content_length="5",
        set_cookie="a=b",
    )
    content = response.raw_content or b""
    assert b"Hello" in content
    assert (b"event: message_stop" if path == MESSAGES_PATH else b"data: [DONE]") in content
    assert not {"content-length", "set-cookie", "content-encoding"} & set(response.headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-request-id"] == live(flow).id
    assert ("x-aiclient-conversion" in response.headers) is live(flow).crossed
    assert live(flow).usage.output_total == (2 if rig is CLAUDE else None)


@pytest.mark.parametrize(("path", "rig"), [PAIRS[0], PAIRS[3]])
async def test_1_2_a_stream_of_the_same_protocol_passes_byte_for_byte(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path, BODIES[path] | {"stream": True}))
    response = await rig.answer(flow, answer_of(rig, stream=True), content_type="text/event-stream")
    assert response.raw_content == answer_of(rig, stream=True)


@pairs
async def test_1_4_a_stream_was_asked_for_and_one_body_came(path: str, rig: Rig) -> None:
    """1.4: decided by the answer's content type, not by what was asked."""
    flow = await rig.ask(call(path, BODIES[path] | {"stream": True}))
    response = await rig.answer(flow, answer_of(rig))
    assert response.headers["content-type"] == "text/event-stream"
    assert b"Hello" in (response.content or b"")
    assert (b"event: message_stop" if path == MESSAGES_PATH else b"data: [DONE]") in (response.content or b"")


@pytest.mark.parametrize("asked", [True, False])
async def test_14_2_a_usage_chunk_comes_to_those_who_asked_also_from_one_body(asked: bool) -> None:
    body = CHAT | {"stream": True, "stream_options": {"include_usage": asked}}
    response = await OPENAI.answer(await OPENAI.ask(call(CHAT_PATH, body)), CHAT_ANSWER)
    assert (b'"usage":{' in (response.content or b"")) is asked


@pairs
async def test_1_4_one_body_was_asked_for_and_a_stream_came(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path))
    await rig.answer(flow, answer_of(rig, stream=True), content_type="text/event-stream")
    assert live(flow).pipe is None
    assert text_of(body_of(flow)) == "Hello"


@pairs
async def test_4_a_cut_stream_is_not_a_whole_answer(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path))
    cut = answer_of(rig, stream=True)[:-1] if rig is OPENAI else MESSAGE_STREAM
    cut = CHAT_STREAM[:20] if rig is OPENAI else cut[: cut.index(b"event: message_delta")]
    assert (await rig.answer(flow, cut, content_type="text/event-stream")).status_code == 502


@pairs
async def test_28_a_credential_echoed_in_a_streams_error_is_taken_out(path: str, rig: Rig) -> None:
    secret = CLAUDE_SECRET if rig is CLAUDE else OPENAI_SECRET
    error = json.dumps({"type": "error", "error": {"type": "api_error", "message": f"bad {secret}"}}).encode()
    stream = answer_of(rig, stream=True)
    start = stream[: stream.index(b"event: content_block_stop" if rig is CLAUDE else b'data: {"id"', 10)]
    flow = await rig.ask(call(path, BODIES[path] | {"stream": True}))
    exchange = live(flow)
    flow.response = Response.make(200, b"", {"content-type": "text/event-stream"})
    rig.upstream_leg.responseheaders(flow)
    assert exchange.pipe is not None
    out = exchange.pipe.feed(start)
    out += exchange.pipe.feed(b"event: error\ndata: " + error + b"\n\n")
    assert exchange.pipe.failed is not None
    assert b"Hello" in out
    assert b"[redacted]" in out
    assert secret.encode() not in out


# --- errors ---


def error_body(rig: Rig, kind: str, message: str = "the reason") -> dict[str, object]:
    if rig is CLAUDE:
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


@pairs
@pytest.mark.parametrize(
    ("status", "kind", "chat", "claude"),
    [
        (400, "invalid_request_error", 400, 400),
        (401, "authentication_error", 503, 500),
        (403, "permission_error", 503, 500),
        (404, "not_found_error", 404, 404),
        (413, "request_too_large", 413, 413),
        (429, "rate_limit_error", 429, 429),
        (500, "api_error", 500, 500),
    ],
)
async def test_15_2_errors_have_the_clients_shape_and_status(
    path: str, rig: Rig, status: int, kind: str, chat: int, claude: int
) -> None:
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, error_body(rig, kind), status)
    assert response.status_code == (chat if path == CHAT_PATH else claude)
    body = body_of(flow)
    assert ("request_id" in body or body.get("type") == "error") is (path == MESSAGES_PATH)
    assert live(flow).failure is not None
    assert response.status_code != 401


@pairs
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503, 520])
async def test_5_pages_of_gateways_become_json(path: str, rig: Rig, status: int) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>"
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, page, status, "text/html")
    assert response.status_code >= 400
    assert response.status_code not in (401, 403)
    assert "<html" not in body_of(flow)["error"]["message"]


@pairs
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304, 300])
async def test_25_redirects_are_errors_and_lead_nowhere(path: str, rig: Rig, status: int) -> None:
    """A redirect that is followed takes the credential along."""
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, b"", status, location="https://evil.test/", refresh="0;url=https://evil.test")
    assert response.status_code >= 400
    assert not {"location", "refresh"} & set(response.headers)
    assert b"evil.test" not in everything(flow)
    body_of(flow)


@pairs
@pytest.mark.parametrize("status", [201, 202, 204, 206])
async def test_4_another_2xx_is_no_answer(path: str, rig: Rig, status: int) -> None:
    flow = await rig.ask(call(path))
    assert (await rig.answer(flow, answer_of(rig) if status != 204 else b"", status)).status_code >= 400


@pairs
@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize("shape", ["json", "text"])
async def test_28_a_credential_that_the_provider_echoes_is_taken_out(
    path: str, rig: Rig, status: int, shape: str
) -> None:
    secret = CLAUDE_SECRET if rig is CLAUDE else OPENAI_SECRET
    message = f"Incorrect API key provided: {secret} (sk-abcd***wxyz) of org-AbCdEf123456"
    flow = await rig.ask(call(path))
    body = error_body(rig, "invalid_request_error", message) if shape == "json" else message.encode()
    await rig.answer(flow, body, status, "application/json" if shape == "json" else "text/plain")
    for told in (secret, "wxyz", "org-AbCdEf123456"):
        assert told.encode() not in everything(flow)
        assert told not in str(live(flow).failure)


@pairs
async def test_8_a_wait_is_passed_on(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, error_body(rig, "rate_limit_error"), 429, retry_after="17")
    assert response.headers["retry-after"] == "17"


@pairs
@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "17s"},
        {
            "anthropic_ratelimit_requests_remaining": "0",
            "anthropic_ratelimit_requests_reset": "2026-11-22T10:00:17Z",
            "date": "Sun, 22 Nov 2026 10:00:00 GMT",
        },
    ],
    ids=["openai", "anthropic"],
)
async def test_8_a_wait_that_no_retry_after_names_is_passed_on_as_one(
    path: str, rig: Rig, headers: dict[str, str]
) -> None:
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, error_body(rig, "rate_limit_error"), 429, **headers)
    assert response.headers["retry-after"] == "17"


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
async def test_8_a_wait_that_a_message_names_is_passed_on(path: str) -> None:
    flow = await OPENAI.ask(call(path))
    said = error_body(OPENAI, "rate_limit_error", "Please try again in 90s.")
    response = await OPENAI.answer(flow, said, 429)
    assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("90", "false")


@pairs
async def test_9_a_date_counts_from_now_where_the_answer_has_none(path: str, rig: Rig) -> None:
    flow = await rig.ask(call(path))
    until = formatdate(time.time() + 30, usegmt=True)
    refused = Response.make(429, json.dumps(error_body(rig, "rate_limit_error")), {"retry-after": until})
    assert "date" not in refused.headers
    assert read_refusal(live(flow), refused).retry_after == pytest.approx(30, abs=2)


@pairs
@pytest.mark.parametrize("wait", ["nan", "inf", "1e999", "soon", "-5", "", "9" * 400])
async def test_a_nonsensical_wait_breaks_nothing(path: str, rig: Rig, wait: str) -> None:
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, error_body(rig, "rate_limit_error"), 429, retry_after=wait)
    assert response.status_code == 429


@pytest.mark.parametrize(("path", "rig"), [PAIRS[0], PAIRS[3]])
async def test_1_2_an_error_of_the_same_protocol_passes_as_it_came(path: str, rig: Rig) -> None:
    body = error_body(rig, "invalid_request_error") | {"extra": [1.0]}
    flow = await rig.ask(call(path))
    response = await rig.answer(flow, body, 422)
    assert response.status_code == 422
    assert json.loads(response.content or b"") == body


# --- counting ---


async def test_16_anthropic_counts_itself() -> None:
    flow = await CLAUDE.ask(call(COUNT_PATH))
    response = await CLAUDE.answer(flow, b'{"input_tokens": 2095}')
    assert response.content == b'{"input_tokens": 2095}'
    assert "x-aiclient-estimated" not in response.headers


@pytest.mark.parametrize("rig", [OPENAI, Rig()], ids=["openai", "demo"])
async def test_16_others_get_an_estimate_that_says_so(rig: Rig) -> None:
    flow = await rig.ask(call(COUNT_PATH, {"model": "m", "messages": [{"role": "user", "content": "x" * 400}]}))
    assert 100 <= body_of(flow)["input_tokens"] <= 130
    assert flow.response is not None
    assert flow.response.headers["x-aiclient-estimated"] == "1"
    assert not live(flow).sent


# --- the demo ---


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_demo_answers_without_an_account(path: str, stream: bool) -> None:
    flow = await Rig().ask(call(path, BODIES[path] | {"stream": stream}))
    assert status_of(flow) == 200
    assert flow.response is not None
    content = flow.response.content or b""
    assert b"demo model inside aiclient" in content or b"demo " in content
    assert flow.response.headers["content-type"] == ("text/event-stream" if stream else "application/json")
    if stream:
        assert (b"event: message_stop" if path == MESSAGES_PATH else b"data: [DONE]") in content
    assert flow.request.host == "placeholder.test"
    assert live(flow).usage.output_total


@pairs
@pytest.mark.parametrize("stream", [False, True])
async def test_28_a_credential_that_a_header_of_the_provider_repeats_is_taken_out(
    path: str, rig: Rig, stream: bool
) -> None:
    secret = CLAUDE_SECRET if rig is CLAUDE else OPENAI_SECRET
    flow = await rig.ask(call(path, BODIES[path] | {"stream": stream}))
    kind = "text/event-stream" if stream else "application/json"
    await rig.answer(flow, answer_of(rig, stream), content_type=kind, request_id=secret, x_ratelimit_key=secret)
    assert secret.encode() not in everything(flow)


@pytest.mark.parametrize("value", [b"1\rset-cookie: a=b", b"1\r\n folded", b"1\0", b"\x1b[2J"])
def test_2_a_header_with_control_characters_does_not_reach_the_client(value: bytes) -> None:
    headers = Headers([(b"content-type", b"application/json"), (b"x-ratelimit-limit", value)])
    assert list(down_headers(headers)) == ["content-type"]

"""What belongs to one protocol or another: Gemini's paths, stored responses, counting, model lists, Code Assist's envelope."""

import json

import pytest

from tests.addons.legs_rig import (
    CHAT_ANSWER,
    CLAUDE,
    MESSAGES,
    MESSAGES_PATH,
    OPENAI,
    Rig,
    body_of,
    call,
    live,
    status_of,
    with_accounts,
)

# --- Gemini and Responses ---

CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
GEMINI_ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "m",
    "responseId": "r",
}
GEMINI = Rig(with_accounts("gemini"))
RESPONSES = Rig(with_accounts("responses"))


@pytest.mark.parametrize(
    ("verb", "url"),
    [
        ("generateContent", "models/m:generateContent"),
        ("streamGenerateContent", "models/m:streamGenerateContent?alt=sse"),
        ("streamGenerateContent?alt=sse", "models/m:streamGenerateContent?alt=sse"),
        ("countTokens", "models/m:countTokens"),
    ],
)
async def test_1_2_gemini_passes_its_model_in_the_path(verb: str, url: str) -> None:
    raw = b'{ "contents":[{"parts":[{"text":"\\u00e9"}]}], "x": 1.0}'
    flow = await GEMINI.ask(call(f"/v1beta/models/m:{verb}", raw))
    assert flow.request.url == f"https://gemini.test/v1beta/{url}"
    assert flow.request.data.content == raw
    assert live(flow).secret_headers[0][0] == b"x-goog-api-key"


async def test_14_5_a_client_without_sse_gets_an_array_of_the_same_chunks() -> None:
    flow = await GEMINI.ask(call("/v1beta/models/m:streamGenerateContent", CONTENTS))
    stream = b"data: " + json.dumps(GEMINI_ANSWER).encode() + b"\r\n\r\n"
    response = await GEMINI.answer(flow, stream, content_type="text/event-stream")
    assert json.loads(response.content or b"") == [GEMINI_ANSWER]
    assert response.headers["content-type"] == "application/json"


async def test_14_5_an_array_is_also_made_of_a_whole_answer() -> None:
    flow = await GEMINI.ask(call("/v1beta/models/m:streamGenerateContent", CONTENTS))
    response = await GEMINI.answer(flow, GEMINI_ANSWER)
    parts = [
        part for chunk in json.loads(response.content or b"") for part in chunk["candidates"][0]["content"]["parts"]
    ]
    assert "".join(part["text"] for part in parts) == "Hello"


async def test_a_gemini_client_reaches_a_chat_provider() -> None:
    flow = await OPENAI.ask(call("/v1beta/models/gpt-5:generateContent", CONTENTS, headers={"x-goog-api-key": "k"}))
    assert json.loads(flow.request.content or b"")["model"] == "gpt-5"
    await OPENAI.answer(flow, CHAT_ANSWER)
    assert body_of(flow)["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]


@pytest.mark.parametrize(
    ("path", "method", "url"),
    [
        ("/v1/responses/resp_1", "GET", "responses/resp_1"),
        ("/v1/responses/resp_1?stream=true&x=1", "GET", "responses/resp_1?stream=true"),
        ("/v1/responses/resp_1", "DELETE", "responses/resp_1"),
        ("/v1/responses/resp_1/cancel", "POST", "responses/resp_1/cancel"),
        ("/v1/responses/resp_1/input_items?limit=5", "GET", "responses/resp_1/input_items?limit=5"),
    ],
)
async def test_17_what_a_responses_provider_stores_is_asked_of_it(path: str, method: str, url: str) -> None:
    flow = await RESPONSES.ask(call(path, b"", method=method))
    assert (flow.request.method, flow.request.url) == (method, f"https://responses.test/v1/{url}")
    await RESPONSES.answer(flow, {"id": "resp_1"})
    assert body_of(flow) == {"id": "resp_1"}


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/v1/responses/resp_1", "GET", 404), ("/v1/responses/compact", "POST", 400)],
)
@pytest.mark.parametrize("rig", [CLAUDE, Rig()], ids=["claude", "demo"])
async def test_17_other_providers_neither_store_nor_compact(path: str, method: str, status: int, rig: Rig) -> None:
    body = {"model": "m", "input": "Hi"} if method == "POST" else b""
    flow = await rig.ask(call(path, body, method=method))
    assert status_of(flow) == status
    assert body_of(flow)["error"]["code"] == "unsupported_call"


async def test_a_responses_provider_compacts() -> None:
    flow = await RESPONSES.ask(call("/v1/responses/compact", {"model": "m", "input": "Hi"}))
    assert flow.request.url == "https://responses.test/v1/responses/compact"


async def test_17_what_only_the_provider_can_resolve_passes_in_the_same_protocol_alone() -> None:
    body = {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}
    assert json.loads((await RESPONSES.ask(call("/v1/responses", body))).request.content or b"") == body
    crossed = await CLAUDE.ask(call("/v1/responses", body))
    assert status_of(crossed) == 400
    assert body_of(crossed)["error"]["param"] == "previous_response_id"


async def test_a_websocket_is_refused_with_the_status_that_lets_codex_fall_back() -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    flow = RESPONSES.head(call("/v1/responses", b"", method="GET", headers=headers))
    assert status_of(flow) == 426
    assert body_of(flow)["error"]["code"] == "websocket_not_supported"
    assert status_of(RESPONSES.head(call("/v1/responses", b"", method="GET", headers=headers, key=None))) == 401


# --- counting ---


COUNTS = {
    "/v1/messages/count_tokens": (MESSAGES, {"input_tokens": 7}),
    "/v1/responses/input_tokens": (
        {"model": "m", "input": "Hi"},
        {"object": "response.input_tokens", "input_tokens": 7},
    ),
    "/v1beta/models/m:countTokens": (CONTENTS, {"totalTokens": 7}),
}
COUNTERS = {
    "claude": (CLAUDE, "https://claude.test/v1/messages/count_tokens", {"input_tokens": 7}),
    "responses": (RESPONSES, "https://responses.test/v1/responses/input_tokens", {"input_tokens": 7}),
    "gemini": (GEMINI, "https://gemini.test/v1beta/models/m:countTokens", {"totalTokens": 7}),
}


@pytest.mark.parametrize("path", COUNTS)
@pytest.mark.parametrize("provider", COUNTERS)
async def test_16_the_provider_counts_and_the_client_reads_it_in_its_own_shape(path: str, provider: str) -> None:
    body, counted = COUNTS[path]
    rig, url, answer = COUNTERS[provider]
    flow = await rig.ask(call(path, body))
    assert flow.request.url == url
    await rig.answer(flow, answer)
    if live(flow).bypass:
        assert body_of(flow) == answer
    else:
        assert body_of(flow) == counted


@pytest.mark.parametrize("path", COUNTS)
async def test_16_a_chat_provider_cannot_count_so_the_answer_is_an_estimate(path: str) -> None:
    body, counted = COUNTS[path]
    flow = await OPENAI.ask(call(path, body))
    assert body_of(flow).keys() == counted.keys()
    assert flow.response is not None
    assert flow.response.headers["x-aiclient-estimated"] == "1"


@pytest.mark.parametrize("path", COUNTS)
async def test_16_a_vendor_without_the_counting_call_gets_an_estimate_too(path: str) -> None:
    body, counted = COUNTS[path]
    flow = await CLAUDE.ask(call(path, body))
    response = await CLAUDE.answer(flow, b"<html>Not Found</html>", 404, content_type="text/html")
    assert body_of(flow).keys() == counted.keys()
    assert response.headers["x-aiclient-estimated"] == "1"


async def test_16_gemini_counts_an_alias_under_its_own_name() -> None:
    rig = Rig(with_accounts("gemini", routes={"g": ["gemini-custom:gemini-2.5-pro"]}))
    body = {"generateContentRequest": {"model": "models/g", **CONTENTS}}
    flow = await rig.ask(call("/v1beta/models/g:countTokens", body))
    assert flow.request.url == "https://gemini.test/v1beta/models/gemini-2.5-pro:countTokens"
    assert json.loads(flow.request.content or b"")["generateContentRequest"]["model"] == "models/gemini-2.5-pro"


# --- model lists ---

LISTS = {"openai-custom": ["gpt-5", "shared"], "claude-custom": ["claude-opus-5", "shared"]}
SHAPES = {
    "chat": ("/v1/models", {}),
    "anthropic": ("/v1/models", {"anthropic-version": "2023-06-01"}),
    "gemini": ("/v1beta/models", {}),
    "gemini by key": ("/v1/models", {"x-goog-api-key": "aic-client-key"}),
}


def ids_of(body: dict[str, object]) -> list[str]:
    entries = body.get("data") or body.get("models")
    assert isinstance(entries, list)
    return [entry.get("id") or entry["name"].removeprefix("models/") for entry in entries]


@pytest.mark.parametrize("shape", SHAPES)
async def test_16_all_models_and_aliases_are_listed_under_names_that_lead_to_them(shape: str) -> None:
    path, headers = SHAPES[shape]
    rig = Rig(with_accounts("openai", "claude", routes={"fast": ["openai-custom:gpt-5"]}), models=LISTS)
    flow = await rig.ask(call(path, headers=headers))
    body = body_of(flow)
    assert ("models" in body) is shape.startswith("gemini")
    assert ("has_more" in body) is (shape == "anthropic")
    own, other = ("claude", "openai") if shape == "anthropic" else ("openai", "claude")
    assert sorted(ids_of(body)) == sorted(["fast", "gpt-5", "claude-opus-5", "shared", f"{other}-custom:shared"]), own
    for id_ in ids_of(body):
        entry = await rig.ask(call(f"{path}/{id_}", headers=headers))
        assert status_of(entry) == 200
        assert id_ in json.dumps(body_of(entry))


async def test_16_a_named_provider_lists_its_own() -> None:
    rig = Rig(with_accounts("openai", "claude"), models=LISTS)
    assert ids_of(body_of(await rig.ask(call("/claude-custom/v1/models")))) == LISTS["claude-custom"]
    assert status_of(await rig.ask(call("/v1/models", headers={"Model-Provider": "nobody"}))) == 404


async def test_16_a_named_provider_lists_the_aliases_that_stand_for_a_model_of_its_own() -> None:
    """Any other would be asked for by its own name there, which is nobody's."""
    routes = {"fast": ["openai-custom:gpt-5"], "best": ["openai-custom:gpt-5", "claude-custom:claude-opus-5"]}
    rig = Rig(with_accounts("openai", "claude", routes=routes), models=LISTS)
    listed = ids_of(body_of(await rig.ask(call("/claude-custom/v1/models"))))
    assert listed == ["best", *LISTS["claude-custom"]]


@pytest.mark.parametrize("shape", SHAPES)
async def test_16_an_unknown_model_is_404_with_the_nearest_names(shape: str) -> None:
    path, headers = SHAPES[shape]
    rig = Rig(with_accounts("openai", "claude"), models=LISTS)
    flow = await rig.ask(call(f"{path}/gpt-55", headers=headers))
    assert status_of(flow) == 404
    assert "gpt-5" in json.dumps(body_of(flow))


async def test_16_a_model_that_its_provider_does_not_know_is_404_with_the_nearest_names() -> None:
    rig = Rig(with_accounts("claude"), models=LISTS)
    flow = await rig.ask(call(MESSAGES_PATH, MESSAGES | {"model": "claude-opus-55"}))
    body = {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-opus-55"}}
    await rig.answer(flow, body, 404)
    message = body_of(flow)["error"]["message"]
    assert status_of(flow) == 404
    assert "model: claude-opus-55" in message
    assert "claude-opus-5" in message.replace("claude-opus-55", "")


async def test_16_without_any_list_the_answer_is_an_error_that_says_so() -> None:
    flow = await OPENAI.ask(call("/v1/models"))
    assert status_of(flow) == 502
    assert "model list" in body_of(flow)["error"]["message"]
    rig = Rig(with_accounts("openai", routes={"fast": ["openai-custom:gpt-5"]}))
    assert ids_of(body_of(await rig.ask(call("/v1/models")))) == ["fast"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_16_without_an_account_the_demo_is_listed(shape: str) -> None:
    path, headers = SHAPES[shape]
    assert ids_of(body_of(await Rig().ask(call(path, headers=headers)))) == ["aiclient-demo"]


async def test_a_guess_is_checked_against_what_the_providers_list() -> None:
    rig = Rig(with_accounts("openai", "claude"), models={"openai-custom": ["kimi-k2"], "claude-custom": ["x"]})
    flow = await rig.ask(call(MESSAGES_PATH, MESSAGES | {"model": "kimi-k2"}))
    assert flow.request.host == "openai.test"


# --- clients that speak Code Assist ---

ENVELOPE = {"model": "m", "project": "p", "user_prompt_id": "u", "request": {**CONTENTS, "session_id": "s"}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1internal:loadCodeAssist", {"metadata": {}}),
        ("POST", "/v1internal:loadCodeAssist", b""),
        ("POST", "/claude-custom/v1internal:onboardUser", {"tierId": "standard-tier"}),
        ("GET", "/v1internal/operations/aiclient", b""),
    ],
)
async def test_what_gemini_cli_asks_beside_its_questions_is_answered_here(method: str, path: str, body: object) -> None:
    flow = await CLAUDE.ask(call(path, body, method=method))
    assert status_of(flow) == 200
    assert body_of(flow)
    assert not live(flow).sent
    assert status_of(CLAUDE.head(call(path, body, method=method, key=None))) == 401


@pytest.mark.parametrize("rig", [GEMINI, OPENAI], ids=["gemini", "chat"])
async def test_a_question_in_code_assists_envelope_is_a_gemini_clients(rig: Rig) -> None:
    flow = await rig.ask(call("/v1internal:generateContent", ENVELOPE))
    sent_body = json.loads(flow.request.content or b"")
    if rig is GEMINI:
        assert flow.request.url == "https://gemini.test/v1beta/models/m:generateContent"
        assert sent_body == CONTENTS
    else:
        assert sent_body["model"] == "m"
    await rig.answer(flow, GEMINI_ANSWER if rig is GEMINI else CHAT_ANSWER)
    candidate = body_of(flow)["response"]["candidates"][0]
    assert candidate["content"]["parts"] == [{"text": "Hello"}]
    assert live(flow).thread == "s"


async def test_a_stream_goes_back_in_the_envelope() -> None:
    flow = await GEMINI.ask(call("/v1internal:streamGenerateContent?alt=sse", ENVELOPE))
    stream = b"data: " + json.dumps(GEMINI_ANSWER).encode() + b"\n\n"
    response = await GEMINI.answer(flow, stream, content_type="text/event-stream")
    (frame,) = (response.content or b"").strip().split(b"\n\n")
    assert json.loads(frame.removeprefix(b"data: "))["response"] == GEMINI_ANSWER


async def test_the_demo_answers_in_the_envelope_too() -> None:
    for verb, is_stream in (("generateContent", False), ("streamGenerateContent?alt=sse", True)):
        flow = await Rig().ask(call(f"/v1internal:{verb}", ENVELOPE))
        assert flow.response is not None
        content = flow.response.content or b""
        assert content.startswith(b"data: " if is_stream else b"{")
        assert b'{"response":{"candidates"' in content


async def test_16_a_count_and_an_error_have_no_envelope() -> None:
    body = {"request": {"model": "models/m", **CONTENTS}}
    flow = await OPENAI.ask(call("/v1internal:countTokens", body))
    assert body_of(flow).keys() == {"totalTokens"}
    refused_flow = await OPENAI.ask(call("/v1internal:generateContent", {"model": "m"}))
    assert status_of(refused_flow) == 400
    assert body_of(refused_flow)["error"]["status"] == "INVALID_ARGUMENT"
    assert status_of(OPENAI.head(call("/v1internal:nonsense", {}))) == 404

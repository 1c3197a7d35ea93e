"""The Gemini fake's own streams are right to the byte, the vendor's SDK reads them, and it notes what should never have come."""

import json
import sys
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types

from tests.fakes.asking import HTTP, JsonObject, ask_gemini
from tests.fakes.gemini import ID, MODELS, GeminiFake
from tests.fakes.gemini_bodies import ASK, NEWER, SSE, choice, text, tools, turn
from tests.fakes.gemini_scripts import GEMINI_SCRIPTS
from tests.fakes.samples import GEMINI_KEY, GEMINI_TOOLS
from tests.fakes.scripts import SCRIPTS, TEXT, UNICODE, WEATHER, Reply, Script
from tests.grammar_gemini import check_gemini_array, check_gemini_stream, fold_gemini_answer

COMPLETE = [
    name
    for name, s in SCRIPTS.items()
    if not s.error and not s.no_head and s.delivery == SCRIPTS["text"].delivery and s.reply.usage != "every"
]
SHOWN = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}


def model(name: str, newer: bool) -> str:
    return f"{NEWER if newer else 'gemini-2.5-flash'}-{name}"


@pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])
@pytest.mark.parametrize("name", COMPLETE)
def test_a_stream_of_gemini_is_right_and_says_what_the_whole_answer_says(
    gemini_fake: GeminiFake, name: str, newer: bool
) -> None:
    asked: JsonObject = {"model": model(name, newer), "tools": GEMINI_TOOLS, **SHOWN}
    stream, array = (ask_gemini(gemini_fake, method=m, **asked) for m in (SSE, "streamGenerateContent"))
    whole = ask_gemini(gemini_fake, **asked).json()
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert array.headers["content-type"].startswith("application/json")
    chunks = [json.loads(event[6:]) for event in stream.content.split(b"\n\n")[:-1]]
    assert array.json() == chunks
    reply = SCRIPTS[name].reply
    calls = [part for chunk in chunks for part in parts_of(chunk) if "functionCall" in part]
    assert [part["functionCall"].get("id") for part in calls] == [
        c.id if newer else None for c in reply.calls if name != "cuttool"
    ]
    assert [bool(part.get("thoughtSignature")) for part in calls] == [newer and i == 0 for i, _ in enumerate(calls)]
    if calls and not newer:
        return  # the grammar is that of our answers, and ours have ids
    folded = check_gemini_stream(stream.content)
    assert folded.content == check_gemini_array(array.content).content == fold_gemini_answer(whole).content
    assert folded.text == reply.whole_text + "".join(reply.refusal)
    assert folded.thinking == reply.whole_thinking
    assert (folded.model, folded.id) == (asked["model"], ID)
    assert folded.usage is not None
    assert folded.usage["promptTokenCount"] == reply.prompt
    assert folded.usage.get("cachedContentTokenCount", 0) == reply.cached
    assert folded.usage["totalTokenCount"] == reply.prompt + reply.completion
    assert folded.usage.get("thoughtsTokenCount", 0) == (5 if reply.thinking else 0)


def parts_of(chunk: JsonObject) -> list[JsonObject]:
    parts: list[JsonObject] = chunk["candidates"][0].get("content", {}).get("parts", [])
    return parts


def test_thoughts_are_shown_to_who_asks(gemini_fake: GeminiFake) -> None:
    quiet = ask_gemini(gemini_fake, model(name="thinking", newer=False)).json()
    assert parts_of(quiet) == [text("42")]
    assert quiet["usageMetadata"]["thoughtsTokenCount"] == 5


def test_stop_reasons_are_geminis(gemini_fake: GeminiFake) -> None:
    for name, reason in (("length", "MAX_TOKENS"), ("filtered", "SAFETY"), ("tool", "STOP"), ("stopseq", "STOP")):
        answer = ask_gemini(gemini_fake, model(name, False), tools=GEMINI_TOOLS).json()
        assert answer["candidates"][0]["finishReason"] == reason


def test_the_reason_comes_after_a_call_or_with_it(gemini_fake: GeminiFake) -> None:
    later, at_once = (
        check_chunks(ask_gemini(gemini_fake, model(name, True), SSE, tools=GEMINI_TOOLS))
        for name in ("tool", "toolfinish")
    )
    assert parts_of(later[-1]) == [text("")]
    assert "functionCall" in parts_of(later[-2])[0]
    assert "functionCall" in parts_of(at_once[-1])[0]
    assert later[-1]["candidates"][0]["finishReason"] == at_once[-1]["candidates"][0]["finishReason"] == "STOP"


def check_chunks(answer: httpx.Response) -> list[JsonObject]:
    return [json.loads(event[6:]) for event in answer.content.split(b"\n\n")[:-1]]


def test_running_usage_stands_in_every_chunk(gemini_fake: GeminiFake) -> None:
    counts = [
        c["usageMetadata"]["candidatesTokenCount"] for c in check_chunks(ask_gemini(gemini_fake, "m-usageevery", SSE))
    ]
    assert counts == [6, 6, 6, 6, 12]


def test_a_call_bears_a_name_that_the_request_allows(gemini_fake: GeminiFake) -> None:
    def names(**body: Any) -> list[str]:
        parts = parts_of(ask_gemini(gemini_fake, model("parallel", True), **body).json())
        return [part["functionCall"]["name"] for part in parts if "functionCall" in part]

    assert names(**tools({"name": "other"})) == ["other", "other"]
    assert names(**choice(mode="ANY", allowedFunctionNames=["get_time"])) == ["get_time", "get_time"]
    assert names(**choice(mode="NONE")) == names() == []


def test_a_loop_goes_on_with_what_the_fake_signed(gemini_fake: GeminiFake) -> None:
    asked: JsonObject = {"model": model("thinkingtool", True), "tools": GEMINI_TOOLS, **SHOWN}
    content = ask_gemini(gemini_fake, **asked).json()["candidates"][0]["content"]
    (called,) = (part["functionCall"] for part in content["parts"] if "functionCall" in part)
    answered = {"functionResponse": {"id": called["id"], "name": called["name"], "response": {"output": "x"}}}
    second = ask_gemini(gemini_fake, **asked, contents=[ASK, content, turn("user", answered)])
    assert fold_gemini_answer(second.json()).text == "It is 21 °C."
    del next(part for part in content["parts"] if "functionCall" in part)["thoughtSignature"]
    assert ask_gemini(gemini_fake, **asked, contents=[ASK, content, turn("user", answered)]).status_code == 400


@pytest.mark.parametrize("name", [n for n, s in GEMINI_SCRIPTS.items() if not s.error and n != "toolcut"])
def test_geminis_own_answers_have_their_shape(gemini_fake: GeminiFake, name: str) -> None:
    answer = ask_gemini(gemini_fake, model(name, False), SSE, tools=GEMINI_TOOLS)
    events = answer.content.rstrip(b"\n").split(b"\n\n")
    last = json.loads(events[-1].replace(b"data: ", b""))
    assert last["usageMetadata"]["promptTokenCount"] == 25
    candidate = last.get("candidates", [{}])[0]
    assert ("content" not in candidate) == (
        name in ("blocked", "blockedlater", "malformed", "malformedlater", "allthought")
    )
    assert last.get("promptFeedback") == ({"blockReason": "PROHIBITED_CONTENT"} if name == "blocked" else None)
    assert ("groundingMetadata" in candidate) == (name == "grounded")
    assert (b"\ndata: " in events[0]) == (name == "datalines")
    assert answer.content.endswith(b"\n\n") == (name != "openend")
    kinds = {
        next(iter(part))
        for event in events
        for part in parts_of({"candidates": [{}], **json.loads(event.replace(b"data: ", b""))})
    }
    assert ("inlineData" in kinds) == (name == "image")
    assert ("executableCode" in kinds) == (name == "code")


# --- the vendor's own reader ---


@pytest.fixture(scope="module")
def sdk(gemini_fake: GeminiFake) -> genai.Client:
    options = types.HttpOptions(base_url=gemini_fake.url, api_version="v1beta", client_args={"trust_env": False})
    return genai.Client(api_key=GEMINI_KEY, http_options=options)


def test_the_vendors_sdk_reads_whole_answers(sdk: genai.Client) -> None:
    wishes = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0,
        tools=[types.Tool.model_validate(GEMINI_TOOLS[0])],
        thinking_config=types.ThinkingConfig(include_thoughts=True),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    history: list[types.ContentUnionDict] = [types.Content(role="user", parts=[types.Part(text="Hi")])]
    answer = sdk.models.generate_content(model=f"{NEWER}-thinkingtool", contents=history, config=wishes)
    assert [c.args for c in answer.function_calls or ()] == [json.loads(WEATHER.text)]
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.thoughts_token_count, answer.usage_metadata.total_token_count) == (5, 37)
    assert answer.candidates
    assert answer.candidates[0].content is not None
    history.append(answer.candidates[0].content)
    asked = (answer.function_calls or [])[0]
    told = types.FunctionResponse(id=asked.id, name=asked.name, response={"output": "x"})
    history.append(types.Content(role="user", parts=[types.Part(function_response=told)]))
    again = sdk.models.generate_content(model=f"{NEWER}-thinkingtool", contents=history, config=wishes)
    assert again.text == "It is 21 °C."


@pytest.mark.parametrize("name", ["unicode", "unicodebytes", "sevens", "crlf"])
def test_the_vendors_sdk_reads_streams(sdk: genai.Client, name: str) -> None:
    if sys.version_info < (3, 13) and name.startswith("unicode"):
        pytest.skip("google-genai 2.8, the newest for Python 3.12 beside mitmproxy, ends lines where there is none")
    chunks = list(sdk.models.generate_content_stream(model=model(name, True), contents="Hi"))
    expected = UNICODE if name.startswith("unicode") else TEXT
    assert "".join(chunk.text or "" for chunk in chunks) == "".join(expected)
    assert chunks[-1].candidates
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_the_vendors_sdk_reads_counts_and_models(sdk: genai.Client) -> None:
    assert sdk.models.count_tokens(model="gemini-2.5-pro", contents="Hi").total_tokens == 2095
    listed = list(sdk.models.list(config={"page_size": 50, "query_base": True}))
    assert [m.name for m in listed] == [f"models/{name}" for name in MODELS]
    one = sdk.models.get(model="gemini-2.5-pro")
    assert (one.input_token_limit, one.output_token_limit) == (1_048_576, 65_536)


def test_the_vendors_sdk_reads_errors(sdk: genai.Client) -> None:
    for name, status in (("e429", 429), ("e503", 503), ("badkey", 400), ("nonexistent", 404)):
        with pytest.raises(genai.errors.APIError) as raised:
            sdk.models.generate_content(model=model(name, False), contents="Hi")
        assert raised.value.code == status
    with pytest.raises(genai.errors.APIError, match="overloaded"):
        list(sdk.models.generate_content_stream(model=model("miderror", False), contents="Hi"))


# --- errors and the rest ---


@pytest.mark.parametrize("name", ["e400", "etoolong", "e401", "e402", "e403", "e404", "e429", "e500", "e503", "e529"])
def test_errors_have_googles_shape(gemini_fake: GeminiFake, name: str) -> None:
    expected = SCRIPTS[name].error
    assert expected is not None
    answer = ask_gemini(gemini_fake, f"m-{name}")
    error = answer.json()["error"]
    assert answer.status_code == error["code"] == expected.status
    assert error["status"].isupper()
    assert "retry-after" not in answer.headers
    wait = [
        d["retryDelay"] for d in error.get("details", ()) if d["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
    ]
    assert wait == (["7s"] if name == "e429" else [])


def test_errors_of_gemini_alone(gemini_fake: GeminiFake) -> None:
    statuses = {n: ask_gemini(gemini_fake, f"m-{n}").status_code for n, s in GEMINI_SCRIPTS.items() if s.error}
    assert statuses == {n: s.error.status for n, s in GEMINI_SCRIPTS.items() if s.error}
    quota = ask_gemini(gemini_fake, "m-quota").json()["error"]
    assert [d["@type"].rpartition(".")[2] for d in quota["details"]] == ["QuotaFailure", "Help", "RetryInfo"]
    assert quota["details"][-1]["retryDelay"] == "34.074824224s"
    assert isinstance(ask_gemini(gemini_fake, "m-listed").json(), list)


def test_an_unknown_model_is_named(gemini_fake: GeminiFake) -> None:
    answer = ask_gemini(gemini_fake, "gemini-nonexistent")
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert "models/gemini-nonexistent is not found for API version v1beta" in answer.text


def test_without_sse_errors_come_in_a_list(gemini_fake: GeminiFake) -> None:
    for name in ("m-e503", "m-quota", "gemini-nonexistent"):
        assert "error" in ask_gemini(gemini_fake, name, "streamGenerateContent").json()[0]
        assert "error" in ask_gemini(gemini_fake, name, SSE).json()
    for name in ("miderror", "earlyerror"):
        assert "error" in ask_gemini(gemini_fake, f"m-{name}", "streamGenerateContent").json()[-1]


def test_breaks_are_real(gemini_fake: GeminiFake) -> None:
    for name in ("midcut", "midreset", "toolcut", "nohead", "nothttp"):
        with pytest.raises(httpx.TransportError):
            ask_gemini(gemini_fake, model(name, True), SSE, tools=GEMINI_TOOLS)
    for name, last in (("midunfinished", b'"!"'), ("miderror", b'{"error"'), ("midgarbage", b"17 29")):
        raw = ask_gemini(gemini_fake, model(name, False), SSE).content
        assert last in raw.split(b"\n\n")[-2]
        assert b"finishReason" not in raw
    check_gemini_stream(ask_gemini(gemini_fake, model("miderror", False), SSE).content, broken=True)


def test_tokens_are_counted_of_contents_or_of_a_whole_request(gemini_fake: GeminiFake) -> None:
    def count(**body: Any) -> httpx.Response:
        url = f"{gemini_fake.url}/v1beta/models/gemini-2.5-pro-text:countTokens"
        return HTTP.post(url, json=body, headers={"x-goog-api-key": GEMINI_KEY})

    inner = {"model": "models/gemini-2.5-pro-text", "contents": [ASK], "tools": GEMINI_TOOLS}
    assert count(contents=[ASK]).json()["totalTokens"] == 2095
    assert count(generateContentRequest=inner).json()["totalTokens"] == 2095
    for wrong, reason in (
        ({"contents": [ASK], "tools": GEMINI_TOOLS}, 'Unknown name "tools"'),
        ({}, "contents is not specified"),
        ({"contents": [ASK], "generateContentRequest": inner}, "Only one of"),
        ({"generateContentRequest": {**inner, "model": "gemini-2.5-pro-text"}}, "unexpected model name format"),
        ({"generateContentRequest": {"contents": [ASK]}}, "model is not specified"),
        ({"generateContentRequest": {**inner, "contents": [turn("model", text("x"))]}}, "start with a user turn"),
    ):
        answer = count(**wrong)
        assert answer.status_code == 400
        assert reason in answer.json()["error"]["message"]


def test_gemini_wants_its_key_and_its_paths(gemini_fake: GeminiFake) -> None:
    url, key = f"{gemini_fake.url}/v1beta/models", {"x-goog-api-key": GEMINI_KEY}
    assert HTTP.get(url).status_code == 403
    wrong = HTTP.get(url, headers={"x-goog-api-key": "x"})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert HTTP.get(f"{url}?pageSize=1000", headers=key).json()["models"][0]["name"] == f"models/{next(iter(MODELS))}"
    assert HTTP.get(f"{url}/gemini-2.5-pro", headers=key).json()["name"] == "models/gemini-2.5-pro"
    assert HTTP.get(f"{url}/gpt-4", headers=key).status_code == 404
    for path in ("/models/m:embedContent", "/models", "/openai/chat/completions", "/models/m:generateContent:x"):
        assert HTTP.post(f"{gemini_fake.url}/v1beta{path}", headers=key).status_code == 404
        assert "no such path here" in gemini_fake.violations[-1]


def test_what_a_good_proxy_never_sends_to_gemini_is_noted(gemini_fake: GeminiFake) -> None:
    good = {"x-goog-api-key": GEMINI_KEY, "user-agent": "aiclient/0"}
    gemini_fake.violations.clear()
    ask_gemini(gemini_fake)
    ask_gemini(gemini_fake, method=SSE)
    HTTP.get(f"{gemini_fake.url}/v1beta/models?pageSize=1000", headers=good)
    assert gemini_fake.violations == []
    ask_gemini(gemini_fake, method="streamGenerateContent?alt=json")
    ask_gemini(gemini_fake, method="generateContent?alt=sse")
    odd = {"user-agent": "aiclient/0", "authorization": "Bearer x", "x-goog-api-client": "gl-python/3"}
    assert HTTP.get(f"{gemini_fake.url}/v1beta/models?key={GEMINI_KEY}", headers=odd).status_code == 200
    found = gemini_fake.violations
    assert [
        word
        for line in found
        for word in ("a query", "x-goog-api-client", "the key stands", "authorization")
        if word in line
    ] == [
        "a query",
        "a query",
        "x-goog-api-client",
        "the key stands",
        "authorization",
    ]
    assert len(found) == 5
    assert GEMINI_KEY not in "".join(found)


def test_a_reply_that_is_no_geminis_plays_too(gemini_fake: GeminiFake) -> None:
    gemini_fake.scripts["gemini-2.5-flash-mine"] = Script(
        Reply(text=("mine",)), error=SCRIPTS["e500"].error, first_errors=1
    )
    answers = [ask_gemini(gemini_fake, "gemini-2.5-flash-mine") for _ in range(2)]
    assert [a.status_code for a in answers] == [500, 200]

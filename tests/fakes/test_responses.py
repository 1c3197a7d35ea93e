"""The Responses fake sends streams that are right to the byte, and knows its own answers again."""

import itertools
import json
from typing import Any

import openai
import pytest

from tests.fakes.asking import HTTP, USER, JsonObject, ask_responses
from tests.fakes.responses import MODELS, RESPONSES_SCRIPTS, ResponsesFake
from tests.fakes.responses_asking import CUSTOM, SEALED, WITH, call, function, output, said, text
from tests.fakes.samples import RESPONSES_KEY, RESPONSES_TOOLS
from tests.fakes.scripts import SCRIPTS, THOUGHT, UNICODE, WEATHER, Delivery, Script
from tests.grammar_responses import check_responses_stream, fold_responses_answer

GRAMMATICAL = [
    name
    for name, s in SCRIPTS.items()
    if not s.error and not s.no_head and s.delivery in (Delivery(), Delivery(slices="bytes"), Delivery(done=False))
]
THINKING: JsonObject = {
    "reasoning": {"effort": "medium", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
}
STATELESS: JsonObject = {"model": "gpt-5.4-thinkingtool", "store": False, "tools": RESPONSES_TOOLS, **THINKING}


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.4"])
@pytest.mark.parametrize("name", GRAMMATICAL)
def test_a_stream_is_right_and_says_what_the_whole_answer_says(
    responses_fake: ResponsesFake, name: str, model: str
) -> None:
    asked: JsonObject = {"model": f"{model}-{name}", **WITH, **(THINKING if model == "gpt-5.4" else {})}
    streamed = check_responses_stream(ask_responses(responses_fake, **asked, stream=True).content)
    whole = fold_responses_answer(ask_responses(responses_fake, **asked).json())

    reply = SCRIPTS[name].reply
    assert whole.content == streamed.content
    assert reply.whole_text == streamed.text
    assert "".join(reply.refusal) == streamed.refusal
    assert [(c.id, c.name, c.text) for c in reply.calls] == [(c.id, c.name, c.arguments) for c in streamed.calls]
    assert (reply.whole_thinking if model == "gpt-5.4" else "") == streamed.thinking
    assert bool(reply.thinking and model == "gpt-5.4") + reply.redacted * (model == "gpt-5.4") == len(
        streamed.signatures
    )
    assert {"length": "max_output_tokens", "content_filter": "content_filter"}.get(
        reply.stop, "completed"
    ) == whole.stop
    assert whole.usage is not None
    assert reply.cached == whole.usage["input_tokens_details"]["cached_tokens"]


def test_reasoning_is_shown_and_sealed_only_when_asked_for(responses_fake: ResponsesFake) -> None:
    def reasoning(**asked: Any) -> list[JsonObject]:
        output = ask_responses(responses_fake, model="gpt-5.4-thinking", **asked).json()["output"]
        return [item for item in output if item["type"] == "reasoning"]

    assert [([], None)] == [(item["summary"], item["encrypted_content"]) for item in reasoning()]
    assert reasoning(reasoning={"effort": "none"}) == []
    (shown,) = reasoning(**THINKING)
    assert [{"type": "summary_text", "text": "".join(THOUGHT)}] == shown["summary"]
    assert shown["encrypted_content"].startswith("gAAAAAB")


def test_what_is_encrypted_differs_between_added_and_done(responses_fake: ResponsesFake) -> None:
    raw = ask_responses(responses_fake, **STATELESS, stream=True).content
    events = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]
    begun, done = (
        next(e["item"]["encrypted_content"] for e in events if e["type"] == f"response.output_item.{end}")
        for end in ("added", "done")
    )
    assert begun
    assert begun != done
    assert "obfuscation" in next(e for e in events if e["type"].endswith(".delta"))


@pytest.mark.parametrize(
    "change", ["nothing", "its ids", "a null", "its end", "its start", "unfinished", "another account"], ids=str
)
def test_reasoning_comes_back_as_it_was_or_is_refused(responses_fake: ResponsesFake, change: str) -> None:
    output_items = ask_responses(responses_fake, **STATELESS).json()["output"]
    sealed = output_items[0]["encrypted_content"]
    foreign = ResponsesFake("sk-of-another-account").memory.seal("x")
    changed = {
        "its end": sealed[:-3] + "A==",
        "its start": "A" + sealed[1:],
        "unfinished": sealed[:64],
        "another account": foreign,
    }
    output_items[0]["encrypted_content"] = changed.get(change, sealed)
    if change == "its ids":
        for item in output_items:
            del item["id"]
    if change == "a null":
        output_items[0]["content"] = None
    answer = ask_responses(responses_fake, **STATELESS, input=[USER, *output_items, output(WEATHER.id)])

    if change in changed:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_encrypted_content")
    else:
        assert answer.status_code == 200, answer.text
        assert [item["type"] for item in answer.json()["output"]] == ["message"]


def test_reasoning_must_be_followed_by_what_it_led_to(responses_fake: ResponsesFake) -> None:
    reasoning, *_ = ask_responses(responses_fake, **STATELESS).json()["output"]
    for items in ([USER, reasoning], [USER, reasoning, USER]):
        answer = ask_responses(responses_fake, **STATELESS, input=items)
        assert answer.status_code == 400
        assert "without its required following item" in answer.json()["error"]["message"]


def test_an_id_of_an_answer_that_was_not_kept_is_unknown(responses_fake: ResponsesFake) -> None:
    for store, status in ((False, 404), (True, 200)):
        asked = {**STATELESS, "store": store, "include": []}
        first = ask_responses(responses_fake, **asked).json()
        result = output(WEATHER.id)
        references = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]
        by_reference = ask_responses(responses_fake, **asked, input=[USER, *references, result])
        with_ids = ask_responses(responses_fake, **asked, input=[USER, *first["output"], result])
        assert [status, status] == [by_reference.status_code, with_ids.status_code]
        if not store:
            assert "Items are not persisted" in by_reference.json()["error"]["message"]
        before = ask_responses(responses_fake, **asked, input=[result], previous_response_id=first["id"])
        assert (200 if store else 400) == before.status_code
        if store:
            without = ask_responses(responses_fake, **asked, input=[USER, *first["output"][1:], result])
            assert "without its required 'reasoning' item" in without.json()["error"]["message"]
    unknown = ask_responses(responses_fake, conversation="conv_1")
    assert (404, "conversation") == (unknown.status_code, unknown.json()["error"]["param"])


def test_calls_go_to_the_kind_of_tool_that_is_declared(responses_fake: ResponsesFake) -> None:
    namespace = {"type": "namespace", "name": "n", "description": "x", "tools": [function("inner")]}
    for stream in (False, True):
        answer = ask_responses(responses_fake, model="gpt-4.1-parallel", tools=[CUSTOM, namespace], stream=stream)
        folded = check_responses_stream(answer.content) if stream else fold_responses_answer(answer.json())
        assert [("shell", WEATHER.text), ("inner", "{}")] == [(c.name, c.arguments) for c in folded.calls]
    custom, inner = ask_responses(responses_fake, model="gpt-4.1-parallel", tools=[CUSTOM, namespace]).json()["output"]
    assert ("custom_tool_call", WEATHER.text) == (custom["type"], custom["input"])
    assert ("function_call", "n") == (inner["type"], inner["namespace"])
    one = ask_responses(responses_fake, model="gpt-4.1-parallel", tools=RESPONSES_TOOLS, parallel_tool_calls=False)
    assert len(one.json()["output"]) == 1
    assert ask_responses(responses_fake, model="gpt-4.1-tool").json()["output"][0]["type"] == "message"


def events_of(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize(
    ("name", "text_events", "kind"),
    [
        ("miderror", 2, "error"),
        ("midnested", 2, "error"),
        ("midfailed", 2, "response.failed"),
        ("earlyerror", 0, "error"),
        ("earlynested", 0, "error"),
        ("earlyfailed", 0, "response.failed"),
        ("failed", 0, "response.failed"),
        ("failedlate", 4, "response.failed"),
    ],
)
def test_errors_in_a_stream_bear_the_next_number(
    responses_fake: ResponsesFake, name: str, text_events: int, kind: str
) -> None:
    raw = ask_responses(responses_fake, model=f"gpt-5.4-{name}", stream=True, **THINKING).content
    events = events_of(raw)
    last = events[-1]
    assert kind == last["type"]
    assert list(range(len(events))) == [event["sequence_number"] for event in events]
    assert text_events == sum(event["type"] == "response.output_text.delta" for event in events)
    if kind == "response.failed":
        assert check_responses_stream(raw, broken=True).error == last["response"]["error"]
    elif name.endswith("nested"):
        assert {"type", "code", "message", "param"} == set(last["error"])
    else:
        assert {"type", "code", "message", "param", "sequence_number"} == set(last)


def test_a_stream_can_end_without_its_end_or_count_wrongly(responses_fake: ResponsesFake) -> None:
    for name in ("noterminal", "toolnoterminal", "midunfinished"):
        events = events_of(ask_responses(responses_fake, model=f"gpt-4.1-{name}", stream=True, **WITH).content)
        assert events[-1]["type"] in ("response.output_item.done", "response.output_text.delta")
    events = events_of(ask_responses(responses_fake, model="gpt-4.1-gaps", stream=True).content)
    assert [2] * (len(events) - 1) == [
        b["sequence_number"] - a["sequence_number"] for a, b in itertools.pairwise(events)
    ]
    assert "response.completed" == events[-1]["type"]
    whole = ask_responses(responses_fake, model="gpt-4.1-failed").json()
    assert ("failed", "server_error") == (whole["status"], whole["error"]["code"])
    assert set(RESPONSES_SCRIPTS) & set(SCRIPTS) == set()


def test_the_vendors_sdk_reads_the_fake(responses_fake: ResponsesFake) -> None:
    with openai.OpenAI(api_key=RESPONSES_KEY, base_url=f"{responses_fake.url}/v1", max_retries=0) as sdk:
        with sdk.responses.stream(model="gpt-4.1-unicodebytes", input="Hi") as stream:
            assert stream.get_final_response().output_text == "".join(UNICODE)
        answer = sdk.responses.create(
            model="gpt-5.4-thinkingtool",
            input="Hi",
            tools=RESPONSES_TOOLS,
            reasoning={"effort": "low", "summary": "auto"},
            include=["reasoning.encrypted_content"],
        )
        assert ["reasoning", "message", "function_call"] == [item.type for item in answer.output]
        follow_up = sdk.responses.create(
            model="gpt-5.4-thinkingtool",
            input=[{"type": "function_call_output", "call_id": WEATHER.id, "output": "21"}],
            previous_response_id=answer.id,
            tools=RESPONSES_TOOLS,
        )
        assert "It is 21 °C." == follow_up.output_text
        assert 2095 == sdk.responses.input_tokens.count(model="gpt-4.1-text", input="Hi").input_tokens
        compacted = sdk.responses.compact(model="gpt-4.1-text", input=[{"role": "user", "content": "Remember me"}])
        assert ["message", "compaction"] == [item.type for item in compacted.output]
        assert list(MODELS) == [model.id for model in sdk.models.list()]
        assert MODELS[0] == sdk.models.retrieve(MODELS[0]).id
        with pytest.raises(openai.APIError, match="had an error"):
            list(sdk.responses.create(model="gpt-4.1-midnested", input="Hi", stream=True))


def test_a_compacted_conversation_goes_on(responses_fake: ResponsesFake) -> None:
    said_before = [USER, call(), output(), said(text(kind="output_text"), role="assistant")]
    compacted = ask_responses(responses_fake, "/compact", input=said_before).json()
    assert "response.compaction" == compacted["object"]
    assert ["message", "compaction"] == [item["type"] for item in compacted["output"]]
    answer = ask_responses(responses_fake, input=[*compacted["output"], USER])
    assert answer.status_code == 200, answer.text


def test_counting_takes_no_more_than_it_needs(responses_fake: ResponsesFake) -> None:
    for field in ({"max_output_tokens": 20}, {"stream": False}, {"store": False}):
        for at in ("/input_tokens", "/compact"):
            answer = ask_responses(responses_fake, at, **field)
            assert (400, "unknown_parameter") == (answer.status_code, answer.json()["error"]["code"])
    assert ask_responses(responses_fake, "/input_tokens", model="gpt-4.1-e429").status_code == 429
    assert ask_responses(responses_fake, "/compact", input=[USER, call()]).status_code == 400


def test_a_lenient_script_takes_unknown_fields_and_foreign_reasoning(responses_fake: ResponsesFake) -> None:
    responses_fake.scripts["lenient"] = Script(lenient=True)
    items = [USER, SEALED, said(text(kind="output_text"), role="assistant"), USER]
    answer = ask_responses(responses_fake, model="gpt-4.1-lenient", input=items, unheard_of=1)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", ["e401", "e403", "e404", "e429", "e500", "e503", "e529", "e400", "etoolong", "e402"])
def test_errors_have_the_vendors_shape(responses_fake: ResponsesFake, name: str) -> None:
    expected = SCRIPTS[name].error
    assert expected is not None
    answer = ask_responses(responses_fake, model=f"m-{name}", stream=True)
    assert expected.status == answer.status_code
    assert {"message", "type", "param", "code"} == set(answer.json()["error"])


def test_responses_wants_its_key_and_its_paths(responses_fake: ResponsesFake) -> None:
    url = f"{responses_fake.url}/v1/models"
    assert HTTP.get(url).status_code == 401
    wrong = HTTP.get(url, headers={"authorization": "Bearer x"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    headers = {"authorization": f"Bearer {RESPONSES_KEY}"}
    assert HTTP.get(f"{url}/gpt-nonexistent", headers=headers).json()["error"]["code"] == "model_not_found"
    assert ask_responses(responses_fake, model="gpt-nonexistent").status_code == 404
    for path in ("/responses", "/v1/responses/", "/v1/responses/resp_1/cancel", "/v1/chat/completions"):
        assert HTTP.post(responses_fake.url + path, headers=headers, json={}).status_code == 404
        assert "no such path here" in responses_fake.violations[-1]
    assert HTTP.get(f"{responses_fake.url}/v1/responses/resp_1", headers=headers).status_code == 404
    HTTP.get(f"{url}?key=x", headers={**headers, "x-stainless-lang": "python"})
    assert "a query came along" in "\n".join(responses_fake.violations)
    assert "x-stainless-lang is not needed here" in "\n".join(responses_fake.violations)

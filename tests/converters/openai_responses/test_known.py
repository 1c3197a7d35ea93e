"""17: nested fields of a Responses request that go nowhere are named."""

from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses.parse import parse_request

HI: JsonObject = {"role": "user", "content": "hi"}


def lost(*items: Json, **fields: Json) -> Loss:
    loss = Loss()
    parse_request({"model": "m", "input": [HI, *items], **fields}, loss)
    return loss


def test_6_ids_and_states_of_items_are_noted() -> None:
    call: JsonObject = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    said: JsonObject = {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": "a"}
    assert set(lost({**call, "status": "completed"}, said).noted) == {"input.id", "input.status"}


def test_17_annotations_of_an_earlier_answer_are_noted() -> None:
    part: JsonObject = {"type": "output_text", "text": "a", "annotations": [{"type": "file_path"}], "logprobs": []}
    assert set(lost({"role": "assistant", "content": [part]}).noted) == {"input.content.annotations"}


def test_17_what_a_model_would_be_told_of_a_tool_is_dropped() -> None:
    tool: JsonObject = {"type": "function", "name": "f", "output_schema": {"type": "object"}, "defer_loading": True}
    space: JsonObject = {"type": "namespace", "name": "n", "tools": [{**tool, "name": "g"}]}
    loss = lost(tools=[tool, space])
    assert set(loss.dropped) == {"tools.output_schema", "tools.tools.output_schema"}
    assert set(loss.noted) == {"tools.defer_loading", "tools.tools.defer_loading"}


def test_3_the_detail_of_a_file_is_dropped() -> None:
    file: JsonObject = {"type": "input_file", "file_url": "https://example.com/a.pdf", "detail": "high"}
    assert set(lost({"role": "user", "content": [file]}).dropped) == {"input.content.detail"}


def test_7_1_the_length_of_a_summary_is_dropped() -> None:
    assert set(lost(reasoning={"summary": "auto"}).dropped) == set()
    assert set(lost(reasoning={"summary": "detailed"}).dropped) == {"reasoning.summary"}
    assert set(lost(reasoning={"generate_summary": "concise"}).dropped) == {"reasoning.generate_summary"}

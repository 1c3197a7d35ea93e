"""A strict stand-in for api.openai.com: Responses and the model list.

Encrypted reasoning is a keyed digest: what comes back altered, or from another account, is refused. Answers are kept unless
the request says `store: false`; an id of one that was not is unknown.
Source: openai-python's request types (the installed version's), and the API's refusals as listed in docs and reports.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, override

from tests.fakes.openai_host import CREATED, OpenAIHost, dotted
from tests.fakes.provider import JsonObject, Refused, bad_request
from tests.fakes.responses_items import item_complaint, items_of
from tests.fakes.responses_memory import Memory
from tests.fakes.responses_output import (
    FAILURE,
    declared_tools,
    failed,
    finished,
    frame,
    new_id,
    played,
    response_object,
    usage_of,
)
from tests.fakes.responses_rules import complaint
from tests.fakes.responses_shape import Kind, item_type, shape_problem
from tests.fakes.scripts import TEXT, THOUGHT, WEATHER, Delivery, Reply, Script, script_of
from tests.fakes.server import Line, Recorded
from tests.fakes.strict import Problem

MODELS = ("gpt-4.1", "gpt-5.4", "o4-mini")
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class ResponsesReply(Reply):
    """failed: the response ends `failed`, with what came before. gaps: sequence numbers are left out."""

    failed: bool = False
    gaps: bool = False


@dataclass(frozen=True)
class ResponsesDelivery(Delivery):
    """form: of the error after `stop_after` frames: an `error` event, flat or nested, or `response.failed`."""

    form: Literal["flat", "nested", "failed"] = "flat"


def _broken(stop_after: int, form: Literal["flat", "nested", "failed"]) -> Script:
    return Script(delivery=ResponsesDelivery(stop_after=stop_after, ending="error", pace=0.02, form=form))


RESPONSES_SCRIPTS: dict[str, Script] = {
    "failed": Script(ResponsesReply(failed=True)),
    "failedlate": Script(ResponsesReply(thinking=THOUGHT, text=TEXT, failed=True)),
    "gaps": Script(ResponsesReply(text=TEXT, gaps=True)),
    "noterminal": Script(delivery=Delivery(stop_after=-1, ending="unfinished")),
    "toolnoterminal": Script(
        Reply(calls=(WEATHER,), stop="tool_calls"), delivery=Delivery(stop_after=-1, ending="unfinished")
    ),
    "earlynested": _broken(1, "nested"),
    "earlyfailed": _broken(1, "failed"),
    "midnested": _broken(4, "nested"),
    "midfailed": _broken(4, "failed"),
}


class ResponsesFake(OpenAIHost):
    """`POST /v1/responses`, `/v1/responses/input_tokens`, `/v1/responses/compact`, `GET /v1/models`, `/v1/models/{id}`, nothing
    else."""

    models = MODELS

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.scripts |= RESPONSES_SCRIPTS
        self.memory = Memory(key)
        self._numbers = itertools.count()

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        if "?" in request.target:
            self.violations.append(f"{request.target}: a query came along")
        match request.method, request.path.split("/")[1:]:
            case "POST", ["v1", "responses"]:
                body = self.json_body(request)
                self._validate(body, "create")
                await self.perform(body, self.script(body), line)
            case "POST", ["v1", "responses", "input_tokens"]:
                self._asked(request, "count")
                await line.answer(200, _JSON, b'{"object": "response.input_tokens", "input_tokens": 2095}')
            case "POST", ["v1", "responses", "compact"]:
                compacted = self._compacted(self._asked(request, "compact"))
                await line.answer(200, _JSON, json.dumps(compacted, ensure_ascii=False).encode())
            case "GET", ["v1", "models"]:
                await line.answer(200, _JSON, self.model_list())
            case "GET", ["v1", "models", name]:
                await line.answer(200, _JSON, self.model_page(name))
            case _:
                raise self.unknown_path(request)

    def _asked(self, request: Recorded, kind: Kind) -> JsonObject:
        """The body of a request that no script answers; its errors are played."""
        body = self.json_body(request)
        self._validate(body, kind)
        if body.get("model") is not None and (error := self.script(body).error):
            raise Refused(error)
        return body

    def _validate(self, body: JsonObject, kind: Kind) -> None:
        script = script_of(str(body.get("model")), self.scripts)
        lenient = script is not None and script.lenient
        if problem := shape_problem(body, kind, lenient=lenient):
            raise _type_error(problem)
        if found := complaint(body):
            raise bad_request(*found)
        if refused := self.memory.refusal(body, items_of(body), lenient=lenient):
            raise refused
        if found := item_complaint(body, self._turns(body)):
            raise bad_request(*found)

    def _turns(self, body: JsonObject) -> list[JsonObject]:
        return self.memory.turns(body, items_of(body))

    @override
    def error_frame(self) -> bytes:
        return frame({"type": "error", **FAILURE, "param": None, "sequence_number": 0})

    @override
    def error_after(self, frames: list[bytes], delivery: Delivery) -> bytes:
        """The next number, and the failed response as far as it came."""
        sent = list(_payloads(frames[: delivery.stop_after]))
        number = sent[-1]["sequence_number"] + 1 if sent else 0
        match delivery:
            case ResponsesDelivery(form="nested"):
                error = {"type": "server_error", **FAILURE, "param": None}
                return frame({"type": "error", "error": error, "sequence_number": number})
            case ResponsesDelivery(form="failed"):
                begun = next(_payloads(frames))["response"]
                done = [event["item"] for event in sent if event["type"] == "response.output_item.done"]
                response = failed(begun, done)
                return frame({"type": "response.failed", "response": response, "sequence_number": number})
            case _:
                return frame({"type": "error", **FAILURE, "param": None, "sequence_number": number})

    @override
    def tool_names(self, body: JsonObject) -> list[str]:
        return list(declared_tools(body))

    @override
    def one_call_only(self, body: JsonObject) -> bool:
        return body.get("parallel_tool_calls") is False

    @override
    def ends_with_results(self, body: JsonObject) -> bool:
        items: list[dict[str, Any]] = self._turns(body)
        spoken = ("function_call", "custom_tool_call", "reasoning")
        own = [i for i, item in enumerate(items) if item_type(item) in spoken or item.get("role") == "assistant"]
        return any(item_type(item).endswith("_call_output") for item in items[max(own, default=-1) + 1 :])

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        begun = response_object(body, new_id("resp_", next(self._numbers)))
        items = [item.done for item in played(body, reply, str(begun["id"]), self.memory)]
        return self._ended(body, reply, begun, items)

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        """The first two events come in one frame, and a part's beginning with its item's: a third frame holds the first word.

        done: of no effect, this protocol has no `[DONE]` that could be missing.
        """
        begun = response_object(body, new_id("resp_", next(self._numbers)))
        items = played(body, reply, str(begun["id"]), self.memory)
        numbers = itertools.count(0, 2 if isinstance(reply, ResponsesReply) and reply.gaps else 1)

        def event(name: str, /, **fields: object) -> bytes:
            return frame({"type": f"response.{name}", "sequence_number": next(numbers), **fields})

        frames = [event("created", response=begun) + event("in_progress", response=begun)]
        for index, item in enumerate(items):
            frames.append(event("output_item.added", output_index=index, item=item.begun))
            at = {"item_id": item.done["id"], "output_index": index}
            for name, fields in item.events:
                sent = event(name, **at, **fields)
                if name.endswith("part.added"):
                    frames[-1] += sent
                else:
                    frames.append(sent)
            frames.append(event("output_item.done", output_index=index, item=item.done))
        end = self._ended(body, reply, begun, [item.done for item in items])
        return [*frames, event(str(end["status"]), response=end)]

    def _ended(self, body: JsonObject, reply: Reply, begun: JsonObject, items: list[JsonObject]) -> JsonObject:
        if isinstance(reply, ResponsesReply) and reply.failed:
            return failed(begun, items)
        end = finished(begun, items, reply)
        if body.get("store") is not False:
            self.memory.keep(end, self._turns(body))
        return end

    def _compacted(self, body: JsonObject) -> JsonObject:
        """What users said stays, the rest is sealed."""
        turns = self._turns(body)
        id_ = new_id("resp_", next(self._numbers))
        said = [
            {"id": new_id("msg_", f"{id_}{n}"), "status": "completed", **item, "type": "message"}
            for n, item in enumerate(turns)
            if item.get("role") == "user"
        ]
        sealed = {
            "id": new_id("cmp_", id_),
            "type": "compaction",
            "encrypted_content": self.memory.seal(json.dumps(turns)),
        }
        return {
            "id": id_,
            "object": "response.compaction",
            "created_at": CREATED,
            "output": [*said, sealed],
            "usage": usage_of(Reply()),
        }


def _payloads(frames: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in b"".join(frames).split(b"\n"):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def _type_error(problem: Problem) -> Refused:
    path = dotted(problem)
    match problem.kind:
        case "missing":
            return bad_request(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")
        case "extra_forbidden":
            return bad_request(f"Unknown parameter: '{path}'.", path, "unknown_parameter")
        case "bad_tag":
            return bad_request(problem.message, path, "invalid_value")
        case "literal_error":
            return bad_request(f"Invalid value for '{path}': {problem.message}", path, "invalid_value")
        case _:
            return bad_request(f"Invalid type for '{path}': {problem.message}", path, "invalid_type")

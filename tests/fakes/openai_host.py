"""What api.openai.com does whatever it is asked for: the key, the error envelope, the model list."""

import json
from typing import override

from tests.fakes.provider import FakeProvider, Refused
from tests.fakes.scripts import HttpError
from tests.fakes.server import Recorded
from tests.fakes.strict import Problem

CREATED = 1_790_000_000
_TYPES = {
    401: "invalid_request_error",
    402: "insufficient_quota",
    404: "invalid_request_error",
    413: "invalid_request_error",
}
_TYPES |= {500: "server_error", 503: "server_error", 529: "server_error"}
_TOO_LONG = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens."


class OpenAIHost(FakeProvider):
    """One of its APIs is a subclass."""

    models: tuple[str, ...] = ()
    own_headers = frozenset(
        "openai-organization openai-project openai-beta idempotency-key x-client-request-id".split()
    )

    @override
    def check_credential(self, request: Recorded) -> None:
        given = request.header("authorization")
        if given is None:
            raise Refused(HttpError(401, "", "You didn't provide an API key.", code=None))
        if given != f"Bearer {self.key}":
            raise Refused(HttpError(401, "", "Incorrect API key provided: sk-****.", code="invalid_api_key"))

    @override
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]:
        message = _TOO_LONG if error.code == "context_length_exceeded" else error.message
        kind = _TYPES.get(error.status, error.kind)
        envelope = {"message": message, "type": kind, "param": param, "code": error.code}
        return {"content-type": "application/json", "x-request-id": "req_fake"}, json.dumps(
            {"error": envelope}
        ).encode()

    def model_list(self) -> bytes:
        return json.dumps({"object": "list", "data": [_model(name) for name in self.models]}).encode()

    def model_page(self, name: str) -> bytes:
        if name not in self.models:
            raise Refused(HttpError(404, "", f"The model '{name}' does not exist", code="model_not_found"), "model")
        return json.dumps(_model(name)).encode()


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}


def dotted(problem: Problem) -> str:
    """Where a problem is, as OpenAI writes it: `input[0].content`."""
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in problem.keys)
    return path.removeprefix(".")

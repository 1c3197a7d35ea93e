"""The order of a Gemini history: who begins and ends, calls and their results; and the signatures of its parts.

A signature is a keyed digest of the kind of its part, and of the function's name: one from elsewhere, or one that was moved
to another part, is refused. A signature of the real API is not known to be bound so closely.
"""

import base64
import hmac
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.fakes.gemini_types import decoded

type Body = dict[str, Any]

PLACEHOLDER = "skip_thought_signature_validator"
_STAND_INS = {PLACEHOLDER, base64.b64encode(PLACEHOLDER.encode()).decode()}
_SECRET = b"only this Gemini can sign"
_COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the function"
    " call turn."
)


def sign(kind: str, name: str = "") -> str:
    """kind: `call` of the function `name`, `text` or `thought`. Base64 with `+`, `/` and `=`, as the real ones have."""
    digests = b"".join(hmac.digest(_SECRET, f"{i}{kind}:{name}".encode(), "sha256") for i in range(3))
    return base64.b64encode(b"\xfb\xff\xbf" + digests + b"\x00").decode()


def turns(body: Body) -> Iterator[str]:
    contents = body["contents"]
    if not contents:
        yield "* GenerateContentRequest.contents: contents is not specified"
        return
    for i, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model"):
            yield "Please use a valid role: user, model."
        if not content.get("parts"):
            yield f"* GenerateContentRequest.contents[{i}].parts: contents.parts must not be empty."
    roles = [content.get("role", "user") for content in contents]
    if roles[0] != "user":
        yield "Please ensure that multiturn requests start with a user turn."
    if roles[-1] != "user":
        yield "Please ensure that multiturn requests end with a user role or a function response."
    yield from _results(contents)


def neighbours(body: Body) -> Iterator[str]:
    """The newer backends join neighbours of a role themselves, and some clients rely on it."""
    roles = [content.get("role", "user") for content in body["contents"]]
    if any(role == after for role, after in pairwise(roles)):
        yield "Please ensure that multiturn requests alternate between user and model."


def _results(contents: list[Body]) -> Iterator[str]:
    """Each turn with calls is followed by one with their results: as many, in their order, before anything else."""
    calls: list[Body] = []
    for content in contents:
        parts = content.get("parts") or []
        answers = [part["functionResponse"] for part in parts if part.get("functionResponse") is not None]
        if answers and not calls:
            yield "Please ensure that function response turn comes immediately after a function call turn."
        elif len(answers) != len(calls):
            yield _COUNT
        elif any(part.get("functionResponse") is None for part in parts[: len(answers)]):
            yield "Please ensure that function response parts come first in their turn."
        else:
            for call, answer in zip(calls, answers, strict=True):
                if call.get("name") != answer.get("name"):
                    yield f"Function response `{answer.get('name')}` does not match the function call `{call.get('name')}`."
                if answer.get("id") is not None and answer["id"] != call.get("id"):
                    yield f"Function response id `{answer['id']}` does not match the id of its function call."
        calls = [part["functionCall"] for part in parts if part.get("functionCall") is not None]


def signature_problem(body: Body, *, needed: bool) -> str | None:
    """needed: the model wants the first call of each step of the current turn signed."""
    contents = body["contents"]
    current = max(i for i, content in enumerate(contents) if _is_users(content))
    for i, content in enumerate(contents):
        first = True
        for j, part in enumerate(content.get("parts") or []):
            call, signature = part.get("functionCall"), part.get("thoughtSignature")
            if signature is not None and not _is_own(part, signature):
                return "Thought signature is not valid."
            if call is not None and first:
                first = False
                if needed and i > current and signature is None:
                    return _missing(call["name"], i, j)
    return None


def _is_users(content: Body) -> bool:
    """A turn of the user's own, not one with results of functions."""
    parts = content.get("parts") or []
    return content.get("role") != "model" and not any(part.get("functionResponse") is not None for part in parts)


def _is_own(part: Body, signature: str) -> bool:
    if signature in _STAND_INS:
        return True
    if (call := part.get("functionCall")) is not None:
        return decoded(signature) == decoded(sign("call", call["name"]))
    return decoded(signature) == decoded(sign("thought" if part.get("thought") else "text"))


def _missing(name: str, content: int, part: int) -> str:
    return (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly,"
        " and missing thought_signature may lead to degraded model performance. Additional data, function call"
        f" `default_api:{name}`, position {content}.{part}. Please refer to the documentation of thought signatures."
    )

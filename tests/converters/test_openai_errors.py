"""Errors of both OpenAI protocols (conversion rules 15)."""

import pytest

from converters.errors import Failure, Kind
from converters.openai_errors import error_code, kind_of, write_error


@pytest.mark.parametrize(
    ("status", "words", "message", "kind"),
    [
        (429, ["insufficient_quota"], "", Kind.PAYMENT),
        (403, [], "Free allocated quota exceeded", Kind.PAYMENT),
        (400, [], "This model's maximum context length is 8192 tokens", Kind.CONTEXT_LENGTH),
        (500, [], "maximum context", Kind.SERVER),
        (400, ["invalid_api_key"], "", Kind.AUTH),
        (400, ["image_parse_error"], "", Kind.BAD_REQUEST),
        (503, ["server_is_overloaded"], "", Kind.OVERLOADED),
        (418, [], "", Kind.BAD_REQUEST),
        (599, [], "", Kind.SERVER),
        (404, ["invalid_request_error"], "", Kind.NOT_FOUND),
        (None, ["invalid_request_error"], "", Kind.BAD_REQUEST),
        (None, [], "", Kind.SERVER),
    ],
)
def test_15_2_the_body_is_asked_before_the_status(
    status: int | None, words: list[str], message: str, kind: Kind
) -> None:
    assert kind_of(status, words, message) is kind


def test_15_1_an_error_has_four_members_and_a_status() -> None:
    assert write_error(Failure(529, "later", "model", "odd"), "req_1") == (
        503,
        {"error": {"message": "later", "type": "server_error", "param": "model", "code": "odd"}},
    )
    assert write_error(Failure(401, "no"), "req_1")[1]["error"] == {
        "message": "no",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }


def test_15_2_words_that_clients_act_on_stand_in_place_of_a_vendors_own() -> None:
    assert error_code(Failure(400, "x", code="their_word", kind=Kind.CONTEXT_LENGTH), None) == "context_length_exceeded"
    assert error_code(Failure(400, "x", code="their_word", kind=Kind.BAD_REQUEST), "default") == "their_word"
    assert error_code(Failure(400, "x"), "default") == "default"

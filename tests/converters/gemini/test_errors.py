"""15: errors of the Gemini API, both ways."""

import pytest

from converters.errors import Failure, Kind
from converters.gemini.errors import error_in, read_error, write_error
from converters.json_codec import Json, JsonObject, dumps

TYPE = "type.googleapis.com/google.rpc."


def body(code: int, name: str, message: str = "m", *details: JsonObject) -> JsonObject:
    return {"error": {"code": code, "status": name, "message": message, "details": [*details]}}


def info(reason: str, **metadata: Json) -> JsonObject:
    return {"@type": TYPE + "ErrorInfo", "reason": reason, "metadata": metadata}


def retry(delay: str) -> JsonObject:
    return {"@type": TYPE + "RetryInfo", "retryDelay": delay}


def quota(id_: str) -> JsonObject:
    return {"@type": TYPE + "QuotaFailure", "violations": [{"quotaId": id_}]}


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        (400, body(400, "INVALID_ARGUMENT"), Kind.BAD_REQUEST),
        (400, body(400, "INVALID_ARGUMENT", "m", info("API_KEY_INVALID")), Kind.AUTH),
        (400, body(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"), Kind.CONTEXT_LENGTH),
        (400, body(400, "FAILED_PRECONDITION", "User location is not supported"), Kind.FORBIDDEN),
        (400, body(400, "FAILED_PRECONDITION", "enable billing"), Kind.PAYMENT),
        (401, body(401, "UNAUTHENTICATED"), Kind.AUTH),
        (402, body(402, "FAILED_PRECONDITION"), Kind.PAYMENT),
        (403, body(403, "PERMISSION_DENIED"), Kind.FORBIDDEN),
        (404, body(404, "NOT_FOUND"), Kind.NOT_FOUND),
        (413, body(413, "INVALID_ARGUMENT"), Kind.TOO_LARGE),
        (429, body(429, "RESOURCE_EXHAUSTED"), Kind.RATE_LIMIT),
        (429, body(429, "RESOURCE_EXHAUSTED", "quota, limit: 0"), Kind.PAYMENT),
        (429, body(429, "RESOURCE_EXHAUSTED", "quota, limit: 0.5"), Kind.RATE_LIMIT),
        (429, body(429, "RESOURCE_EXHAUSTED", "You have exhausted your capacity"), Kind.OVERLOADED),
        (429, body(429, "RESOURCE_EXHAUSTED", "m", info("MODEL_CAPACITY_EXHAUSTED")), Kind.OVERLOADED),
        (429, body(429, "RESOURCE_EXHAUSTED", "m", info("INSUFFICIENT_G1_CREDITS_BALANCE")), Kind.PAYMENT),
        (499, body(499, "CANCELLED"), Kind.SERVER),
        (500, body(500, "INTERNAL"), Kind.SERVER),
        (503, body(503, "UNAVAILABLE"), Kind.OVERLOADED),
        (504, body(504, "DEADLINE_EXCEEDED"), Kind.TIMEOUT),
        (503, {"error": "words"}, Kind.OVERLOADED),
        (418, {}, Kind.BAD_REQUEST),
    ],
)
def test_15_2_kinds(status: int, payload: JsonObject, kind: Kind) -> None:
    error = read_error(status, {}, dumps(payload))
    assert (error.kind, error.status) == (kind, status)
    assert str(error)


def test_15_2_a_list_around_the_object_and_an_error_within_the_message() -> None:
    inner = dumps(body(429, "RESOURCE_EXHAUSTED", "slow down", retry("2s"))).decode()
    error = read_error(429, {}, dumps([{"error": {"code": 429, "message": inner}}]))
    assert (str(error), error.kind, error.retry_after) == ("slow down", Kind.RATE_LIMIT, 2)
    deep: Json = "x"
    for _ in range(9):
        deep = dumps({"error": {"message": deep}}).decode()
    assert read_error(500, {}, str(deep).encode()).kind is Kind.SERVER


@pytest.mark.parametrize(
    ("headers", "message", "details", "seconds"),
    [
        ({}, "m", [retry("34.5s")], 34.5),
        ({}, "m", [retry("900ms")], 0.9),
        ({"retry-after": "60"}, "m", [retry("34s")], 60),
        ({}, "m", [info("QUOTA_EXHAUSTED", quotaResetDelay="161h39m41.3s"), retry("1s")], 581981.3),
        ({}, "Please retry in 12.5s", [], 12.5),
        ({}, "Quota exceeded. Resets in 9h22m20s.", [], 33740),
        ({}, "m", [quota("GenerateRequestsPerDayPerProject")], 3600),
        ({}, "m", [quota("GenerateRequestsPerMinute")], 60),
        ({}, "m", [info("RATE_LIMIT_EXCEEDED", quota_limit="PerMinute")], 60),
        ({}, "m", [quota("PerDay"), retry("5s")], 5),
        ({}, "m", [], None),
    ],
)
def test_15_2_how_long_to_wait(
    headers: dict[str, str], message: str, details: list[JsonObject], seconds: float | None
) -> None:
    error = read_error(429, headers, dumps(body(429, "RESOURCE_EXHAUSTED", message, *details)))
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "raw", [b"", b"<title>502 Bad Gateway</title>", b"null", b"[]", b"[5]", b'{"error":{"details":5}}']
)
def test_15_2_any_body_can_be_read(raw: bytes) -> None:
    error = read_error(502, {}, raw)
    assert (error.kind, error.status) == (Kind.SERVER, 502)
    assert str(error)


def test_15_2_a_200_whose_body_is_an_error_is_one() -> None:
    error = error_in([body(503, "UNAVAILABLE", "later")])
    assert error is not None
    assert (error.kind, error.status, error.code) == (Kind.OVERLOADED, 503, "UNAVAILABLE")
    error = error_in({"error": {"status": "RESOURCE_EXHAUSTED"}})
    assert error is not None
    assert (error.kind, error.status) == (Kind.RATE_LIMIT, 429)
    assert error_in({"candidates": []}) is None


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, 400, "INVALID_ARGUMENT"),
        (401, 401, "UNAUTHENTICATED"),
        (402, 402, "FAILED_PRECONDITION"),
        (403, 403, "PERMISSION_DENIED"),
        (404, 404, "NOT_FOUND"),
        (413, 413, "INVALID_ARGUMENT"),
        (429, 429, "RESOURCE_EXHAUSTED"),
        (500, 500, "INTERNAL"),
        (502, 502, "INTERNAL"),
        (503, 503, "UNAVAILABLE"),
        (529, 503, "UNAVAILABLE"),
        (504, 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_15_1_what_the_client_is_told(status: int, code: int, name: str) -> None:
    assert write_error(Failure(status, "m"), "r") == (code, {"error": {"code": code, "message": "m", "status": name}})


def test_15_1_the_wait_and_the_field_are_told() -> None:
    _, told = write_error(Failure(429, "m", "contents", retry_after=1.2), "r")
    assert told["error"] == {
        "code": 429,
        "message": "contents: m",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": TYPE + "RetryInfo", "retryDelay": "2s"}],
    }


@pytest.mark.parametrize("domain", ["cloudcode-pa.googleapis.com", "staging-cloudcode-pa.sandbox.googleapis.com"])
@pytest.mark.parametrize("reason", ["QUOTA_EXHAUSTED", "RATE_LIMIT_EXCEEDED"])
def test_15_2_a_spent_quota_of_code_assist_rests_for_an_hour_unless_it_says_how_long(reason: str, domain: str) -> None:
    def wait(*more: JsonObject, domain: str = domain) -> float | None:
        detail = {**info(reason), "domain": domain}
        return read_error(429, {}, dumps(body(429, "RESOURCE_EXHAUSTED", "m", detail, *more))).retry_after

    assert wait() == 3600
    assert wait(retry("12.5s")) == 12.5
    assert wait(domain="googleapis.com") is None
    assert wait(domain="cloudcode-pa.googleapis.com.example.com") is None


@pytest.mark.parametrize(
    "details",
    [
        [info("VALIDATION_REQUIRED", validation_link="https://example.com/v")],
        [info("VALIDATION_REQUIRED"), {"@type": TYPE + "Help", "links": [{"url": "https://example.com/v"}]}],
    ],
)
def test_15_2_who_must_be_verified_is_told_where(details: list[JsonObject]) -> None:
    error = read_error(403, {}, dumps(body(403, "PERMISSION_DENIED", "Verify.", *details)))
    assert (error.kind, str(error)) == (Kind.FORBIDDEN, "Verify. (https://example.com/v)")
    bare = read_error(403, {}, dumps(body(403, "PERMISSION_DENIED", "Verify.", info("VALIDATION_REQUIRED"))))
    assert str(bare) == "Verify."

"""An attempt that failed before the client heard anything: who is asked next, and what the account gets for it."""

import pytest
from mitmproxy.http import Response

from addons.failover import _MOST_NOT_FOUND
from addons.relay import FailedAttempt
from converters.errors import Kind, UpstreamError
from creds.account import State
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    body_of,
    call,
    live,
    status_of,
)
from tests.addons.pool_rig import (
    Login,
    asked,
    begun,
    broke,
    give_up,
    in_flight,
    member,
    refused,
    rig_of,
    state_of,
)

RESPONSES = "openaiResponses-custom"
STREAMED = CHAT | {"stream": True}


# --- which cause leads where ---


@pytest.mark.parametrize(
    ("status", "headers", "standing"),
    [
        (401, {}, "rest"),
        (402, {}, "stop"),
        (403, {}, "stop"),
        (404, {}, "none"),
        (429, {}, "model"),
        (429, {"retry_after": "7"}, "model"),
        (500, {}, "model"),
        (503, {}, "model"),
        (529, {}, "model"),
    ],
)
async def test_a_refusal_goes_to_the_next_account_and_is_held_against_the_first(
    status: int, headers: dict[str, str], standing: str
) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await refused(rig, flow, status, **headers)).again
    assert (asked(flow), flow.request.host, in_flight(rig)) == (["a", "b"], "b.test", 1)
    assert live(flow).secret_headers == [(b"authorization", b"Bearer sk-key-of-b")]
    state = state_of(rig, "a")
    found = {"rest": state.rest, "stop": state.stop, "model": state.models.get("m"), "none": None}
    assert [name for name, what in found.items() if what is not None] == [standing] * (standing != "none")
    if headers:
        assert state.models["m"].until == rig.now + 7
    await rig.answer(flow, CHAT_ANSWER)
    assert (status_of(flow), in_flight(rig)) == (200, 0)


@pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.BROKEN_STREAM, Kind.TIMEOUT])
async def test_no_answer_goes_to_the_next_account(kind: Kind) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await broke(rig, flow, kind)).again
    assert asked(flow) == ["a", "b"]
    assert (state_of(rig, "a").rest is None) is (kind is not Kind.UNREACHABLE), (
        "a host that is gone is so for all models"
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"choices": []}', b""])
async def test_an_answer_that_is_none_goes_to_the_next_account(body: bytes) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    flow.response = Response.make(200, body, {"content-type": "application/json"})
    rig.upstream_leg.responseheaders(flow)
    fault = live(flow).fault_in(flow.response)
    assert fault is not None
    attempt = FailedAttempt(flow, fault)
    await rig.upstream_leg.attempt_failed(attempt)
    assert attempt.again
    assert (asked(flow), state_of(rig, "a").models["m"].cause) == (["a", "b"], "broken_stream")


@pytest.mark.parametrize(
    ("status", "message"), [(400, "bad"), (413, "too large"), (422, "bad"), (400, "maximum context length is 5 tokens")]
)
async def test_the_clients_own_fault_is_tried_once_and_says_nothing_of_the_account(status: int, message: str) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    await give_up(rig, await refused(rig, flow, status, message))
    assert (status_of(flow), asked(flow), in_flight(rig)) == (status, ["a"], 0)
    assert (state_of(rig, "a").rest, state_of(rig, "a").models) == (None, {})


async def test_a_model_that_many_accounts_do_not_know_is_not_asked_for_of_all() -> None:
    """Nor does a rest, or another one's failure, count for that."""
    names = [f"a{number}" for number in range(_MOST_NOT_FOUND + 3)]
    rig = rig_of(*names)
    flow = await begun(rig)
    assert (await refused(rig, flow, 500)).again
    for _ in range(_MOST_NOT_FOUND - 1):
        assert (await refused(rig, flow, 404)).again
    await give_up(rig, await refused(rig, flow, 404))
    assert (asked(flow), in_flight(rig)) == (names[: _MOST_NOT_FOUND + 1], 0)


async def test_an_answer_that_an_account_keeps_is_looked_for_at_all() -> None:
    number = _MOST_NOT_FOUND + 2
    rig = rig_of(*(member(f"a{each}", RESPONSES, priority=each) for each in range(number)))
    flow = await begun(rig, "/v1/responses/resp_1")
    for _ in range(number - 1):
        assert (await refused(rig, flow, 404)).again
    await give_up(rig, await refused(rig, flow, 404))
    assert (status_of(flow), len(asked(flow)), in_flight(rig)) == (404, number, 0)


async def test_a_conversation_that_another_account_keeps_is_no_fault_of_the_client() -> None:
    rig = rig_of(*(member(name, RESPONSES, priority=number) for number, name in enumerate("ab")))
    body = {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}
    flow = await begun(rig, "/v1/responses", body)
    flow.response = answer = Response.make(
        400,
        b'{"error":{"message":"Previous response not found","code":"previous_response_not_found","type":"invalid_request_error"}}',
        {"content-type": "application/json"},
    )
    attempt = FailedAttempt(flow, UpstreamError(Kind.BAD_REQUEST, "x", status=400), answer)
    await rig.upstream_leg.attempt_failed(attempt)
    assert attempt.again
    assert asked(flow) == ["a", "b"]


# --- the same account once more ---


async def test_a_kept_alive_connection_that_had_ended_says_nothing_of_the_account() -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await broke(rig, flow, Kind.BROKEN_STREAM, reused=True)).again
    assert (asked(flow), in_flight(rig), state_of(rig, "a").models) == (["a", "a"], 1, {})
    assert [attempt.outcome for attempt in live(flow).made] == ["broken_stream", ""]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (2, 3), (9, 3)])
async def test_retries_bound_how_often_one_account_is_asked(retries: int, tries: int) -> None:
    rig = rig_of("a", request_max_retries=retries, request_base_delay=0)
    flow = await begun(rig)
    for number in range(tries):
        attempt = await broke(rig, flow)
        assert attempt.again is (number < tries - 1)
    await give_up(rig, attempt)
    assert (asked(flow), in_flight(rig)) == (["a"] * tries, 0)


async def test_tries_bound_how_often_one_account_is_asked() -> None:
    rig = rig_of("a", request_max_retries=99, account_tries=5, request_base_delay=0)
    flow = await begun(rig)
    while (await broke(rig, flow)).again:
        pass
    assert asked(flow) == ["a"] * 5


@pytest.mark.parametrize(
    ("kind", "again"),
    [(Kind.SERVER, True), (Kind.OVERLOADED, True), (Kind.UNREACHABLE, True), (Kind.TIMEOUT, False), (Kind.AUTH, False)],
)
async def test_only_what_may_pass_is_tried_with_the_same_account(kind: Kind, again: bool) -> None:
    rig = rig_of("a", request_base_delay=0)
    flow = await begun(rig)
    assert (await broke(rig, flow, kind)).again is again


async def test_other_accounts_come_before_the_same_one_again() -> None:
    rig = rig_of("a", "b", request_base_delay=0)
    flow = await begun(rig)
    for _ in range(3):
        assert (await broke(rig, flow)).again
    assert asked(flow) == ["a", "b", "a", "b"]


async def test_a_rest_is_waited_for_before_the_same_account_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a", account_wait_seconds=5, request_base_delay=30)
    waits: list[float] = []

    async def wait(seconds: float, patience: float) -> float:
        waits.append(round(seconds, 3))
        rig.now += seconds
        return patience - seconds

    monkeypatch.setattr(rig.pool, "_wait", wait)
    flow = await begun(rig)
    assert (await broke(rig, flow)).again
    assert waits == [0.03]
    assert round(live(flow).claim.patience, 3) == 4.97
    await rig.answer(flow, CHAT_ANSWER)
    assert state_of(rig, "a").rest is None


# --- credentials ---


async def test_a_refused_credential_is_renewed_once_then_the_next_account_is_asked() -> None:
    login = Login(["token-1", "token-2", "token-3"])
    rig = rig_of(member("a", credential=login), member("b", priority=1))
    flow = await begun(rig)
    assert (await refused(rig, flow, 401)).again
    assert live(flow).secret_headers == [(b"authorization", b"Bearer token-2")]
    assert (state_of(rig, "a").rest, in_flight(rig)) == (None, 1)
    assert (await refused(rig, flow, 401)).again
    assert (asked(flow), login.renewals) == (["a", "a", "b"], 1)
    rest = state_of(rig, "a").rest
    assert rest is not None
    assert rest.cause == "auth"


async def test_each_account_is_renewed_by_itself() -> None:
    logins = [Login(["1", "2"]), Login(["3", "4"])]
    rig = rig_of(*(member(name, credential=login) for name, login in zip("ab", logins, strict=True)))
    flow = await begun(rig)
    for _ in range(3):
        assert (await refused(rig, flow, 401)).again
    assert [login.renewals for login in logins] == [1, 1]
    await give_up(rig, await refused(rig, flow, 401))
    assert in_flight(rig) == 0


async def test_a_credential_that_was_renewed_meanwhile_needs_no_renewal() -> None:
    """Another request has found it out first."""
    login = Login(["token-1", "token-2"])
    rig = rig_of(member("a", credential=login))
    flow = await begun(rig)
    await login.renew()
    assert (await refused(rig, flow, 401)).again
    assert (live(flow).secret_headers, login.renewals) == ([(b"authorization", b"Bearer token-2")], 1)


async def test_a_refusal_that_suspends_the_credential_stops_the_account_for_good() -> None:
    login = Login()
    rig = rig_of(member("a", credential=login), member("b", priority=1))
    flow = await begun(rig)
    login.state, login.advice = State.SUSPENDED, "the provider has suspended it"
    assert (await refused(rig, flow, 403)).again
    stop = state_of(rig, "a").stop
    assert stop is not None
    assert stop.cause == "suspended"


async def test_a_credential_that_cannot_be_used_leads_to_the_next_account() -> None:
    rig = rig_of(member("a", credential=Login(broken="file a is gone")), member("b", priority=1))
    flow = await begun(rig)
    assert (asked(flow), in_flight(rig)) == (["b"], 1)
    rest = state_of(rig, "a").rest
    assert rest is not None
    assert (rest.cause, rest.reason) == ("auth", "file a is gone")


async def test_when_no_credential_can_be_used_the_error_names_the_first() -> None:
    first, second = (member(name, credential=Login(broken=f"file {name} is gone"), priority=ord(name)) for name in "ab")
    rig = rig_of(first, second)
    flow = await rig.ask(call(CHAT_PATH))
    assert (status_of(flow), in_flight(rig)) == (503, 0)
    assert "file a is gone" in body_of(flow)["error"]["message"]
    assert body_of(flow)["error"]["code"] == "no_credential"


async def test_a_credential_that_fails_after_an_attempt_leads_to_the_one_after_it() -> None:
    rig = rig_of(
        member("a"), member("b", credential=Login(broken="file b is gone"), priority=1), member("c", priority=2)
    )
    flow = await begun(rig)
    assert (await refused(rig, flow, 500)).again
    assert (asked(flow), in_flight(rig)) == (["a", "c"], 1)

"""An attempt that failed before the client heard anything: who is asked next, and what the account gets for it."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mitmproxy.http import HTTPFlow, Response

from addons.account_pool import Claim
from addons.failover import _MOST_NOT_FOUND
from addons.relay import FailedAttempt
from converters.errors import ConversionError, Kind, UpstreamError
from creds.account import State
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CHAT_STREAM,
    COUNT_PATH,
    MESSAGE_ANSWER,
    MESSAGES,
    MESSAGES_PATH,
    Rig,
    body_of,
    call,
    live,
    status_of,
)
from tests.addons.pool_rig import (
    OPENAI,
    Login,
    accounts_of,
    asked,
    broke,
    give_up,
    in_flight,
    member,
    refused,
    rig_of,
    state_of,
    stream,
)

CLAUDE = "claude-custom"
RESPONSES = "openaiResponses-custom"
STREAMED = CHAT | {"stream": True}


async def begun(rig: Rig, path: str = CHAT_PATH, body: Any = None, **headers: str) -> HTTPFlow:
    flow = await rig.ask(call(path, body, headers=headers))
    assert flow.response is None, flow.response.content
    return flow


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


# --- chains ---


def chained(**given: Any) -> Rig:
    routes = {"fast": [f"{OPENAI}:gpt", f"{CLAUDE}:claude"]}
    return rig_of(member("a"), member("b", priority=1), member("z", CLAUDE), routes=routes, **given)


FAST = CHAT | {"model": "fast"}


async def test_the_other_accounts_of_a_provider_come_before_the_next_of_the_chain() -> None:
    rig = chained()
    flow = await begun(rig, body=FAST)
    assert (await refused(rig, flow, 429)).again
    assert (await refused(rig, flow, 429)).again
    assert (asked(flow), flow.request.url) == (["a", "b", "z"], "https://z.test/v1/messages")
    assert json.loads(flow.request.content or b"")["model"] == "claude"
    await rig.answer(flow, MESSAGE_ANSWER)
    assert (status_of(flow), in_flight(rig)) == (200, 0)


async def test_the_next_of_the_chain_comes_before_a_wait() -> None:
    """Whoever waited would be found out by the time that the test takes, and by what is left of the patience."""
    rig = chained(account_wait_seconds=60)
    flow = await begun(rig, body=FAST)
    for _ in range(2):
        assert (await asyncio.wait_for(refused(rig, flow, 429, retry_after="30"), 1)).again
    assert (asked(flow), live(flow).claim.patience) == (["a", "b", "z"], 60)


async def test_a_chain_that_begins_with_resting_accounts_goes_on_at_once() -> None:
    rig = chained(account_wait_seconds=60)
    for name in "ab":
        held = await rig.pool.lease(OPENAI, "gpt", Claim(pinned=f"{OPENAI}:{name}"))
        rig.pool.report(held, UpstreamError(Kind.RATE_LIMIT, "x", retry_after=30.0), "req_0")
        rig.pool.end(held)
    flow = await asyncio.wait_for(begun(rig, body=FAST), 1)
    assert asked(flow) == ["z"]


async def test_only_generating_goes_on_to_another_provider() -> None:
    rig = rig_of(member("y", CLAUDE), member("z", "gemini-custom"), routes={"fast": [f"{CLAUDE}:c", "gemini-custom:g"]})
    flow = await begun(rig, COUNT_PATH, MESSAGES | {"model": "fast"})
    await give_up(rig, await refused(rig, flow, 500))
    assert (asked(flow), in_flight(rig)) == (["y"], 0)


async def test_a_vendor_that_cannot_count_is_no_sick_account() -> None:
    rig = rig_of(member("y", CLAUDE))
    flow = await begun(rig, COUNT_PATH)
    response = await give_up(rig, await refused(rig, flow, 501, "no such call"))
    assert (response.status_code, response.headers["x-aiclient-estimated"]) == (200, "1")
    assert (state_of(rig, "y", CLAUDE).rest, state_of(rig, "y", CLAUDE).models) == (None, {})
    assert in_flight(rig) == 0


# --- what the client hears ---


async def test_when_all_rest_the_client_hears_when_the_first_is_back() -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await refused(rig, flow, 429, "first", retry_after="20")).again
    response = await give_up(rig, await refused(rig, flow, 429, "second", retry_after="500"))
    assert (response.status_code, response.headers["retry-after"]) == (429, "20")
    assert "second" in body_of(flow)["error"]["message"]
    later = await rig.ask(call(CHAT_PATH))
    assert (status_of(later), body_of(later)["error"]["message"]) == (
        429,
        "no account of openai-custom is free: openai-custom:a rests for 20 s (first); "
        "openai-custom:b rests for 500 s (second); try again in 20 s",
    )
    assert later.response is not None
    assert later.response.headers["retry-after"] == "20"


async def test_a_rest_of_our_own_making_is_not_told_to_the_client() -> None:
    rig = rig_of("a", request_base_delay=60_000)
    flow = await begun(rig)
    response = await give_up(rig, await refused(rig, flow, 500))
    assert (response.status_code, "retry-after" in response.headers) == (500, False)


async def test_what_a_provider_says_is_scrubbed_of_secrets_in_log_and_state(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aiclient")
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await refused(rig, flow, 403, "key sk-key-of-a\nof org-AbCdEf123456 is \x1b[2J dead")).again
    stop = state_of(rig, "a").stop
    assert stop is not None
    for text in (caplog.text, stop.reason, live(flow).made[0].reason):
        assert "sk-key-of-a" not in text
        assert "org-AbCdEf" not in text
        assert "[redacted]" in text
        assert "\x1b" not in text
    assert (stop.exchange, "\n" in stop.reason) == (live(flow).id, False)


async def test_a_client_that_has_left_is_nobody_to_try_for() -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    flow.client_conn.timestamp_end = 1.0
    flow.client_conn.state = flow.client_conn.state.CLOSED
    assert not (await broke(rig, flow)).again
    assert (asked(flow), in_flight(rig)) == (["a"], 0)


async def test_our_own_deadline_does_not_punish_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a", "b", total_seconds=10)
    flow = await begun(rig)
    live(flow).began -= 11
    attempt = await broke(rig, flow, Kind.TIMEOUT)
    await give_up(rig, attempt)
    assert (asked(flow), state_of(rig, "a").models, in_flight(rig)) == (["a"], {}, 0)


async def test_a_deadline_that_passes_while_an_account_is_waited_for_leaves_what_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay would not send it: the account that was found must not count as one that answered."""
    rig = rig_of("a", "b", total_seconds=10)
    flow = await begun(rig)
    lease = rig.pool.lease

    async def late(*args: Any, **how: Any) -> Any:
        live(flow).began -= 11
        return await lease(*args, **how)

    monkeypatch.setattr(rig.pool, "lease", late)
    attempt = await refused(rig, flow, 500, "the first one's words")
    assert not attempt.again
    assert (asked(flow), live(flow).account, in_flight(rig)) == (["a"], member("a").account, 0)
    await give_up(rig, attempt)
    assert "the first one's words" in body_of(flow)["error"]["message"]


async def test_a_bug_on_the_way_to_the_next_account_leaves_what_came(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer that stands is still read as what it is, and not handed on raw."""
    rig = chained()
    flow = await begun(rig, body=FAST)

    def fail(*_: object) -> None:
        raise KeyError("bug")

    for name in ("as_sent", "converted"):
        monkeypatch.setattr(f"addons.upstream_leg.{name}", fail)
    attempt = await refused(rig, flow, 500, "key sk-key-of-a is bad")
    response = await give_up(rig, attempt)
    assert (response.status_code, asked(flow), in_flight(rig)) == (500, ["a"], 0)
    assert "sk-key-of-a" not in str(body_of(flow))
    assert caplog.text.count("cannot write the request for another") == 2


async def test_when_the_next_account_cannot_take_the_request_what_came_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)

    def refuse(*_: object) -> None:
        raise ConversionError("cannot be written")

    monkeypatch.setattr("addons.upstream_leg.as_sent", refuse)
    response = await give_up(rig, await refused(rig, flow, 500, "first"))
    assert (response.status_code, live(flow).account, in_flight(rig)) == (500, member("a").account, 0)


async def test_flows_of_others_are_left_alone() -> None:
    rig = rig_of("a")
    attempt = FailedAttempt(call(CHAT_PATH), UpstreamError(Kind.UNREACHABLE, "x"))
    await rig.upstream_leg.attempt_failed(attempt)
    assert not attempt.again


# --- leases ---


async def test_a_stream_shows_at_its_first_event_that_the_account_is_well() -> None:
    """Else whoever waits for the half-open account would wait for the whole answer."""
    rig = rig_of("a", request_base_delay=1000)
    flow = await begun(rig)
    await give_up(rig, await broke(rig, flow, Kind.TIMEOUT))
    rig.now += 60
    flow = await begun(rig, body=STREAMED)
    flow.response = Response.make(200, b"", {"content-type": "text/event-stream"})
    rig.upstream_leg.responseheaders(flow)
    pipe = live(flow).pipe
    assert pipe is not None
    assert state_of(rig, "a").models["m"].probe
    pipe.feed(CHAT_STREAM[:-30])
    assert (state_of(rig, "a").models, state_of(rig, "a").in_flight) == ({}, 1)
    pipe.feed(CHAT_STREAM[-30:])
    pipe.close()
    await rig.upstream_leg.response(flow)
    assert in_flight(rig) == 0


async def test_a_stream_that_breaks_off_is_held_against_the_account() -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig, body=STREAMED)
    await stream(rig, flow, [CHAT_STREAM[:200]], cut=True)
    assert (state_of(rig, "a").models["m"].cause, in_flight(rig)) == ("broken_stream", 0)
    assert live(flow).made[-1].outcome == "broken_stream"


STEPS = ["401", "402", "403", "404", "429", "429 later", "500", "529", "reused", "gone", "cut", "late", "bad", "none"]
ENDS = ["answer", "stream", "cut stream", "left", "garbage"]


@examples(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(STEPS), max_size=9),
    st.sampled_from(ENDS),
    st.lists(st.sampled_from(["key", "login", "broken"]), min_size=1, max_size=3),
    st.sampled_from([0, 1, 3]),
    st.booleans(),
    st.booleans(),
)
def test_every_lease_ends_once_whatever_happens(
    steps: list[str], end: str, kinds: list[str], retries: int, crossed: bool, chain: bool
) -> None:
    """Property: when the client has its answer, or has left, no account is in use."""

    async def scenario() -> None:
        made = {"key": lambda: None, "login": lambda: Login(["1", "2"]), "broken": lambda: Login(broken="gone")}
        members = [member(f"a{number}", credential=made[kind]()) for number, kind in enumerate(kinds)]
        targets = [f"{OPENAI}:x", *([f"{CLAUDE}:y"] if chain else [])]
        given_ = {"routes": {"fast": targets}, "request_max_retries": retries, "request_base_delay": 0}
        rig = rig_of(*members, member("z", CLAUDE), **given_)
        body = (MESSAGES if crossed else CHAT) | {"model": "fast", "stream": "stream" in end}
        flow = await rig.ask(call(MESSAGES_PATH if crossed else CHAT_PATH, body))
        for step in steps:
            if flow.response is not None:
                break
            assert in_flight(rig) == 1
            again = await failing(rig, flow, step)
            if again is not None and not again.again:
                await give_up(rig, again)
        if flow.response is None:
            assert in_flight(rig) == 1
            await ending(rig, flow, end)
        assert in_flight(rig) == 0
        assert all(attempt.outcome for attempt in live(flow).made)
        await rig.pool.done()

    asyncio.run(scenario())


async def failing(rig: Rig, flow: HTTPFlow, step: str) -> FailedAttempt:
    match step:
        case "429 later":
            return await refused(rig, flow, 429, retry_after="30")
        case "reused":
            return await broke(rig, flow, Kind.BROKEN_STREAM, reused=True)
        case "gone":
            return await broke(rig, flow)
        case "cut":
            return await broke(rig, flow, Kind.BROKEN_STREAM)
        case "late":
            return await broke(rig, flow, Kind.TIMEOUT)
        case "bad":
            return await refused(rig, flow, 400)
        case "none":
            return await broke(rig, flow, Kind.SERVER)
    return await refused(rig, flow, int(step))


async def ending(rig: Rig, flow: HTTPFlow, end: str) -> None:
    is_claude = live(flow).account == member("z", CLAUDE).account
    match end:
        case "left":
            rig.upstream_leg.error(flow)
            rig.upstream_leg.error(flow)
        case "garbage":
            await rig.answer(flow, b"<html>")
        case "stream" | "cut stream" if not is_claude:
            await stream(rig, flow, [CHAT_STREAM], cut=end == "cut stream")
        case _:
            await rig.answer(flow, MESSAGE_ANSWER if is_claude else CHAT_ANSWER)


async def test_a_bug_that_ends_a_request_ends_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a")

    def fail(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("addons.upstream_leg.as_sent", fail)
    flow = await rig.ask(call(CHAT_PATH))
    assert (status_of(flow), in_flight(rig), state_of(rig, "a").models) == (500, 0, {})


async def test_a_bug_in_reading_an_answer_is_not_held_for_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a")
    flow = await begun(rig)
    await give_up(rig, await broke(rig, flow, Kind.TIMEOUT))
    rig.now += 60
    before = state_of(rig, "a").models

    def fail(*_: object) -> None:
        raise KeyError("bug")

    flow = await begun(rig)
    monkeypatch.setattr("addons.upstream_leg.whole_answer", fail)
    assert (await rig.answer(flow, CHAT_ANSWER)).status_code == 502
    assert (state_of(rig, "a").models, in_flight(rig)) == (before, 0)


async def test_a_request_that_cannot_be_written_ends_its_lease() -> None:
    rig = rig_of(member("z", CLAUDE), strict_conversion=True)
    flow = await rig.ask(call(CHAT_PATH, CHAT | {"seed": 5}))
    assert (status_of(flow), in_flight(rig), state_of(rig, "z", CLAUDE).models) == (400, 0, {})


async def test_settings_that_are_read_again_during_a_lease_harm_nothing() -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    rig.read_again(accounts_of(member("b", priority=1)))
    assert (await refused(rig, flow, 403)).again
    assert (asked(flow), in_flight(rig)) == (["a", "b"], 1)
    await rig.answer(flow, CHAT_ANSWER)
    assert (in_flight(rig), state_of(rig, "b").stop) == (0, None)

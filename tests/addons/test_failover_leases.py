"""Each account that a request has is given back once, with what it has earned, whatever happens."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mitmproxy.http import HTTPFlow, Response

from addons.relay import FailedAttempt
from converters.errors import Kind
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CHAT_STREAM,
    MESSAGE_ANSWER,
    MESSAGES,
    MESSAGES_PATH,
    Rig,
    call,
    live,
    status_of,
)
from tests.addons.pool_rig import (
    CLAUDE,
    OPENAI,
    Login,
    accounts_of,
    asked,
    begun,
    broke,
    give_up,
    in_flight,
    member,
    refused,
    rig_of,
    state_of,
    stream,
)

RESPONSES = "openaiResponses-custom"
STREAMED = CHAT | {"stream": True}


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

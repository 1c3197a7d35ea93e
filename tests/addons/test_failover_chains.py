"""Along the chain of a route, and what the client hears when nobody is left."""

import asyncio
import errno
import json
import logging
import os
from typing import Any

import pytest

from addons.account_pool import Claim
from addons.relay import FailedAttempt
from converters.errors import ConversionError, Kind, UpstreamError
from tests.addons.legs_rig import (
    CHAT,
    CHAT_PATH,
    COUNT_PATH,
    MESSAGE_ANSWER,
    MESSAGES,
    body_of,
    call,
    live,
    status_of,
)
from tests.addons.pool_rig import (
    CLAUDE,
    OPENAI,
    asked,
    begun,
    broke,
    chained,
    give_up,
    in_flight,
    member,
    refused,
    rig_of,
    state_of,
)

RESPONSES = "openaiResponses-custom"
STREAMED = CHAT | {"stream": True}


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


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_that_one_account_is_refused_is_no_answer_where_another_only_rests(status: int) -> None:
    rig = rig_of("a", "b")
    flow = await begun(rig)
    assert (await refused(rig, flow, 429, "first", retry_after="20")).again
    response = await give_up(rig, await refused(rig, flow, status, "second"))
    assert (response.status_code, response.headers["retry-after"]) == (429, "20")
    assert ("first" in response.text, "second" in response.text) == (True, True)


async def test_the_refusal_of_the_only_account_is_told() -> None:
    rig = rig_of("a")
    flow = await begun(rig)
    response = await give_up(rig, await refused(rig, flow, 403, "not for you"))
    assert "not for you" in response.text


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
    assert (asked(flow), in_flight(rig), state_of(rig, "a").rest) == (["a"], 0, None), "and no account is to blame"


async def test_our_own_deadline_does_not_punish_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of("a", "b", total_seconds=10)
    flow = await begun(rig)
    live(flow).began -= 11
    attempt = await broke(rig, flow, Kind.TIMEOUT)
    await give_up(rig, attempt)
    assert (asked(flow), state_of(rig, "a").models, in_flight(rig)) == (["a"], {}, 0)


async def test_our_own_want_of_descriptors_does_not_punish_the_account() -> None:
    """Else a minute of want would put all accounts to rest."""
    rig = rig_of("a")
    flow = await begun(rig)
    words = f"cannot connect: {OSError(errno.EMFILE, os.strerror(errno.EMFILE))}"
    await broke(rig, flow, said=words)
    assert (state_of(rig, "a").rest, state_of(rig, "a").models) == (None, {})


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

"""What a record may say of each try: set by the legs, looked at here through them."""

import json

from addons.attempts import Attempt, shown
from converters.errors import Kind
from tests.addons.legs_rig import CHAT, CHAT_ANSWER, CHAT_PATH, CHAT_STREAM, call, live
from tests.addons.pool_rig import broke, give_up, member, refused, rig_of, stream

BODY = json.dumps(CHAT).encode()


async def test_a_good_answer_is_a_success_with_its_head_and_times() -> None:
    rig = rig_of("a")
    flow = await rig.ask(call(CHAT_PATH))
    (made,) = live(flow).made
    assert (made.outcome, made.ended, made.status) == ("", 0.0, None)
    await rig.answer(flow, CHAT_ANSWER, x_ratelimit_limit_requests="5")
    assert (made.provider, made.account, made.model, made.wire) == ("openai-custom", "openai-custom:a", "m", "chat")
    assert (made.method, made.url) == ("POST", "https://a.test/v1/chat/completions")
    assert (made.outcome, made.reason, made.status) == ("success", "", 200)
    assert 0 < made.began <= made.ended
    assert (b"x-ratelimit-limit-requests", b"5") in made.answer_headers
    assert b"sk-key-of-a" not in repr(made.headers).encode()


async def test_bodies_are_kept_only_where_somebody_wants_them() -> None:
    rig = rig_of("a")
    for keeps in (False, True):
        flow = call(CHAT_PATH)
        rig.client_leg.requestheaders(flow)
        rig.client_leg.request(flow)
        live(flow).keeps_bodies = keeps
        await rig.upstream_leg.request(flow)
        await rig.answer(flow, CHAT_ANSWER)
        (made,) = live(flow).made
        assert (made.body, made.answer) == ((BODY, json.dumps(CHAT_ANSWER).encode()) if keeps else (b"", b""))


async def test_a_refusal_is_told_with_the_providers_words_and_the_next_try_by_itself() -> None:
    rig = rig_of("a", "b")
    flow = await rig.ask(call(CHAT_PATH))
    assert (await refused(rig, flow, 429, "slow down, sk-key-of-a")).again
    first, second = live(flow).made
    assert (first.outcome, first.status, first.reason) == ("rate_limit", 429, "slow down, [redacted]")
    assert (second.account, second.outcome, second.url) == ("openai-custom:b", "", "https://b.test/v1/chat/completions")
    assert first.began <= first.ended <= second.began
    await rig.answer(flow, CHAT_ANSWER)
    assert (first.outcome, second.outcome, live(flow).attempts) == ("rate_limit", "success", 2)


async def test_no_answer_has_no_status() -> None:
    rig = rig_of("a")
    flow = await rig.ask(call(CHAT_PATH))
    await give_up(rig, await broke(rig, flow, Kind.TIMEOUT))
    (made,) = live(flow).made
    assert (made.outcome, made.status, made.reason) == ("timeout", None, "it is timeout")


async def test_a_client_that_left_is_no_failure_of_the_provider() -> None:
    rig = rig_of("a")
    flow = await rig.ask(call(CHAT_PATH))
    rig.upstream_leg.error(flow)
    (made,) = live(flow).made
    assert (made.outcome, made.status, made.ended > 0) == ("cancelled", None, True)


async def test_streams_end_well_or_broken_off() -> None:
    rig = rig_of("a")
    for cut, outcome, reason in ((False, "success", ""), (True, "broken_stream", "cut off")):
        flow = await rig.ask(call(CHAT_PATH, CHAT | {"stream": True}))
        await stream(rig, flow, [CHAT_STREAM[:200] if cut else CHAT_STREAM], cut=cut)
        (made,) = live(flow).made
        assert (made.outcome, made.reason, made.status) == (outcome, reason, 200)


async def test_the_flow_shows_all_tries_without_heads_and_bodies() -> None:
    """mitmweb and dumps see the last request alone."""
    rig = rig_of("a", member("b", priority=1))
    flow = await rig.ask(call(CHAT_PATH))
    assert (await refused(rig, flow, 500, "broken")).again
    await rig.answer(flow, CHAT_ANSWER)
    found = flow.metadata["aiclient"]["attempts"]
    assert [(each["account"], each["status"], each["outcome"], each["reason"]) for each in found] == [
        ("openai-custom:a", 500, "server", "broken"),
        ("openai-custom:b", 200, "success", ""),
    ]
    json.dumps(found)


def test_a_try_that_is_under_way_has_taken_no_time() -> None:
    assert shown(Attempt("p", "p:a", "m", "chat", 5.0))["seconds"] == 0.0
    assert shown(Attempt("p", "p:a", "m", "chat", 5.0, ended=6.23456))["seconds"] == 1.235

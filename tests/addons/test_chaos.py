"""The addons that inject faults, hook by hook. What clients see of it is in tests/e2e/test_chaos.py."""

import logging
from collections.abc import Callable

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.flow import Error
from mitmproxy.http import HTTPFlow, Response

from addons.chaos import HEADER, Chaos, ChaosAnswers, error_of, told
from addons.chaos_plan import FAULTS, Strike
from addons.chaos_stream import PAGE, BrokenPipe, FailedPipe, FaultyPipe
from addons.client_leg import ClientLeg
from addons.exchange import EVENT_STREAM
from addons.providers import catalogue
from addons.settings import Settings
from converters.errors import Kind
from tests.addons.legs_rig import KEY, body_of, call, live, status_of
from tests.addons.test_chaos_stream import EVENTS, Recorder

CHAT = "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


class Rig:
    """Chaos behind a client's leg. waited: seconds; meanwhile: what happens while it waits."""

    def __init__(self, **given: object) -> None:
        self.settings = Settings(**given)  # type: ignore[arg-type]
        self.waited = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        self.chaos = Chaos(lambda: self.settings, self._pause, lambda: 100.0 + self.waited)
        self.answers = ChaosAnswers(self.chaos)
        self.chaos.configure(set())

    async def _pause(self, seconds: float) -> None:
        self.waited += seconds
        self.meanwhile()

    async def ask(self, fault: str | None = None, *, stream: bool = False, path: str = CHAT) -> HTTPFlow:
        flow = call(path, {**BODY, "stream": stream}, headers={} if fault is None else {HEADER: fault})
        content, flow.request.data.content = flow.request.data.content, b""
        leg = ClientLeg(lambda: self.settings, lambda: KEY)
        leg.requestheaders(flow)
        flow.request.data.content = content
        leg.request(flow)
        if (more := self.chaos.request(flow)) is not None:
            await more
        return flow

    def streamed(self, flow: HTTPFlow, inner: Recorder, status: int = 200) -> None:
        """A provider's head has come, and the upstream leg has made its pipe."""
        exchange = live(flow)
        exchange.sent, exchange.pipe, exchange.provider = True, inner, catalogue()["openai-custom"]
        flow.response = Response.make(status, b"", {"content-type": EVENT_STREAM})
        self.answers.responseheaders(flow)

    async def end(self, flow: HTTPFlow) -> None:
        if (more := self.answers.response(flow)) is not None:
            await more


def killed(flow: HTTPFlow) -> bool:
    return flow.error is not None and flow.error.msg == Error.KILLED_MESSAGE


async def test_off_by_default_nothing_is_looked_at() -> None:
    rig = Rig()
    assert rig.chaos.on is False
    flow = await rig.ask("500")
    assert flow.response is None
    rig.streamed(flow, inner := Recorder())
    assert live(flow).pipe is inner
    await rig.end(flow)
    assert flow.response is not None
    assert HEADER not in flow.response.headers


async def test_the_header_counts_only_where_it_is_allowed() -> None:
    rig = Rig(chaos="429=0")
    assert rig.chaos.on
    assert (await rig.ask("500")).response is None
    assert status_of(await Rig(chaos_header=True).ask("500")) == 500


async def test_a_status_is_answered_before_anybody_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    flow = await Rig(chaos="429=1").ask()
    assert status_of(flow) == 429
    assert body_of(flow)["error"]["type"] == "rate_limit_error"
    assert flow.response is not None
    assert (flow.response.headers[HEADER], flow.response.headers["retry-after"]) == ("429", "2")
    assert flow.metadata["aiclient"]["chaos"] == "429"


async def test_an_unknown_wish_is_a_400_that_names_the_nearest() -> None:
    flow = await Rig(chaos_header=True).ask("stal")
    assert status_of(flow) == 400
    assert body_of(flow)["error"]["message"] == f"{HEADER}: there is no fault 'stal'; did you mean stall?"


async def test_a_client_may_wish_for_none() -> None:
    assert (await Rig(chaos="500=1", chaos_header=True).ask("none")).response is None


async def test_a_wish_takes_nothing_from_the_dice() -> None:
    rig, other = (Rig(chaos="500=0.5", chaos_seed="3", chaos_header=True) for _ in range(2))
    plain = [(await rig.ask()).response is None for _ in range(20)]
    mixed = []
    for _ in range(20):
        await other.ask("429")
        mixed.append((await other.ask()).response is None)
    assert plain == mixed
    assert set(plain) == {True, False}


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/models", "/health", "/api/event_logging/batch"])
async def test_only_generating_calls_are_hit(path: str) -> None:
    flow = call(path, BODY if "count" in path else None)
    leg = ClientLeg(lambda: Settings(), lambda: KEY)
    leg.requestheaders(flow)
    had = flow.response
    rig = Rig(chaos="500=1")
    assert rig.chaos.request(flow) is None
    assert flow.response is had


async def test_what_was_refused_already_is_left_alone() -> None:
    flow = await Rig(chaos="500=1").ask(path="/v1/no-such-path")
    assert status_of(flow) == 404


async def test_a_reset_kills_the_flow_and_says_so_to_the_log() -> None:
    rig = Rig(chaos="reset=1")
    flow = await rig.ask()
    assert killed(flow)
    assert flow.response is not None, "so that no provider is asked"
    rig.chaos.error(flow)
    assert flow.error is not None
    assert flow.error.msg == "chaos: reset"
    assert not flow.response, "it was never sent"


async def test_a_client_that_leaves_by_itself_is_not_put_down_to_chaos() -> None:
    rig = Rig(chaos="cut=1")
    flow = await rig.ask(stream=True)
    flow.error = Error("client disconnected")
    rig.chaos.error(flow)
    assert flow.error.msg == "client disconnected"


async def test_a_stall_lasts_as_long_as_it_may() -> None:
    rig = Rig(chaos_header=True, chaos_stall_seconds=30)
    flow = await rig.ask("stall")
    assert killed(flow)
    assert 30 <= rig.waited < 31


async def test_a_stall_ends_when_the_client_leaves() -> None:
    rig = Rig(chaos_header=True, chaos_stall_seconds=0)

    def leave() -> None:
        if rig.waited > 7:
            flow.client_conn.state = ConnectionState.CAN_WRITE

    flow = call(CHAT, BODY, headers={HEADER: "stall"})
    flow.client_conn.state = ConnectionState.OPEN
    rig.meanwhile = leave
    leg = ClientLeg(lambda: rig.settings, lambda: KEY)
    leg.requestheaders(flow)
    leg.request(flow)
    more = rig.chaos.request(flow)
    assert more is not None
    await more
    assert 7 < rig.waited < 8


async def test_a_stall_ends_when_aiclient_is_stopped() -> None:
    """Then `total_seconds` is set to what has passed."""
    rig = Rig(chaos_header=True, chaos_stall_seconds=0)
    flow = call(CHAT, BODY, headers={HEADER: "stall"})
    leg = ClientLeg(lambda: rig.settings, lambda: KEY)
    leg.requestheaders(flow)
    leg.request(flow)
    live(flow).began = 100.0

    def stop() -> None:
        if rig.waited > 3:
            live(flow).total_seconds = 3.0

    rig.meanwhile = stop
    more = rig.chaos.request(flow)
    assert more is not None
    await more
    assert killed(flow)
    assert 3 < rig.waited < 4


async def test_a_whole_answer_is_announced_longer_than_it_is() -> None:
    rig = Rig(chaos_header=True)
    flow = await rig.ask("cut;after=9b")
    await rig.end(flow)
    assert flow.response is not None
    assert flow.response.raw_content == b'{"chaos":'
    assert int(flow.response.headers["content-length"]) > 9
    assert (flow.response.headers["connection"], flow.response.headers[HEADER]) == ("close", "cut;after=9b")
    assert live(flow).failure is not None


async def test_a_whole_answer_becomes_garbage() -> None:
    rig = Rig(chaos_header=True)
    flow = await rig.ask("garbage")
    await rig.end(flow)
    assert flow.response is not None
    assert (flow.response.raw_content, flow.response.headers["content-length"]) == (PAGE, str(len(PAGE)))


async def test_a_stream_that_is_made_here_is_broken_too() -> None:
    """The demo's: it has its answer before the hook for it comes."""
    rig = Rig(chaos_header=True)
    flow = await rig.ask("cut;after=1", stream=True)
    flow.response = live(flow).answer(200, b"".join(EVENTS), EVENT_STREAM)
    await rig.end(flow)
    assert flow.response.raw_content is not None
    assert flow.response.raw_content.startswith(EVENTS[0] + b"data: ")
    assert flow.response.headers["content-length"] == str(len(b"".join(EVENTS)))


@pytest.mark.parametrize(
    ("fault", "dies"), [("cut;after=1", True), ("stall;after=1", True), ("garbage;after=1", False)]
)
async def test_a_stream_is_struck_behind_its_pipe(fault: str, dies: bool) -> None:
    rig = Rig(chaos_header=True)
    flow = await rig.ask(fault, stream=True)
    assert flow.response is None, "its provider is asked"
    rig.streamed(flow, Recorder())
    pipe = live(flow).pipe
    assert isinstance(pipe, BrokenPipe)
    assert flow.response.headers[HEADER] == fault
    pipe.feed(b"".join(EVENTS))
    assert pipe.over
    await rig.end(flow)
    assert killed(flow) == dies
    assert (rig.waited > 0) == fault.startswith("stall")
    failure = live(flow).failure
    assert failure is not None
    assert failure.message == f"chaos: {fault}"


async def test_a_provider_that_refuses_is_told_as_it_is() -> None:
    rig = Rig(chaos_header=True)
    flow = await rig.ask("cut", stream=True)
    live(flow).sent = True
    flow.response = Response.make(503, b"{}", {"content-type": "application/json"})
    rig.answers.responseheaders(flow)
    await rig.end(flow)
    assert (flow.response.raw_content, HEADER in flow.response.headers, killed(flow)) == (b"{}", False, False)


async def test_a_stream_that_comes_whole_from_a_provider_is_cut_before_its_first_byte() -> None:
    """The relay gives a whole answer a length of its own: half of one would be passed off as all."""
    rig = Rig(chaos_header=True)
    flow = await rig.ask("cut", stream=True)
    live(flow).sent = True
    flow.response = Response.make(200, b"{}", {"content-type": "application/json"})
    rig.answers.responseheaders(flow)
    await rig.end(flow)
    assert killed(flow)


async def test_at_the_upstreams_place_each_attempt_throws_the_dice_and_a_wish_counts_once() -> None:
    rig = Rig(chaos_header=True, chaos_place="upstream", chaos="500=1")
    flow = await rig.ask("429", stream=True)
    assert flow.response is None, "nothing is kept from the client"
    rig.streamed(flow, Recorder())
    first = live(flow).pipe
    rig.streamed(flow, second := Recorder())
    assert isinstance(first, FailedPipe)
    assert first.failed is not None
    assert (first.failed.kind, first.failed.status, first.failed.retry_after) == (Kind.RATE_LIMIT, 429, 2)
    assert live(flow).pipe is second
    await rig.end(flow)
    assert flow.response.headers[HEADER] == "429"

    flow = await rig.ask(stream=True)
    for _ in range(2):
        rig.streamed(flow, Recorder())
        assert isinstance(live(flow).pipe, FailedPipe)


async def test_at_the_upstreams_place_a_stream_is_struck_before_it_is_read() -> None:
    rig = Rig(chaos_header=True, chaos_place="upstream")
    flow = await rig.ask("cut;after=1", stream=True)
    rig.streamed(flow, inner := Recorder())
    pipe = live(flow).pipe
    assert isinstance(pipe, FaultyPipe)
    pipe.feed(b"".join(EVENTS))
    assert (inner.got, inner.said) == (EVENTS[:1], [Kind.BROKEN_STREAM])


async def test_a_real_failure_of_an_upstream_is_left_to_it() -> None:
    rig = Rig(chaos="500=1", chaos_place="upstream")
    flow = await rig.ask()
    rig.streamed(flow, inner := Recorder(), status=429)
    assert live(flow).pipe is inner


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_an_error_that_names_itself(fault: str) -> None:
    assert f"(injected by aiclient chaos: {fault}" in str(error_of(Strike(fault)))


def test_the_same_seed_makes_the_same_faults_anew_when_the_settings_change(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(chaos="500=0.5", chaos_seed="1")
    flow = call(CHAT, BODY)
    drawn = [rig.chaos.draw(flow) for _ in range(20)]
    rig.chaos.configure({"aiclient_port"})
    later = [rig.chaos.draw(flow) for _ in range(20)]
    rig.settings = Settings(chaos="500=0.50001", chaos_seed="1")  # type: ignore[arg-type]
    rig.chaos.configure({"aiclient_chaos"})
    assert drawn == [rig.chaos.draw(flow) for _ in range(20)]
    assert drawn != later


def test_faults_are_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aiclient"):
        rig = Rig(chaos="429=0.1, cut=0.025", chaos_header=True)
        rig.chaos.configure(set())
        Rig()
    assert caplog.messages == [told(rig.settings)]
    assert caplog.messages[0].startswith(
        "chaos: faults are injected: 12.5 % of the answers fail on purpose (429 10 %, cut 2.5 %); on demand by header: "
    )
    upstream = Settings(chaos="500=1", chaos_place="upstream")  # type: ignore[arg-type]
    assert told(upstream) == "chaos: faults are injected: 100 % of the attempts fail on purpose (500 100 %)"
    assert "none by rate; on demand" in told(Settings(chaos_header=True))

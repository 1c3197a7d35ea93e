"""One line a request, safe to look at."""

import logging
import re

import pytest
from mitmproxy.flow import Error
from mitmproxy.http import HTTPFlow, Response

from addons.access_log import AccessLog, line
from addons.attempts import Attempt
from addons.exchange import Exchange
from addons.providers import catalogue
from addons.providers.base import Action
from addons.routing import Match
from converters.errors import Failure, Kind, UpstreamError
from converters.events import Usage
from converters.pipe import StreamPipe
from converters.profile import DEFAULT
from converters.wires import WIRES
from creds.account import Account
from creds.api_key import ApiKey
from tests.addons.legs_rig import CHAT_ANSWER, OPENAI_SECRET, Rig, call, live, with_accounts


def exchange(action: Action = Action.GENERATE, model: str = "gpt-5") -> Exchange:
    made = Exchange(Match(action, "chat"), WIRES["chat"], {}, with_accounts())
    made.model = model
    return made


def upstream(made: Exchange) -> Exchange:
    made.provider = catalogue()["claude-custom"]
    made.account = Account("claude-custom", "claude-custom:default", "https://x.test/v1", ApiKey("secret"))
    return made


def test_an_answered_request_is_told_in_full() -> None:
    made = upstream(exchange())
    made.served_model, made.usage = "claude-opus-5", Usage(812, output_total=64)
    made.made = [Attempt("claude-custom", "claude-custom:default", "m", "anthropic", 0.0)] * 2
    made.first_byte = made.began + 0.34
    shape = (
        r"chat gpt-5 -> claude-custom/claude-opus-5 claude-custom:default 200 812\+64 tok 340 ms first \d\.\d\d s 2 attempts "
        + made.id
    )
    assert re.fullmatch(shape, line(made, "200", ""))


def test_what_is_unknown_is_left_out() -> None:
    assert re.fullmatch(r"chat gpt-5 -> - 401 \d\.\d\d s req_\w+", line(exchange(), "401", ""))
    assert re.fullmatch(r"chat - -> - 404 \d\.\d\d s req_\w+", line(exchange(model=""), "404", ""))
    assert re.fullmatch(r"chat models - -> - 200 \d\.\d\d s req_\w+", line(exchange(Action.MODELS, ""), "200", ""))


def test_a_failure_is_told_with_its_reason() -> None:
    made = exchange()
    made.failure = Failure(400, "messages: missing")
    assert line(made, "400", "").endswith(f"{made.id} | messages: missing")
    assert line(made, "200", "broken off: x").endswith("| broken off: x")


@pytest.mark.parametrize("evil", ["\x1b[2J\x1b[31m", "a\r\n200 fake line", "\x00\x07\x9b", "\u2028\u202e", "\ud800"])
def test_what_others_wrote_cannot_move_the_cursor_or_start_a_line(evil: str) -> None:
    made = upstream(exchange(model=evil))
    made.served_model = evil
    text = line(made, "502", evil)
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    text.encode()


def test_what_others_wrote_is_cut() -> None:
    made = upstream(exchange(model="m" * 100_000))
    made.served_model = "s" * 100_000
    assert len(line(made, "502", "r" * 100_000)) < 1000


def test_28_a_credential_that_the_provider_repeats_is_not_logged() -> None:
    made = upstream(exchange())
    made.secret_headers = [(b"authorization", b"Bearer " + OPENAI_SECRET.encode())]
    assert OPENAI_SECRET not in line(made, "200", f"broken off: bad key {OPENAI_SECRET}")


def logged(flow: HTTPFlow, caplog: pytest.LogCaptureFixture, hook: str) -> list[str]:
    caplog.set_level(logging.INFO, "aiclient")
    getattr(AccessLog(), hook)(flow)
    return caplog.messages


async def test_a_flow_is_logged_once_it_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(with_accounts("openai"))
    flow = await rig.ask(call("/v1/chat/completions"))
    await rig.answer(flow, CHAT_ANSWER)
    (said,) = logged(flow, caplog, "response")
    assert said.startswith("chat m -> openai-custom/gpt-5-2026 openai-custom:default 200 3+2 tok ")


async def test_what_mitmproxy_refuses_is_not_taken_for_a_client_that_left(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    flow = rig.head(call("/v1/messages"))
    flow.error = Error("Request body exceeds mitmproxy's body_size_limit.")
    with caplog.at_level("INFO"):
        rig.access_log.error(flow)
    assert " refused " in caplog.text
    assert " 499 " not in caplog.text


async def test_a_client_that_left_is_a_499(caplog: pytest.LogCaptureFixture) -> None:
    flow = await Rig(with_accounts("openai")).ask(call("/v1/chat/completions"))
    flow.error, live(flow).client_left = Error("Client disconnected."), True
    (said,) = logged(flow, caplog, "error")
    assert " 499 " in said
    assert said.endswith("| Client disconnected.")


async def test_a_stream_that_broke_is_told_though_its_status_is_200(caplog: pytest.LogCaptureFixture) -> None:
    flow = await Rig(with_accounts("openai")).ask(call("/v1/chat/completions"))
    wire, ask = WIRES["chat"], live(flow).ask
    assert ask is not None
    pipe = StreamPipe(wire.stream_reader(DEFAULT), wire.stream_writer(ask), live(flow).watch)
    pipe.failed = UpstreamError(Kind.TIMEOUT, "silent for 5 s")
    live(flow).pipe = pipe
    flow.response = Response.make(200)
    (said,) = logged(flow, caplog, "response")
    assert said.endswith("| broken off: silent for 5 s")


@pytest.mark.parametrize("hook", ["response", "error"])
async def test_side_traffic_and_flows_of_others_are_not_logged(caplog: pytest.LogCaptureFixture, hook: str) -> None:
    quiet = await Rig().ask(call("/api/hello"))
    health = await Rig().ask(call("/health"))
    for flow in (quiet, health, call("/v1/messages")):
        assert logged(flow, caplog, hook) == []


async def test_20_the_bodies_of_an_answered_exchange_are_let_go_of() -> None:
    """A finished flow is a reference cycle: what hangs on it would stay until the garbage collector comes."""
    rig = Rig()
    flow = await rig.ask(call("/v1/messages"))
    exchange = live(flow)
    assert exchange.raw
    assert exchange.body

    rig.access_log.response(flow)

    assert not exchange.raw
    assert not exchange.body


@pytest.mark.parametrize("kept", [True, False])
async def test_20_the_request_of_a_finished_flow_is_kept_only_where_somebody_will_look(kept: bool) -> None:
    rig = Rig(with_accounts("openai"))
    flow = await rig.ask(call("/v1/chat/completions"))
    await rig.answer(flow, CHAT_ANSWER)
    AccessLog(lambda: kept).response(flow)
    assert bool(flow.request.data.content) is kept
    assert flow.response is not None
    assert flow.response.data.content

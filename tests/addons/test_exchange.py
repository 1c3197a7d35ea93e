"""The live state of one exchange, and the answers that are made here."""

import gc
import json

import pytest
from mitmproxy.http import Headers, Response

from addons.attempts import Attempt
from addons.exchange import Exchange, _live, fresh_id
from addons.providers import catalogue
from addons.providers.base import Action
from addons.routing import Match
from converters.errors import Failure, Kind, UpstreamError
from converters.events import Finish, Start, TextStart, ToolStart, Usage, UsageUpdate
from converters.wires import WIRES
from tests.addons.legs_rig import call, settings

CHAT = Match(Action.GENERATE, "chat")


def exchange(client: str = "chat", provider: str | None = None) -> Exchange:
    made = Exchange(CHAT, WIRES[client], {}, settings())
    if provider is not None:
        made.provider = catalogue()[provider]
        made.bypass = made.provider.wire is not None and made.provider.wire.name == client
    return made


def test_ids_are_24_fresh_letters_and_digits() -> None:
    ids = {fresh_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id_) == 24 and id_.isalnum() and id_.isascii() for id_ in ids)


def test_an_exchange_lives_as_long_as_its_flow_and_leaves_plain_facts_in_it() -> None:
    flow = call("/v1/messages")
    made = exchange()
    made.attach(flow)
    assert Exchange.of(flow) is made
    assert json.loads(json.dumps(flow.metadata["aiclient"])) == {"id": made.id, "client": "chat"}
    assert Exchange.of(call("/v1/messages")) is None
    del flow
    gc.collect()
    assert made not in _live.values()


def test_22_an_exchange_is_under_way_until_its_flow_is_over() -> None:
    flow = call("/v1/messages")
    made = exchange()
    made.attach(flow)
    flow.live = True
    assert made in Exchange.under_way()
    flow.live = False
    assert made not in Exchange.under_way()


@pytest.mark.parametrize(
    ("seconds", "header", "hammer"),
    [(1.4, "2", None), (0.0, "0", None), (-3.0, "0", None), (60.0, "60", None), (3600.0, "3600", "false")],
)
def test_8_retry_after_is_passed_on(seconds: float, header: str, hammer: str | None) -> None:
    """An SDK ignores a wait over a minute and hammers; `x-should-retry` tells it not to."""
    response = exchange().failure_response(UpstreamError(Kind.RATE_LIMIT, "slow", retry_after=seconds))
    assert response.status_code == 429
    assert response.headers["retry-after"] == header
    assert response.headers.get("x-should-retry") == hammer


def test_an_error_without_a_wait_names_none() -> None:
    assert "retry-after" not in exchange().failure_for(Failure(400, "x")).headers


@pytest.mark.parametrize("client", ["chat", "anthropic"])
def test_every_answer_carries_the_exchanges_id(client: str) -> None:
    made = exchange(client)
    assert made.id.startswith("req_")
    response = made.failure_for(Failure(400, "bad"))
    assert response.headers["x-request-id"] == made.id
    assert response.headers["content-type"] == "application/json"
    assert ("request-id" in response.headers) is (client == "anthropic")  # where Anthropic's SDK looks for it
    if client == "anthropic":
        assert json.loads(response.content or b"")["request_id"] == made.id


def test_a_providers_own_request_id_stays() -> None:
    headers = Headers(request_id="req_of_provider")
    exchange("anthropic").stamp(headers)
    assert headers["request-id"] == "req_of_provider"


@pytest.mark.parametrize(
    ("client", "provider", "header"),
    [
        ("chat", "claude-custom", "chat->anthropic"),
        ("anthropic", "openai-custom", "anthropic->chat"),
        ("chat", "openai-custom", None),
        ("anthropic", "demo", None),
        ("chat", None, None),
    ],
)
def test_17_a_conversion_is_told_of(client: str, provider: str | None, header: str | None) -> None:
    assert exchange(client, provider).answer(200, b"{}").headers.get("x-aiclient-conversion") == header


def test_17_what_was_dropped_in_the_same_protocol_is_told_of_too() -> None:
    made = exchange("chat", "openai-custom")
    made.loss.drop("seed\r\nx-evil: 1", "rejected")
    assert made.answer(200, b"{}").headers["x-aiclient-conversion"] == "chat->chat; dropped=seed__x-evil:_1"


def test_28_our_credentials_and_names_of_the_account_are_taken_out_of_errors() -> None:
    made = exchange()
    made.sent_secrets = {b"topsecret", b"other-secret"}
    message = (
        "key topsecret other-secret of org-AbCdEf123456 in proj_AbCdEf123456 is sk-proj-ab***wxyz, ask the org-chart"
    )
    response = made.failure_response(UpstreamError(Kind.BAD_REQUEST, message))
    told = json.loads(response.content or b"")["error"]["message"]
    assert told == "key [redacted] [redacted] of [redacted] in [redacted] is [redacted], ask the org-chart"
    assert made.failure is not None
    assert made.failure.message == told


def test_an_error_with_half_a_character_can_be_written() -> None:
    assert exchange().failure_for(Failure(404, "no \udcff here")).status_code == 404


def told_first_byte(made: Exchange) -> bool:
    """Start and usage are no content."""
    return made.first_byte is not None


def test_what_the_answer_says_of_itself_is_kept() -> None:
    made = exchange()
    made.watch(Start(model="served"))
    made.watch(UsageUpdate(Usage(5)))
    assert not told_first_byte(made)
    made.watch(TextStart(0))
    assert told_first_byte(made)
    first = made.first_byte
    made.watch(ToolStart(1, "a", "f"))
    made.watch(UsageUpdate(Usage(None, output_total=7)))
    made.watch(Finish("length"))
    made.watch(Start())
    assert made.first_byte == first
    assert made.usage == Usage(5, output_total=7)
    assert made.finish == Finish("length")
    assert made.served_model == "served"


def test_deadlines_are_those_of_the_settings_when_it_began() -> None:
    made = Exchange(
        CHAT, WIRES["chat"], {}, settings(first_byte_seconds=1, idle_seconds=2, heartbeat_seconds=3, total_seconds=4)
    )
    assert (made.first_byte_seconds, made.idle_seconds, made.heartbeat_seconds, made.total_seconds) == (1, 2, 3, 4)


def test_the_first_word_of_an_answer_is_told_once() -> None:
    made, told = exchange(), list[str]()
    made.on_answer = lambda: told.append("well")
    made.watch(Start(model="served"))
    assert told == [], "a stream may still break off without a word"
    made.watch(TextStart(0))
    made.watch(ToolStart(1, "a", "f"))
    assert told == ["well"]


def test_the_providers_id_of_an_answer_is_kept() -> None:
    made = exchange()
    made.watch(Start(id="resp_1"))
    made.watch(Start())
    assert made.answer_id == "resp_1"


def test_an_answer_that_came_to_nothing_leaves_nothing_behind() -> None:
    made = exchange()
    made.watch(Start(id="resp_1", model="served"))
    made.watch(UsageUpdate(Usage(5)))
    made.watch(TextStart(0))
    made.watch(Finish("stop"))
    made.answered, made.on_answer = made.answer(200, b""), list
    made.forget_answer()
    assert (made.usage, made.finish, made.served_model, made.first_byte) == (Usage(), None, None, None)
    assert (made.answered, made.answer_id, made.on_answer) == (None, None, None)


def test_an_answer_is_read_where_there_is_a_reader_alone() -> None:
    made, answer = exchange(), Response.make(200, b"x")
    assert (made.fault_in(answer), made.answered) == (None, None)
    made.read = lambda _, found: found
    assert (made.fault_in(answer), made.answered) == (None, answer)

    def broken(*_: object) -> Response:
        raise UpstreamError(Kind.BROKEN_STREAM, "no answer")

    made.read = broken
    fault = made.fault_in(answer)
    assert fault is not None
    assert fault.kind is Kind.BROKEN_STREAM


def test_attempts_are_counted_over_all_providers() -> None:
    made = exchange()
    made.made.append(Attempt("openai-custom", "openai-custom:a", "m", "chat", 0.0))
    before = made.snapshot()
    made.turn_to(catalogue()["claude-custom"], None, "other")
    made.made.append(Attempt("claude-custom", "claude-custom:a", "other", "anthropic", 0.0))
    assert made.attempts == 2
    made.return_to(before)
    assert (made.attempts, made.provider, made.target_model) == (2, None, "")

"""What is read of a request, and what is refused of it before a provider is asked."""

import gzip
import json
import zlib

import pytest
from mitmproxy.connection import ConnectionState

from addons.exchange import Exchange
from addons.providers.base import Action
from tests.addons.legs_rig import BODIES, CHAT, Rig, body_of, call, code_of, head, live, settings, status_of

PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/models/x")


@pytest.mark.parametrize(
    ("length", "status"),
    [("1024", None), ("1025", 413), ("9" * 30, 413), ("9" * 5000, 413), ("-5", None), ("²", None), ("", None)],
)
def test_20_a_declared_length_over_the_limit_is_413_before_the_body_comes(length: str, status: int | None) -> None:
    flow = call("/v1/messages", headers={"content-length": length})
    head(flow, body_limit="1k")
    assert (flow.response.status_code if flow.response else None) == status


def test_a_stranger_is_not_told_of_limits() -> None:
    assert (
        status_of(head(call("/v1/messages", headers={"content-length": "9999999"}, key=None), body_limit="1k")) == 401
    )


def nested(levels: int) -> bytes:
    """A body of so many levels; its strings hold brackets, which are none."""
    deep = b"[" * (levels - 1) + b"1" + b"]" * (levels - 1)
    return json.dumps(CHAT | {"x": "[{" * 1000}).encode()[:-1] + b', "y": ' + deep + b"}"


@pytest.mark.parametrize(("limit", "levels", "status"), [(5, 5, 200), (5, 6, 400), (200, 200, 200), (200, 201, 400)])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_1_json_nested_too_deep_is_a_400_that_names_the_limit(
    path: str, limit: int, levels: int, status: int
) -> None:
    body = json.loads(nested(levels)) | ({"input": "Hi"} if "responses" in path else {"max_tokens": 10})
    flow = await Rig(settings(json_depth=limit)).ask(call(path, body))
    assert status_of(flow) == status
    assert status == 200 or f"{limit} levels (json_depth)" in body_of(flow)["error"]["message"]


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
@pytest.mark.parametrize("start", [b"", b'"\\ud800",'])
async def test_1_no_depth_is_too_deep_for_the_check_itself(start: bytes, bracket: bytes) -> None:
    """Lone surrogates go through another parser."""
    flow = await Rig().ask(call("/v1/messages", b'{"model": "m", "x": [' + start + bracket * 200_000))
    assert status_of(flow) == 400
    assert "200 levels (json_depth)" in body_of(flow)["error"]["message"]


class TestConcurrentRequests:
    def test_one_too_many_is_503_and_told_when_to_come_again(self) -> None:
        rig = Rig(settings(concurrent_requests=2))
        first, _second = rig.head(call("/v1/messages")), rig.head(call("/v1/models"))
        for path, kind in [("/v1/chat/completions", "overloaded"), ("/v1/messages", "overloaded_error")]:
            flow = rig.head(call(path))
            assert status_of(flow) in (503, 529)
            assert code_of(flow) == kind
            assert flow.response is not None
            assert flow.response.headers["retry-after"] == "1"
        rig.client_leg.error(first)
        assert rig.head(call("/v1/messages")).response is None

    @pytest.mark.parametrize("end", ["response", "error"])
    def test_a_place_is_given_back_once_however_often_its_end_is_told(self, end: str) -> None:
        rig = Rig(settings(concurrent_requests=2))
        for _ in range(5):
            flow = rig.head(call("/v1/messages"))
            assert flow.response is None
            for _ in range(3):
                getattr(rig.client_leg, end)(flow)
        flows = [rig.head(call("/v1/messages")) for _ in range(3)]
        assert [flow.response is None for flow in flows] == [True, True, False]

    def test_the_end_of_a_request_that_was_refused_frees_no_place(self) -> None:
        rig = Rig(settings(concurrent_requests=1))
        _kept, refused = rig.head(call("/v1/messages")), rig.head(call("/v1/messages"))
        rig.client_leg.response(refused)
        assert rig.head(call("/v1/messages")).response is not None

    def test_a_client_that_is_gone_keeps_no_place_though_no_end_of_its_request_was_told(self) -> None:
        rig = Rig(settings(concurrent_requests=1))
        flow = rig.head(call("/v1/messages"))
        rig.client_leg.client_disconnected(flow.client_conn)
        late = call("/v1/messages")
        late.client_conn.state = ConnectionState.CLOSED
        assert rig.head(late).response is None
        assert rig.head(call("/v1/messages")).response is None

    def test_strangers_and_health_take_no_place_and_wait_for_none(self) -> None:
        rig = Rig(settings(concurrent_requests=1))
        _strangers = [rig.head(call("/v1/messages", key=None)) for _ in range(3)]
        _kept = rig.head(call("/v1/messages"))
        assert _kept.response is None
        assert status_of(rig.head(call("/v1/messages", key=None))) == 401
        assert status_of(rig.head(call("/health", key=None))) == 200

    def test_0_is_no_limit(self) -> None:
        rig = Rig(settings(concurrent_requests=0))
        flows = [rig.head(call("/v1/messages")) for _ in range(50)]
        assert not any(flow.response for flow in flows)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
async def test_compressed_requests_are_read(coding: str, pack: object) -> None:
    assert callable(pack)
    flow = call("/v1/chat/completions", pack(json.dumps(CHAT).encode()), headers={"Content-Encoding": coding})
    await Rig().ask(flow)
    assert live(flow).body == CHAT
    assert live(flow).raw == json.dumps(CHAT).encode()
    assert status_of(flow) == 200  # the demo answers


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", gzip.compress(bytes(3 << 20), mtime=0), 413),
        ("gzip", gzip.compress(json.dumps(CHAT).encode(), mtime=0)[:-9], 400),
        ("gzip", b"plain", 400),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400),
        ("br", b"x", 415),
        ("zstd", b"x", 415),
        ("gzip, gzip", b"x", 415),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_20_bad_and_bulging_compression_is_refused(path: str, coding: str, body: bytes, status: int) -> None:
    flow = await Rig(settings(body_limit="1m")).ask(call(path, body, headers={"content-encoding": coding}))
    assert status_of(flow) == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b'{"model": NaN}',
        b"\xef\xbb\xbf{}",
        '{"model":"m"}'.encode("utf-16"),
        b'{"model": "\xff"}',
        b'{"a":' * 100_000,
        b'{"model":"m","x":["\\ud800",' + b"[" * 3000 + b"]" * 3000 + b"]}",
        b'{"model":"m","n":' + b"9" * 5000 + b"}",
        b"{}",
        b'{"model": ""}',
        b'{"model": 5}',
        b'{"model": null}',
        b'{"model": ["m"]}',
        b'{"model": "m", "stream": 1}',
        b'{"model": "m", "stream": "yes"}',
        b'{"model": "m", "messages": []}',
        b'{"model": "m", "messages": 5}',
        b'{"model": "m"}',
    ],
    ids=lambda body: repr(body[:30]),
)
@pytest.mark.parametrize("path", list(BODIES))
async def test_1_a_malformed_body_is_400_in_the_clients_protocol(path: str, body: bytes) -> None:
    flow = call(path, body, method="POST")
    await Rig().ask(flow)
    assert status_of(flow) == 400
    assert code_of(flow)
    assert Exchange.of(flow) is not None


async def test_an_error_names_the_field() -> None:
    flow = await Rig().ask(call("/v1/chat/completions", {"messages": []}))
    assert body_of(flow)["error"]["param"] == "model"


async def test_a_stream_flag_of_null_means_none() -> None:
    flow = await Rig().ask(call("/v1/chat/completions", CHAT | {"stream": None}))
    assert status_of(flow) == 200
    assert not live(flow).stream


async def test_counting_never_streams() -> None:
    flow = await Rig().ask(call("/v1/messages/count_tokens", BODIES["/v1/messages"] | {"stream": True}))
    assert live(flow).match.action is Action.COUNT
    assert not live(flow).stream

"""Who may call, what is asked, what is read: everything that is refused here never reaches a provider."""

import json
import logging
from pathlib import Path

import pytest
from mitmproxy.flow import Error

import addons.client_leg
from addons.client_leg import ClientLeg, framework_error
from addons.exchange import Exchange
from tests.addons.legs_rig import CHAT, KEY, Rig, body_of, call, everything, head, live, settings, status_of

PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/models/x")


# --- 23: no key, no answer ---


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY.decode()}"},
        {"Authorization": f"bearer   {KEY.decode()} "},
        {"X-Api-Key": KEY.decode()},
        {"x-goog-api-key": KEY.decode()},
    ],
)
def test_the_key_is_taken_in_any_protocols_way(path: str, headers: dict[str, str]) -> None:
    assert head(call(path, headers=headers, key=None)).response is None


@pytest.mark.parametrize("query", ["?key={}", "?beta=true&key={}", "?key={}&beta=true", "?a=1&key={}&b=2"])
def test_the_key_is_taken_from_the_query(query: str) -> None:
    assert head(call("/v1/chat/completions" + query.format(KEY.decode()), CHAT, key=None)).response is None


def test_one_right_key_among_wrong_ones_is_enough() -> None:
    """Claude Code sends both forms, one of which may be a left-over."""
    flow = call("/v1/messages", headers={"x-api-key": "other"}, key=KEY)
    assert head(flow).response is None


@pytest.mark.parametrize(
    "path", [*PATHS, "/v1/embeddings", "/nowhere", "/", "/claude-custom/v1/messages", "/nobody/v1/messages"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {KEY.decode()}"},
        {"authorization": KEY.decode()},
        {"x-api-key": ""},
        {"x-api-key": KEY.decode()[:-1]},
        {"x-api-key": KEY.decode() + "x"},
        {"x-api-key": KEY.decode().upper()},
        {"x-goog-api-key": "ключ"},
        {"cookie": f"key={KEY.decode()}"},
    ],
)
def test_23_a_missing_or_wrong_key_is_401_on_every_path(path: str, headers: dict[str, str]) -> None:
    """Unknown paths as well: what exists is not told to strangers."""
    flow = head(call(path, b"{}", headers=headers, key=None))
    assert status_of(flow) == 401
    assert KEY not in everything(flow)


def test_15_2_the_401_is_written_in_the_clients_protocol() -> None:
    chat = body_of(head(call("/v1/chat/completions", key=None)))
    assert chat["error"]["code"] == "invalid_api_key"
    assert "Authorization: Bearer" in chat["error"]["message"]
    message = body_of(head(call("/v1/messages", key=None)))
    assert message["type"] == "error"
    assert message["error"]["type"] == "authentication_error"


def test_every_shown_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def check(shown: bytes, key: bytes) -> bool:
        compared.append(shown)
        return shown == key

    monkeypatch.setattr(addons.client_leg, "check", check)
    head(call("/v1/messages?key=third", headers={"x-api-key": "second"}, key=KEY))
    assert compared == [KEY, b"second", b"third"]


@pytest.mark.parametrize("query", ["?api-key={}", "?apikey={}&a=1", "?a=1&API_KEY={}", "?Key={}&key=x"])
def test_28_a_key_that_came_in_another_vendors_way_is_not_kept_either(query: str) -> None:
    """It opens nothing, and whoever sends it is told so; the flow may be shown or dumped."""
    path = "/v1/messages" + query.format(KEY.decode())
    flow = head(call(path, headers={"api-key": KEY.decode()}, key=None))
    assert status_of(flow) == 401
    assert KEY not in everything(flow)


@pytest.mark.parametrize("name", ["x-auth-token", "x-api-keys", "X-Forwarded-Authorization", "anthropic-beta"])
def test_28_a_long_key_is_kept_in_no_header_and_no_path_whatever_they_are(name: str) -> None:
    key = b"a-key-of-more-than-sixteen-bytes"
    flow = call(f"/v1/{key.decode()}?token={key.decode()}", headers={name: f"Bearer {key.decode()}"}, key=None)
    ClientLeg(settings, lambda: key).requestheaders(flow)
    assert status_of(flow) == 401
    assert key not in everything(flow)
    assert name.lower() not in live(flow).request_headers


def test_a_short_key_takes_nothing_away() -> None:
    flow = call("/v1/messages", headers={"x-a": "127"}, key=b"127")
    ClientLeg(settings, lambda: b"127").requestheaders(flow)
    assert flow.response is None
    assert flow.request.headers["x-a"] == "127"
    assert flow.request.host_header == "127.0.0.1:3000"


@pytest.mark.parametrize("name", ["..%5c", "..;", "a:b", "a%3fb=c", "a%20b", "%C3%BC", "..%3AgenerateContent", "a.b"])
def test_27_what_is_no_id_of_a_stored_answer_is_not_asked_for(name: str) -> None:
    assert status_of(head(call(f"/v1/responses/{name}", method="GET"))) == 404
    assert head(call("/v1/responses/resp_68-aB/input_items", method="GET")).response is None


def test_an_unset_key_lets_nobody_in() -> None:
    for headers in ({"x-api-key": ""}, {"authorization": "Bearer "}, {}):
        flow = call("/v1/messages", headers=headers, key=None)
        ClientLeg(settings, lambda: b"").requestheaders(flow)
        assert status_of(flow) == 401


def test_a_failure_of_ours_in_the_check_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """mitmproxy logs an exception of a hook and goes on."""

    def fail(*_: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(addons.client_leg, "check", fail)
    flow = head(call("/v1/messages"))
    assert status_of(flow) == 500
    assert live(flow).id in body_of(flow)["error"]["message"]
    assert caplog.records


# --- 28: credentials are not kept ---


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/health", "/api/hello"])
def test_28_no_flow_keeps_the_clients_credentials(path: str) -> None:
    headers = {
        "X-API-Key": "s3cret-a",
        "x-goog-api-key": "s3cret-b",
        "Proxy-Authorization": "s3cret-c",
        "Cookie": "s3cret-d",
    }
    flow = head(call(path + "?key=s3cret-e&key=s3cret-f", headers=headers))
    assert b"s3cret" not in everything(flow)
    assert KEY not in everything(flow)
    assert "s3cret" not in repr(vars(live(flow)))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("?key=s", ""),
        ("?key=s&beta=true", "?beta=true"),
        ("?beta=true&key=s", "?beta=true"),
        ("?a=1&key=s&b=2", "?a=1&b=2"),
        ("?key=s&key=t&b=2", "?b=2"),
        ("?key=", ""),
        ("?monkey=1", "?monkey=1"),
        ("?keys=1&key=s", "?keys=1"),
    ],
)
def test_26_the_key_is_taken_out_of_the_query_wherever_it_stands(query: str, left: str) -> None:
    assert head(call("/v1/models" + query)).request.path == "/v1/models" + left


# --- 24: browsers ---


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:3000",
        "localhost",
        "LOCALHOST:3000",
        "[::1]",
        "[::1]:3000",
        "::1",
        "127.9.9.9:1",
        "192.168.1.5:3000",
    ],
)
def test_24_names_of_this_machine_are_served(host: str) -> None:
    """192.168.1.5 is the address the call came in on."""
    assert head(call("/v1/messages", host=host)).response is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.test",
        "evil.test:3000",
        "127.0.0.1.evil.test",
        "localhost.evil.test:3000",
        "evil.test:127.0.0.1",
        "127.0.0.1@evil.test",
        "evil.test@127.0.0.1",
        "[::1].evil.test",
        "[::2]:3000",
        "192.168.1.6",
        "0.0.0.0:3000",
        "127.0.0.1, evil.test",
        "localhost/x",
        "2130706433",
    ],
)
def test_24_a_foreign_host_is_403_before_the_key_is_looked_at(host: str | None) -> None:
    """DNS rebinding: a page's own name points at our address."""
    for key in (KEY, None):
        flow = head(call("/v1/messages", host=host, key=key))
        assert status_of(flow) == 403


def test_24_hosts_of_the_settings_are_served() -> None:
    given = {"allowed_hosts": ["llm.example.test", "FD00::5"], "host": "10.0.0.7", "api_key": "x"}
    for host in ("llm.example.test", "LLM.example.test:3000", "[fd00::5]:3000", "10.0.0.7:3000"):
        assert head(call("/v1/messages", host=host), **given).response is None


def test_24_two_host_headers_are_refused() -> None:
    flow = call("/v1/messages", headers={"host": "evil.test"})
    assert status_of(head(flow)) == 403


def test_24_the_authority_of_http2_is_the_host() -> None:
    flow = call("/v1/messages", host=None)
    flow.request.http_version, flow.request.data.authority = "HTTP/2.0", b"evil.test"
    assert status_of(head(flow)) == 403
    flow = call("/v1/messages", host=None)
    flow.request.http_version, flow.request.data.authority = "HTTP/2.0", b"localhost:3000"
    assert head(flow).response is None


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://127.0.0.1:3000", "", "https://app.test.evil.test"]
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_24_a_foreign_origin_is_403_and_gets_no_cors_header(origin: str, method: str) -> None:
    flow = head(call("/v1/messages", method=method, headers={"Origin": origin}), cors_origins="https://app.test")
    assert status_of(flow) == 403
    assert flow.response is not None
    assert not [name for name in flow.response.headers if name.startswith("access-control")]


def test_24_a_known_origin_needs_the_key_as_well() -> None:
    origin = {"Origin": "https://APP.test"}
    given = {"cors_origins": "https://app.test"}
    assert head(call("/v1/messages", headers=origin), **given).response is None
    refused = head(call("/v1/messages", headers=origin, key=None), **given)
    assert status_of(refused) == 401
    assert refused.response is not None
    assert refused.response.headers["access-control-allow-origin"] == "https://APP.test"
    assert refused.response.headers["vary"] == "origin"


def test_24_a_preflight_of_a_known_origin_is_answered_without_a_key() -> None:
    origin = {"Origin": "https://app.test", "Access-Control-Request-Private-Network": "true"}
    flow = head(call("/v1/messages", b"", method="OPTIONS", headers=origin, key=None), cors_origins="https://app.test")
    assert flow.response is not None
    assert flow.response.status_code == 204
    assert flow.response.headers["access-control-allow-origin"] == "https://app.test"
    assert "x-api-key" in flow.response.headers["access-control-allow-headers"]
    assert "POST" in flow.response.headers["access-control-allow-methods"]
    assert "access-control-allow-private-network" not in flow.response.headers
    assert "access-control-allow-credentials" not in flow.response.headers
    assert "content-length" not in flow.response.headers


def test_an_options_request_without_an_origin_is_no_preflight() -> None:
    assert status_of(head(call("/v1/messages", b"", method="OPTIONS", key=None))) == 401
    assert status_of(head(call("/v1/messages", b"", method="OPTIONS"))) == 405


# --- paths ---


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/embeddings", 404),
        ("POST", "/nobody/v1/messages", 404),
        ("GET", "/v1/messages", 405),
        ("PUT", "/v1/chat/completions", 405),
        ("GET", "/v1/\xff\xfe", 404),
        ("GET", "/v1/models/..%2fmessages", 404),
        ("BREW", "/v1/messages", 405),
    ],
)
def test_an_unknown_path_or_method_is_told_to_those_with_a_key(method: str, path: str, status: int) -> None:
    flow = call("/", b"", method=method)
    flow.request.data.path = path.encode("latin-1")
    assert status_of(head(flow)) == status
    body_of(flow)


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/"), ("GET", "/api/hello"), ("POST", "/api/event_logging/batch")]
)
@pytest.mark.parametrize("key", [KEY, None])
def test_side_traffic_is_answered_with_nothing(method: str, path: str, key: bytes | None) -> None:
    flow = head(call(path, b"", method=method, key=key))
    assert status_of(flow) == 200
    assert flow.response is not None
    assert flow.response.content == (b"" if method == "HEAD" else b"{}")
    assert live(flow).quiet


async def test_23_health_tells_strangers_nothing_but_that_we_live() -> None:
    flow = await Rig(settings(openai_api_key="sk-x")).ask(call("/health", key=None))
    assert body_of(flow) == {"status": "ok"}
    assert status_of(flow) == 200


async def test_health_names_accounts_to_those_with_a_key() -> None:
    flow = await Rig(settings(openai_api_key="sk-x-secret")).ask(call("/health"))
    rows = {
        name: {
            "accounts": [
                {
                    "label": f"{name}:default",
                    "state": "healthy",
                    "reason": "",
                    "since": None,
                    "until": None,
                    "in_flight": 0,
                }
            ]
        }
        for name in ("openai-custom", "openaiResponses-custom")
    }
    assert body_of(flow) == {"status": "ok", "providers": rows}
    assert b"sk-x-secret" not in everything(flow)


async def test_a_wrong_key_is_a_stranger_at_health() -> None:
    flow = await Rig(settings(openai_api_key="sk-x")).ask(call("/health", key=b"wrong"))
    assert body_of(flow) == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/nowhere"])
@pytest.mark.parametrize("key", [KEY, None])
async def test_head_is_answered_without_a_body(path: str, key: bytes | None) -> None:
    """mitmproxy would send it, and the client take it for the next answer on this connection."""
    flow = await Rig().ask(call(path, b"", method="HEAD", key=key))
    assert flow.response is not None
    assert flow.response.raw_content == b""


# --- the rest ---


def test_a_request_that_mitmproxy_refuses_is_left_to_it() -> None:
    flow = call("/v1/messages", headers={"x-api-key": "s3cret"})
    flow.error = Error("malformed")
    head(flow)
    assert flow.response is None
    assert Exchange.of(flow) is None
    assert b"s3cret" not in everything(flow)


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/messages", "anthropic"), ("/v1/chat/completions", "chat"), ("", "chat")]
)
def test_errors_of_mitmproxy_are_json_of_the_paths_protocol(path: str, kind: str) -> None:
    body = json.loads(framework_error(path, 502, "no"))
    assert body["error"]["message"] == "no"
    assert ("type" in body) is (kind == "anthropic")


async def test_nothing_is_logged_of_a_request_that_is_only_refused(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """No key, no header, no body in any log record."""
    caplog.set_level(logging.DEBUG)
    flow = await Rig().ask(call("/v1/messages?key=s3cret", b'{"s3cret": 1}', headers={"x-api-key": "s3cret"}, key=None))
    Rig().access_log.response(flow)
    assert status_of(flow) == 401
    assert "401" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_flow_that_is_read_from_a_file_is_left_as_it_was() -> None:
    """`mitmweb -r`: it is looked at, not answered."""
    flow = call("/v1/models", key=None, host="elsewhere.test")
    flow.live = False
    flow.metadata["aiclient"] = {"id": "req_1"}
    head(flow)
    assert (flow.response, flow.metadata) == (None, {"aiclient": {"id": "req_1"}})
    assert Exchange.of(flow) is None

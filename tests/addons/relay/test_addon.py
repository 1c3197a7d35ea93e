"""The relay under TLS, in a CONNECT tunnel and for HTTP/2 clients: our layer must be in place wherever HTTP is."""

import asyncio
import logging
import ssl
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from tests.addons.relay.rig import LAST, STREAM, Client, Provider, Rig, again, chunk, replies, reset, rig, silent, whole


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca")  # shared: making a CA takes a second


def trusting(*alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


async def test_reverse_mode_with_tls(confdir: Path) -> None:
    async with rig(confdir) as proxy, Provider(reset, replies(STREAM, chunk(b"x END"), LAST)) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        client = Client(*await asyncio.open_connection("127.0.0.1", proxy.port, ssl=trusting("http/1.1")))
        assert (await client.ask()).body == b"X END<end>"
        client.writer.write(b"broken\r\n\r\n")
        assert (await client.answer()).body == b'{"path": "/", "status": 400}'
        client.close()


async def test_reverse_mode_to_an_https_placeholder(confdir: Path) -> None:
    options = {"mode": ["reverse:https://127.0.0.1:9@127.0.0.1:0"]}
    async with rig(confdir, options=options) as proxy, Provider(reset, replies(whole(b"ok"))) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        client = await proxy.client()
        assert (await client.ask()).body == b"ok"


async def test_regular_mode_in_a_tunnel(confdir: Path) -> None:
    options = {"mode": ["regular@127.0.0.1:0"]}
    async with (
        rig(confdir, options=options) as proxy,
        Provider(reset, replies(STREAM, chunk(b"x END"), LAST)) as provider,
    ):
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        client = await proxy.client()
        client.writer.write(b"CONNECT api.example:443 HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 2)
        await client.writer.start_tls(trusting("http/1.1"), server_hostname="api.example")
        assert (await client.ask()).body == b"X END<end>"
        client.close()


async def test_regular_mode_without_a_tunnel(confdir: Path) -> None:
    options = {"mode": ["regular@127.0.0.1:0"]}
    async with rig(confdir, options=options) as proxy, Provider(reset, replies(whole(b"ok"))) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        client = await proxy.client()
        assert (await client.ask(path="http://api.example/v1")).body == b"ok"


async def test_provider_with_tls_is_offered_http_1_1_alone(confdir: Path) -> None:
    bad = replies(STREAM, chunk(b"some"), chunk(b"!"), pause=0.03)
    provider = Provider(
        reset, replies(STREAM, chunk(b"x "), chunk(b"END"), LAST, pause=0.03), bad, replies(whole(b"ok"))
    )
    async with rig(confdir, options={"ssl_insecure": True}) as proxy:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(confdir / "mitmproxy-ca.pem")
        server.set_alpn_protocols(["h2", "http/1.1"])
        await provider.start(tls=server)
        proxy.leg.scheme, proxy.leg.port, proxy.leg.on_failed = "https", provider.port, again
        client = await proxy.client()
        assert (await client.ask()).pieces == [b"X ", b"END", b"<end>"]
        assert (await client.ask()).body == b"SOME[overloaded]"
        assert (await client.ask()).body == b"ok"
        assert provider.chosen == ["http/1.1"] * 3
        assert [asked.connection for asked in provider.asked] == [1, 2, 2, 3]
        await provider.__aexit__()


async def test_provider_whose_certificate_is_not_trusted_is_unreachable(confdir: Path) -> None:
    async with rig(confdir) as proxy, Provider(replies(whole(b"never"))) as trap:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(confdir / "mitmproxy-ca.pem")
        await trap.start(tls=server)
        proxy.leg.scheme, proxy.leg.port = "https", trap.port
        client = await proxy.client()
        assert (await client.ask()).body == b'{"failed": "unreachable"}'
        assert (await client.ask()).status == 502
        assert trap.asked == []


class H2Client:
    """One request after the other, each on its own stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()

    @classmethod
    async def open(cls, proxy: Rig) -> "H2Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port, ssl=trusting("h2")))

    async def ask(
        self, path: str = "/v1", extra: tuple[tuple[str, str], ...] = (), body: bytes = b"hi"
    ) -> tuple[dict[str, str], bytes]:
        number = self.h2.get_next_available_stream_id()
        head = [(":method", "POST"), (":path", path), (":scheme", "https"), (":authority", "us"), *extra]
        self.h2.send_headers(number, head)
        self.h2.send_data(number, body, end_stream=True)
        headers: dict[str, str] = {}
        data = b""
        async with asyncio.timeout(5):
            while True:
                self.writer.write(self.h2.data_to_send())
                for event in self.h2.receive_data(await self.reader.read(65536)):
                    if isinstance(event, h2.events.ResponseReceived):
                        headers = {str(name): str(value) for name, value in event.headers}
                    elif isinstance(event, h2.events.DataReceived):
                        data += event.data
                    elif isinstance(event, h2.events.StreamEnded):
                        return headers, data
                    elif isinstance(event, h2.events.StreamReset):
                        return {}, b"reset"


async def test_http_2_client_gets_streams_and_retries(confdir: Path) -> None:
    async with rig(confdir) as proxy, Provider(reset, replies(STREAM, chunk(b"x END"), LAST)) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        proxy.leg.call.secret_headers = [(b"x-api-key", b"sk")]
        client = await H2Client.open(proxy)
        headers, data = await client.ask()
        assert (headers[":status"], data) == ("200", b"X END<end>")
        assert "transfer-encoding" not in headers
        assert b"x-api-key: sk\r\n" in provider.asked[0].head
        assert (await client.ask())[1] == b"X END<end>"
        client.writer.close()


async def test_http_2_client_gets_refusals_in_json(confdir: Path) -> None:
    async with rig(confdir, options={"body_size_limit": "1k"}) as proxy:
        client = await H2Client.open(proxy)
        headers, data = await client.ask("/big", body=b"z" * 2000)
        assert (headers, data) == (
            {":status": "413", "content-type": "application/json"},
            b'{"path": "/big", "status": 413}',
        )
        client.writer.close()


async def until_ended(client: H2Client, field: tuple[str, str]) -> None:
    """Ask with this field, and wait for the proxy to hang up."""
    head = [(":method", "POST"), (":path", "/v1"), (":scheme", "https"), (":authority", "us"), field]
    client.h2.send_headers(client.h2.get_next_available_stream_id(), head, end_stream=True)
    client.writer.write(client.h2.data_to_send())
    async with asyncio.timeout(5):
        assert any(
            isinstance(event, h2.events.ConnectionTerminated)
            for event in client.h2.receive_data(await client.reader.read())
        )
    client.writer.close()


async def test_http_2_client_that_takes_its_request_back_has_left(confdir: Path) -> None:
    """Its connection stays open."""
    async with rig(confdir) as proxy, Provider(silent) as provider:
        proxy.leg.port = provider.port
        client = await H2Client.open(proxy)
        number = client.h2.get_next_available_stream_id()
        head = [(":method", "POST"), (":path", "/v1"), (":scheme", "https"), (":authority", "us")]
        client.h2.send_headers(number, head, end_stream=True)
        client.writer.write(client.h2.data_to_send())
        await asyncio.sleep(0.1)
        client.h2.reset_stream(number, h2.errors.ErrorCodes.INTERNAL_ERROR)
        client.writer.write(client.h2.data_to_send())
        await asyncio.wait_for(provider.closed.wait(), 2)
        assert proxy.leg.hooks == ["request", "error"]
        assert proxy.leg.call.client_left
        client.writer.close()


@pytest.mark.parametrize("name", ["x-api-key", "bad name"])
async def test_what_http_2_refuses_is_not_quoted_in_the_log(
    confdir: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """A key with a line end behind it, as variables made by `echo` have it."""
    caplog.set_level(logging.INFO)
    async with rig(confdir) as proxy:
        client = await H2Client.open(proxy)
        client.h2.config.validate_outbound_headers = client.h2.config.normalize_outbound_headers = False
        await until_ended(client, (name, "sk-secret\r"))
    assert "HTTP/2 protocol error" in caplog.text
    assert "sk-secret" not in caplog.text


async def test_a_head_of_http_2_over_the_limit_ends_its_connection(confdir: Path) -> None:
    async with rig(confdir, header_limit=1000) as proxy, Provider(replies(STREAM, chunk(b"x END"), LAST)) as provider:
        proxy.leg.port = provider.port
        client = await H2Client.open(proxy)
        assert (await client.ask(extra=(("x-a", "y" * 700),)))[0][":status"] == "200"
        await until_ended(client, ("x-a", "y" * 1000))


@pytest.mark.parametrize(
    ("answered", "taken_back", "ends"), [(0, 100, False), (0, 101, True), (5, 105, False), (5, 106, True)]
)
async def test_an_http_2_client_that_takes_requests_back_without_end_is_hung_up_on(
    confdir: Path, answered: int, taken_back: int, ends: bool
) -> None:
    async with rig(confdir) as proxy, Provider(replies(STREAM, chunk(b"x END"), LAST)) as provider:
        proxy.leg.port = provider.port
        client = await H2Client.open(proxy)
        for _ in range(answered):
            assert (await client.ask())[0][":status"] == "200"
        for _ in range(taken_back):
            number = client.h2.get_next_available_stream_id()
            head = [(":method", "POST"), (":path", "/v1"), (":scheme", "https"), (":authority", "us")]
            client.h2.send_headers(number, head)
            client.h2.reset_stream(number)
        client.writer.write(client.h2.data_to_send())
        if ends:
            async with asyncio.timeout(5):
                events = client.h2.receive_data(await client.reader.read())
            assert h2.errors.ErrorCodes.ENHANCE_YOUR_CALM in [
                event.error_code for event in events if isinstance(event, h2.events.ConnectionTerminated)
            ]
        else:
            assert (await client.ask())[0][":status"] == "200"
        client.writer.close()

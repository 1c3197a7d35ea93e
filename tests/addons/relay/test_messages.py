"""Requests and responses as they are sent and kept."""

import pytest
from mitmproxy.http import Headers, Request, Response

from addons.relay.messages import fault_of, own_copy, with_secrets


def test_secrets_replace_headers_of_their_name_in_a_copy_alone() -> None:
    request = Request.make("POST", "http://p/v1?q=1", b"body", Headers([(b"Authorization", b"client's"), (b"x", b"1")]))
    sent = with_secrets(request, [(b"authorization", b"ours")])
    assert (sent.method, sent.path, sent.host, sent.port) == ("POST", "/v1?q=1", "p", 80)
    assert sent.headers.get_all("authorization") == ["ours"]
    assert sent.headers["x"] == "1"
    assert request.headers.get_all("authorization") == ["client's"]


def test_copy_of_a_response_has_headers_of_its_own() -> None:
    original = Response.make(418, b"", {"connection": "close"})
    copy = own_copy(original)
    del copy.headers["connection"]
    copy.status_code = 200
    assert original.status_code == 418
    copy.status_code = 418
    assert (copy.status_code, copy.reason, copy.http_version) == (418, original.reason, "HTTP/1.1")
    assert original.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (200, [], ""),
        (200, [(b"content-length", b"1"), (b"content-length", b"1")], "multiple content-length headers"),
        (200, [(b"bad name", b"x")], "invalid header name"),
        (101, [], "it switched protocols"),
    ],
)
def test_fault_names_what_is_wrong_without_quoting_it(
    status: int, headers: list[tuple[bytes, bytes]], fault: str
) -> None:
    response = Response.make(status)
    response.headers = Headers(headers)
    assert fault_of(response) == fault

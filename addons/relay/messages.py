"""Requests and responses as the relay sends and keeps them."""

import copy

from mitmproxy import http
from mitmproxy.net.http.validate import validate_headers

HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"content-length")


def own_copy[M: http.Request | http.Response](message: M) -> M:
    """With headers of its own, which are replaced and never changed in place. (`message.copy()` takes ten times as long.)"""
    twin = copy.copy(message)
    twin.data = copy.copy(message.data)
    twin.data.headers = copy.copy(message.data.headers)
    return twin


def with_secrets(request: http.Request, secrets: list[tuple[bytes, bytes]]) -> http.Request:
    """The request's head as it is sent. Its body goes beside it: this copy lives as long as the connection remembers it."""
    names = {name.lower() for name, _ in secrets}
    sent = own_copy(request)
    sent.data.content = None
    sent.headers.fields = (*(field for field in request.headers.fields if field[0].lower() not in names), *secrets)
    return sent


def without_hop_by_hop(headers: http.Headers) -> None:
    """What a provider says of its own connection is not for the client."""
    headers.fields = tuple(field for field in headers.fields if field[0].lower() not in HOP_BY_HOP)


def fault_of(response: http.Response) -> str:
    """What is wrong with a response head, "" if nothing."""
    if response.status_code == 101:
        return "it switched protocols"
    try:
        validate_headers(response)
    except ValueError as error:
        return str(error).partition(":")[0]
    return ""

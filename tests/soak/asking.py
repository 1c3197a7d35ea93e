"""Requests on plain sockets, for clients that do not read, leave, or send what no SDK would."""

import http.client
import socket
import struct
from collections.abc import Iterator, Mapping

from tests.e2e.plain import Plain
from tests.fakes.samples import CLIENT_KEY

RIGHT = {"x-api-key": CLIENT_KEY, "content-type": "application/json"}


def head_of(port: int, path: str, **fields: str) -> bytes:
    """Of a POST. fields: `_` stands for `-`."""
    headers = {"host": f"127.0.0.1:{port}", **RIGHT, **{name.replace("_", "-"): text for name, text in fields.items()}}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def send(port: int, provider: str, ask: Plain, *, receive: int = 0) -> socket.socket:
    """A connection on which this was asked. receive: bytes of the receive buffer, 0: the system's own."""
    sock = socket.socket()
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.settimeout(30)
    sock.connect(("127.0.0.1", port))
    sock.sendall(head_of(port, f"/{provider}{ask.path}", content_length=str(len(ask.raw))) + ask.raw)
    return sock


def reset(sock: socket.socket) -> None:
    """Leave with RST, as a process that is killed with unread bytes does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def whole(port: int, provider: str, ask: Plain, *, seconds: float = 30) -> tuple[int, bytes]:
    """(status, body)."""
    return post(port, f"/{provider}{ask.path}", ask.raw, seconds=seconds)


def post(
    port: int, path: str, body: bytes | Iterator[bytes], more: Mapping[str, str] = RIGHT, *, seconds: float = 30
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", path, body, {**RIGHT, **more})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

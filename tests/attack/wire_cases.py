"""HTTP/1.1 that two readers could read differently, or that is none. Each hides a second, whole request, with the right key, where
a sloppy reader would find one; its model's name gives it away upstream."""

import json
from dataclasses import dataclass

from tests.fakes.samples import CLIENT_KEY

PATH = "/claude-custom/v1/messages"
HIDDEN, SHOWN = "claude-smuggled-text", "claude-sonnet-4-5-text"


@dataclass(frozen=True)
class Case:
    """refused: it must be answered with 4xx or not at all, and nothing of it may go upstream; else the request that is to be
    seen may be served, and only the hidden one may not. unfinished: it is waited for, and must be given up."""

    name: str
    raw: bytes
    refused: bool = True
    unfinished: bool = False


def body_of(model: str) -> bytes:
    return json.dumps({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}).encode()


BODY = body_of(SHOWN)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = str(len(BODY)).encode()
HEAD = f"Host: localhost\r\nx-api-key: {CLIENT_KEY}\r\nContent-Type: application/json\r\n".encode()
LINE = f"POST {PATH} HTTP/1.1\r\n".encode()
HIDDEN_BODY = body_of(HIDDEN)
WHOLE_HIDDEN = LINE + HEAD + b"Content-Length: %d\r\n\r\n" % len(HIDDEN_BODY) + HIDDEN_BODY


def post(*fields: bytes, body: bytes = BODY, line: bytes = LINE, end: bytes = b"\r\n", head: bytes = HEAD) -> bytes:
    return line + head + b"".join(field + end for field in fields) + end + body


def sized(value: bytes, name: bytes = b"Content-Length: ") -> bytes:
    """With this length, and the hidden request behind the body."""
    return post(name + value, body=BODY + WHOLE_HIDDEN)


def coded(*fields: bytes, body: bytes = CHUNKS + WHOLE_HIDDEN) -> bytes:
    return post(*fields, body=body)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


def one(size: bytes, end: bytes = b"\r\n", after: bytes = b"\r\n") -> bytes:
    """One chunk whose size is written like this, and the hidden request behind it."""
    return chunked(size + end + BODY + after + b"0\r\n\r\n" + WHOLE_HIDDEN)


HEX = b"%x" % len(BODY)
TE = b"Transfer-Encoding: chunked"
CL = b"Content-Length: " + LENGTH

CASES: tuple[Case, ...] = (
    # --- two lengths ---
    Case("length and chunks", coded(CL, TE)),
    Case("chunks and length", coded(TE, CL)),
    Case("length 0 and chunks", coded(b"Content-Length: 0", TE)),
    Case("two lengths", post(CL, b"Content-Length: 0", body=BODY + WHOLE_HIDDEN)),
    Case("two lengths, the first 0", post(b"Content-Length: 0", CL, body=WHOLE_HIDDEN)),
    Case("a list of lengths", sized(LENGTH + b", 0")),
    Case("a negative length", sized(b"-1")),
    Case("a signed length", sized(b"+" + LENGTH)),
    Case("a hexadecimal length", sized(b"0x" + HEX)),
    Case("a length with a blank in it", sized(b"1 0")),
    Case("a length with an underscore", sized(LENGTH[:1] + b"_" + LENGTH[1:])),
    Case("an empty length", sized(b"")),
    Case("a length in Arabic digits", sized("٣٣".encode())),
    Case("a length with a point", sized(LENGTH + b".0")),
    Case("a length with an exponent", sized(b"1e2")),
    Case("a length of 30 digits", sized(b"9" * 30)),
    Case("a length of 5,000 digits", sized(b"9" * 5000)),
    Case("a length behind a vertical tab", sized(b"\x0b" + LENGTH)),
    Case("a blank before the colon of the length", sized(LENGTH, b"Content-Length : ")),
    Case("a folded length", sized(b"\r\n " + LENGTH)),
    # --- transfer codings ---
    Case("an unknown coding", coded(b"Transfer-Encoding: xchunked")),
    Case("chunked and identity", coded(b"Transfer-Encoding: chunked, identity")),
    Case("identity and chunked", coded(b"Transfer-Encoding: identity, chunked")),
    Case("chunked twice", coded(b"Transfer-Encoding: chunked, chunked")),
    Case("two codings", coded(TE, b"Transfer-Encoding: identity")),
    Case("two times the same coding", coded(TE, TE)),
    Case("gzip and chunked", coded(b"Transfer-Encoding: gzip, chunked")),
    Case("a coding behind a vertical tab", coded(b"Transfer-Encoding: \x0bchunked")),
    Case("a coding behind a null", coded(b"Transfer-Encoding: \x00chunked")),
    Case("a blank before the colon of the coding", coded(b"Transfer-Encoding : chunked", CL)),
    Case("a folded coding", coded(b"Transfer-Encoding:\r\n chunked", CL)),
    Case("a quoted coding", coded(b'Transfer-Encoding: "chunked"')),
    Case("a coding with a parameter", coded(b"Transfer-Encoding: chunked;q=1")),
    Case("a coding behind a bare CR", coded(b"X: y\rTransfer-Encoding: chunked", CL)),
    Case("a coding behind a bare LF", coded(b"X: y\nTransfer-Encoding: chunked", CL)),
    Case("chunks in HTTP/1.0", post(TE, body=CHUNKS + WHOLE_HIDDEN, line=LINE.replace(b"1.1", b"1.0"))),
    Case("a coding in another letter case", coded(b"tRANSFER-eNCODING: cHUNKED", body=CHUNKS), refused=False),
    Case("a coding with an underscore", post(b"Transfer_Encoding: chunked", CL), refused=False),
    # --- chunks ---
    Case("a negative chunk", one(b"-1")),
    Case("a signed chunk", one(b"+" + HEX)),
    Case("a chunk of 0x", one(b"0x" + HEX)),
    Case("a chunk with an underscore", one(HEX[:1] + b"_" + HEX[1:])),
    Case("a chunk of 2 to the 68", one(b"F" * 17)),
    Case("a chunk of no size", one(b"")),
    Case("a chunk behind a blank", one(b" " + HEX)),
    Case("a chunk ended by a bare LF", one(HEX, end=b"\n")),
    Case("a chunk ended by a bare CR", one(HEX, end=b"\r")),
    Case("a chunk without its line end", one(HEX, after=b"")),
    Case("a chunk with two bytes too many", one(HEX, after=b"xx")),
    Case("a chunk shorter than it says", one(b"%x" % (len(BODY) - 5))),
    Case("an extension with a bare LF", one(HEX + b";a\nb")),
    Case("an extension of a megabyte", one(HEX + b";" + b"a" * 2**20)),
    Case("a size of a megabyte of zeros", one(b"0" * 2**20 + HEX)),
    Case("an extension", one(HEX + b';a="b"').removesuffix(WHOLE_HIDDEN), refused=False),
    Case(
        "trailers that are another length",
        chunked(CHUNKS[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n"),
        refused=False,
    ),
    # --- heads ---
    Case("no colon", post(b"no colon here", CL)),
    Case("a field without a name", post(b": x", CL)),
    Case("a name with a blank", post(b"bad name: x", CL)),
    Case("a name with a null", post(b"bad\x00name: x", CL)),
    Case("a name beyond ASCII", post("ü: x".encode(), CL)),
    Case("a name in parentheses", post(b"(x): y", CL)),
    Case("a null in a value", post(b"X: a\x00b", CL)),
    Case("a bare CR in a value", post(b"X: a\rb", CL)),
    Case("a blank before the first field", post(CL, line=LINE + b" X: y\r\n")),
    Case("no Host", post(CL, head=HEAD.partition(b"\r\n")[2])),
    Case("two hosts", post(b"Host: evil.example", CL)),
    Case("a host with a blank", post(CL, head=HEAD.replace(b"localhost", b"localhost evil"))),
    Case("a host with a user", post(CL, head=HEAD.replace(b"localhost", b"localhost@evil.example"))),
    Case("a host with a path", post(CL, head=HEAD.replace(b"localhost", b"localhost/../evil"))),
    Case("300 kB of head", post(b"X: " + b"y" * 300_000, CL)),
    Case("30,000 fields", post(*(b"X: y" for _ in range(30_000)), CL)),
    Case("a path of 200 kB", post(CL, line=b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\n")),
    Case("a body over the limit", post(b"Content-Length: 99999999999", body=b"")),
    # --- request lines ---
    Case("no version", post(CL, line=LINE.replace(b" HTTP/1.1", b""))),
    Case("two blanks", post(CL, line=LINE.replace(b" HTTP", b"  HTTP"))),
    Case("tabs", post(CL, line=LINE.replace(b" ", b"\t"))),
    Case("a version in lower case", post(CL, line=LINE.replace(b"HTTP", b"http"))),
    Case("version 2.0", post(CL, line=LINE.replace(b"1.1", b"2.0"))),
    Case("version 9.9", post(CL, line=LINE.replace(b"1.1", b"9.9"))),
    Case("version 1.10", post(CL, line=LINE.replace(b"1.1", b"1.10"))),
    Case("HTTP/0.9", b"GET /v1/models\r\n\r\n"),
    Case("a method with a bad character", post(CL, line=LINE.replace(b"POST", b"PO@ST\x0b"))),
    Case("a null in the path", post(CL, line=LINE.replace(b"messages", b"mess\x00ages"))),
    Case("a bare CR in the path", post(CL, line=LINE.replace(b"messages", b"mess\rages"))),
    Case("bytes beyond ASCII in the path", post(CL, line=LINE.replace(b"messages", b"mess\xff\xfeages"))),
    Case("a fragment in the path", post(CL, line=LINE.replace(b"messages", b"messages#/../files"))),
    Case("an asterisk", b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n"),
    Case("TRACE", b"TRACE / HTTP/1.1\r\n" + HEAD + b"\r\n"),
    # --- other protocols ---
    Case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    Case(
        "an upgrade to HTTP/2",
        post(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABk", CL),
        refused=False,
    ),
    Case("an answer in place of a request", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + WHOLE_HIDDEN),
    Case("SOCKS 5", b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x0b\xb8\r\n\r\n" + WHOLE_HIDDEN),
    Case("SMTP", b"EHLO localhost\r\nMAIL FROM:<a@b>\r\n\r\n" + WHOLE_HIDDEN),
    Case("Redis", b"*1\r\n$4\r\nPING\r\n\r\n" + WHOLE_HIDDEN),
    Case("line ends of LF alone", (post(CL, body=b"") + b"").replace(b"\r\n", b"\n") + BODY, refused=False),
    # --- connections ---
    Case("more after Connection: close", post(b"Connection: close", CL, body=BODY + WHOLE_HIDDEN), refused=False),
    Case(
        "more than the length in a GET", b"GET /v1/models HTTP/1.1\r\n" + HEAD + CL + b"\r\n\r\n" + BODY, refused=False
    ),
    Case("an expectation of another kind", post(b"Expect: miracles", CL), refused=False),
    # --- never finished ---
    Case("half a request line", b"POST /v1/mess", unfinished=True),
    Case("half a head", LINE + HEAD, unfinished=True),
    Case("half a body", post(b"Content-Length: 5000"), unfinished=True),
    Case("half a chunk", chunked(b"fff\r\n{"), unfinished=True),
    Case("chunks without an end", chunked(CHUNKS[:-5]), unfinished=True),
    Case("trailers without an end", chunked(CHUNKS[:-2] + b"X: y\r\n"), unfinished=True),
    Case(
        "an expectation, and no body", post(b"Expect: 100-continue", b"Content-Length: 5000", body=b""), unfinished=True
    ),
)

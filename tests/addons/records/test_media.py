"""Pictures and files out of bodies."""

import base64
import hashlib
import json

import pytest

from addons.records.media import media_spans, omit_media, placeholder
from addons.redact import recut
from converters.turns import Base64

CONTENT = bytes(range(256)) * 12
DATA = base64.b64encode(CONTENT).decode()
STANDS = f"[omitted:image/png {len(CONTENT)} bytes sha256:{hashlib.sha256(CONTENT).hexdigest()}]"
PICTURE = Base64("image/png", DATA)


def test_a_known_picture_goes_wherever_it_stands() -> None:
    body = json.dumps({"a": DATA, "url": f"data:image/png;base64,{DATA}", "b": "AAAA"}).encode()
    assert json.loads(omit_media(body, [PICTURE])) == {
        "a": STANDS,
        "url": f"data:image/png;base64,{STANDS}",
        "b": "AAAA",
    }


def test_a_picture_with_escaped_slashes_is_found() -> None:
    assert "/" in DATA
    body = json.dumps({"a": DATA}).replace("/", "\\/").encode()
    assert json.loads(omit_media(body, [PICTURE])) == {"a": STANDS}


@pytest.mark.parametrize("data", [DATA, base64.urlsafe_b64encode(CONTENT).decode()], ids=["standard", "url-safe"])
def test_long_base64_goes_where_the_body_could_not_be_read(data: str) -> None:
    body = f'{{"x": "{data}"}}'.encode()
    assert omit_media(body, []) == body
    assert omit_media(body, [], read=False) == f'{{"x": "{STANDS.replace("image/png", "file")}"}}'.encode()


def test_long_base64_goes_where_a_known_picture_was_written_otherwise() -> None:
    assert DATA.encode() not in omit_media(f'"{DATA}"'.encode(), [Base64("image/png", DATA[:-4] + "AAAA")])


def test_small_ones_stay() -> None:
    body = b'{"x": "AAAA"}'
    assert omit_media(body, [Base64("image/png", "AAAA")]) == body


def test_a_picture_in_a_stream_goes_from_the_chunks_that_it_is_cut_into() -> None:
    data = f'data: "{DATA}" end'.encode()
    out = recut(data, media_spans(data, [PICTURE]), [10, 1000, len(data) - 1010])
    assert out == [f'data: "{STANDS}'.encode(), b"", b'" end']


def test_what_is_no_base64_is_hashed_as_it_is() -> None:
    assert hashlib.sha256(b"abcde").hexdigest().encode() in placeholder(b"abcde", "x/y")

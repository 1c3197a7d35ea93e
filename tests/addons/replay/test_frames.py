"""Frames of a whole stream."""

import pytest

from addons.replay.frames import frames

STREAM = b'\xef\xbb\xbfevent: a\ndata: {"n": 1}\n\n: comment\n\ndata: [DONE]\n\ndata: {"t":\ndata:  "\xc3\xbc\xe2\x80\xa8"}\n\nid: 7\n\n'


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_frames_are_found_with_every_line_end(newline: bytes) -> None:
    found = frames(STREAM.replace(b"\n", newline))
    assert found == [("a", {"n": 1}), ("", "[DONE]"), ("", {"t": "ü\u2028"})]


def test_a_last_frame_without_a_blank_line_counts() -> None:
    assert frames(b"data: 1\n\ndata: 2") == [("", 1), ("", 2)]

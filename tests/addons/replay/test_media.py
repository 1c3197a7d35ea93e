"""What stands in for pictures that a record leaves out."""

import base64

from addons.records.media import placeholder
from addons.replay.media import stood_in


def test_the_same_note_becomes_the_same_base64_in_every_leg() -> None:
    note = placeholder(base64.b64encode(b"picture" * 100), "image/png")
    one, other = stood_in(b'{"url":"data:image/png;base64,%b"}' % note), stood_in(b'{"data":"%b"}' % note)
    data = other.removeprefix(b'{"data":"').removesuffix(b'"}')
    assert base64.b64decode(data, validate=True) == note
    assert data in one
    assert b"[omitted:" not in one


def test_other_brackets_stay() -> None:
    assert stood_in(b"[omitted: nothing]") == b"[omitted: nothing]"

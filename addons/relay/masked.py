"""Answers that their flow holds in another form than the client gets them: without secrets, for whoever looks at flows."""

from weakref import WeakKeyDictionary

from mitmproxy.http import HTTPFlow

_plain: WeakKeyDictionary[HTTPFlow, tuple[bytes, bytes]] = WeakKeyDictionary()  # (what the flow holds, what is sent)


def mask(flow: HTTPFlow, content: bytes) -> None:
    """Called in the `response` hook, for a whole answer: its body in the flow from now on. The client still gets what stands
    there now, unless somebody changes the flow's body after this."""
    assert flow.response is not None
    _plain[flow] = (content, flow.response.raw_content or b"")
    flow.response.data.content = content


def plain_of(flow: HTTPFlow) -> bytes | None:
    """What is sent in place of the flow's own body; None if that is sent. Once: it is forgotten then."""
    masked, plain = _plain.pop(flow, (b"", None))
    return plain if flow.response is not None and flow.response.raw_content is masked else None

"""Which pipe an answer goes through, and the head that it gets."""

import json

import pytest
from mitmproxy.http import Response

from addons.provider_stream import head_of_stream, pipe_for
from converters.code_assist import EnclosedPipe
from converters.errors import UpstreamError
from converters.gemini.array import ArrayPipe
from converters.pipe import StreamPipe, TeePipe
from tests.addons.legs_rig import CHAT, CHAT_PATH, CHAT_STREAM, CLAUDE, MESSAGES, MESSAGES_PATH, OPENAI, Rig, call, live
from tests.addons.legs_rig import with_accounts as accounts

EVENTS = "text/event-stream; charset=utf-8"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def head(**headers: str) -> Response:
    return Response.make(
        200, b"", {"content-type": EVENTS, **{name.replace("_", "-"): v for name, v in headers.items()}}
    )


async def test_the_same_protocol_passes_as_it_comes() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, {**CHAT, "stream": True}))
    pipe = pipe_for(live(flow), head())
    assert isinstance(pipe, TeePipe)
    assert pipe.feed(CHAT_STREAM) + pipe.close() == CHAT_STREAM


async def test_another_protocol_goes_through_events() -> None:
    flow = await OPENAI.ask(call(MESSAGES_PATH, {**MESSAGES, "stream": True}))
    pipe = pipe_for(live(flow), head())
    assert isinstance(pipe, StreamPipe)
    assert b"event: message_stop" in pipe.feed(CHAT_STREAM) + pipe.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1beta/models/m:streamGenerateContent", ArrayPipe),
        ("/v1internal:streamGenerateContent?alt=sse", EnclosedPipe),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", StreamPipe),
    ],
    ids=["array", "envelope", "plain"],
)
async def test_what_a_gemini_client_wants_around_its_stream(path: str, kind: type) -> None:
    body: object = {"model": "m", "request": CONTENTS} if "v1internal" in path else CONTENTS
    flow = await Rig(accounts("openai")).ask(call(path, body))
    assert type(pipe_for(live(flow), head())) is kind


async def test_an_unknown_content_coding_is_refused() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, {**CHAT, "stream": True}))
    response = head()
    response.headers["content-encoding"] = "made-up"
    with pytest.raises(UpstreamError):
        pipe_for(live(flow), response)


async def test_the_head_is_the_clients_own() -> None:
    flow = await CLAUDE.ask(call(CHAT_PATH, json.dumps({**CHAT, "stream": True}).encode()))
    response = head(server="secret", set_cookie="a=b", x_ratelimit_left="3")
    head_of_stream(live(flow), response)
    assert response.stream is True
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-request-id"] == live(flow).id
    assert response.headers["x-ratelimit-left"] == "3"
    assert not {"server", "set-cookie"} & set(response.headers)


async def test_in_bypass_the_content_type_is_the_providers() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, {**CHAT, "stream": True}))
    response = head()
    head_of_stream(live(flow), response)
    assert response.headers["content-type"] == EVENTS

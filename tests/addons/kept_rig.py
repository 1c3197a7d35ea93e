"""Both legs of one flow where somebody keeps flows: the addons that make an exchange, and `Legs` in its place among them."""

import json
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.http import Headers, HTTPFlow, Response

from addons.legs import Legs
from addons.relay.masked import plain_of
from tests.addons.legs_rig import KEY, Rig, live, with_accounts


@dataclass
class Kept:
    """A rig whose flows somebody keeps, or not."""

    kept: bool = True
    given: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rig = Rig(with_accounts("openai", "claude", **self.given))
        self.legs = Legs(lambda: self.rig.settings, lambda: [KEY.decode()], lambda: self.kept)

    async def asked(self, flow: HTTPFlow) -> HTTPFlow:
        content, flow.request.data.content = flow.request.data.content, b""
        self.rig.client_leg.requestheaders(flow)
        self.legs.requestheaders(flow)
        flow.request.data.content = content
        self.rig.client_leg.request(flow)
        await self.rig.upstream_leg.request(flow)
        if flow.response is not None:
            await self.end(flow)
        return flow

    async def answered(self, flow: HTTPFlow, body: object, status: int = 200) -> bytes:
        """What the client is sent."""
        flow.response = Response.make(status, b"", Headers(content_type="application/json"))
        flow.response.data.content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.rig.upstream_leg.responseheaders(flow)
        self.legs.responseheaders(flow)
        await self.rig.upstream_leg.response(flow)
        return await self.end(flow)

    def begun(self, flow: HTTPFlow) -> Any:
        flow.response = Response.make(200, b"", Headers(content_type="text/event-stream"))
        self.rig.upstream_leg.responseheaders(flow)
        self.legs.responseheaders(flow)
        return live(flow).pipe

    async def end(self, flow: HTTPFlow) -> bytes:
        await self.legs.response(flow)
        self.rig.access_log.response(flow)
        plain = plain_of(flow)
        assert flow.response is not None
        return (flow.response.raw_content or b"") if plain is None else plain


def legs_of(flow: HTTPFlow) -> Any:
    return flow.metadata["aiclient"]["legs"]

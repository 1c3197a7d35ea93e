"""The client gets the answer; the flow holds it masked."""

from pathlib import Path

import pytest
from mitmproxy.http import HTTPFlow, Response

from addons.relay import mask
from addons.relay.masked import plain_of
from tests.addons.relay.rig import Provider, replies, rig, whole


class Masks:
    """Behind the others, as whoever writes flows down sees them."""

    def __init__(self) -> None:
        self.local = False
        self.edit = b""

    def request(self, flow: HTTPFlow) -> None:
        if self.local:
            flow.response = Response.make(200, b"the secret")

    def response(self, flow: HTTPFlow) -> None:
        mask(flow, b"[masked]")
        if self.edit:
            assert flow.response is not None
            flow.response.content = self.edit


@pytest.mark.parametrize("local", [False, True], ids=["provider's", "made here"])
async def test_the_client_gets_what_the_flow_does_not_hold(local: bool, tmp_path: Path) -> None:
    masks = Masks()
    async with rig(tmp_path, more=[masks]) as proxy, Provider(replies(whole(b"the secret"))) as provider:
        proxy.leg.port = provider.port
        masks.local = local
        client = await proxy.client()
        for _ in range(2):
            assert (await client.ask()).body == b"the secret"
        assert [flow.response and flow.response.content for flow in proxy.leg.flows] == [b"[masked]"] * 2


async def test_what_somebody_changes_after_it_was_masked_is_sent(tmp_path: Path) -> None:
    """A person in mitmweb who edits an answer that is held."""
    masks = Masks()
    masks.edit = b"edited"
    async with rig(tmp_path, more=[masks]) as proxy, Provider(replies(whole(b"the secret"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        assert (await client.ask()).body == b"edited"


async def test_nothing_is_sent_in_place_of_what_was_not_masked(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"plain"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        assert (await client.ask()).body == b"plain"
        assert plain_of(proxy.leg.flows[0]) is None

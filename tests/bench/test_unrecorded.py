"""Clients that say so are not recorded, others are."""

import pytest
from mitmproxy.test.tflow import tflow

from addons.exchange import Exchange
from addons.providers.base import Action
from addons.recorder import Recorder
from addons.routing import Match
from addons.settings import Settings
from bench import unrecorded
from bench.answers import CHAT, MESSAGES
from bench.sdk import sdk_headers
from converters.wires import WIRES


@pytest.mark.parametrize("protocol", [CHAT, MESSAGES])
@pytest.mark.parametrize(("mark", "begun"), [("", 1), (unrecorded.MARK, 0)])
def test_the_mark_of_a_client_decides(monkeypatch: pytest.MonkeyPatch, protocol: str, mark: str, begun: int) -> None:
    seen = []
    monkeypatch.setattr(Recorder, "requestheaders", lambda _, flow: seen.append(flow))
    unrecorded.load(None)
    lines = sdk_headers(protocol, "key", mark).splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    flow = tflow()
    Exchange(Match(Action.GENERATE), WIRES["chat"], headers, Settings()).attach(flow)
    Recorder(Settings).requestheaders(flow)
    assert len(seen) == begun

"""The operator's system prompt on its way into a flow."""

import json
from pathlib import Path

import pytest
from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.settings import Settings
from addons.system_prompt import SystemPrompt
from tests.addons.legs_rig import Rig, call, live


def test_the_text_is_put_in_and_everything_else_stays_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("Be brief.\n")
    settings = Settings(system_prompt_file=str(file), system_prompt_mode="append")
    flow = call(
        "/v1/messages", b'{"model": "m",  "max_tokens":1.0e1, "system":"Theirs.", "messages":[], "x":"\\u00e9"}'
    )
    exchange = read(flow, settings)

    SystemPrompt(lambda: settings).request(flow)

    assert exchange.raw == (
        b'{"model": "m",  "max_tokens":1.0e1, "system":'
        b'[{"type":"text","text":"Theirs."},{"type":"text","text":"Be brief."}], "messages":[], "x":"\\u00e9"}'
    )
    assert json.loads(exchange.raw)["system"] == exchange.body["system"]


def test_a_changed_file_counts_from_the_next_request_on(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("One.")
    settings = Settings(system_prompt_file=str(file))
    prompt = SystemPrompt(lambda: settings)

    assert asked(prompt, settings) == "One."

    file.write_text("Two, longer.")
    assert asked(prompt, settings) == "Two, longer."

    file.unlink()
    assert asked(prompt, settings) == "Two, longer."


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prompt.md"
    file.write_text(text)
    settings = Settings(system_prompt_file=str(file))
    flow = call("/v1/chat/completions")
    before = read(flow, settings).raw

    SystemPrompt(lambda: settings).request(flow)

    assert live(flow).raw == before


def asked(prompt: SystemPrompt, settings: Settings) -> str:
    flow = call("/v1/chat/completions")
    exchange = read(flow, settings)
    prompt.request(flow)
    return str(json.loads(exchange.raw)["messages"][0]["content"])


def read(flow: HTTPFlow, settings: Settings) -> Exchange:
    client_leg = Rig(settings).client_leg
    client_leg.requestheaders(flow)
    client_leg.request(flow)
    return live(flow)

"""Clients are answered from records: the very bytes to the same form, the same meaning to any other."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import HTTPFlow

from addons.providers.base import Action
from addons.relay import Played
from addons.replay_served import HEADER, NAME, ReplayServed
from addons.settings import Settings
from addons.settings_sources import SettingsError
from converters.wires import WIRES
from tests.addons.legs_rig import (
    CHAT_PATH,
    COUNT_PATH,
    MESSAGES_PATH,
    Rig,
    body_of,
    call,
    live,
    status_of,
    with_accounts,
)
from tests.addons.records.samples import ANTHROPIC_STREAM, anthropic_body, exchange, maker, streamed, whole_answer

CHAT_ASKED = {
    "model": "other",
    "messages": [
        {"role": "system", "content": "Be brief. " * 80},
        {"role": "user", "content": "Weather in Zürich?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather in a city. " * 30,
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }
    ],
}
GEMINI_PATH = "/v1beta/models/g:generateContent"
PATHS = {
    "chat": (CHAT_PATH, CHAT_ASKED),
    "responses": (
        "/v1/responses",
        {
            "model": "r",
            "instructions": "Be brief. " * 80,
            "input": "Weather in Zürich?",
            "tools": [{"type": "function", "strict": None, **CHAT_ASKED["tools"][0]["function"]}],  # type: ignore[index]
        },
    ),
    "gemini": (
        GEMINI_PATH,
        {
            "systemInstruction": {"parts": [{"text": "Be brief. " * 80}]},
            "contents": [{"role": "user", "parts": [{"text": "Weather in Zürich?"}]}],
            "tools": [{"functionDeclarations": [CHAT_ASKED["tools"][0]["function"]]}],  # type: ignore[index]
        },
    ),
}


@dataclass
class Served:
    """A rig with served replay in its place. paused: what it waited for."""

    settings: Settings
    paused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        async def pause(seconds: float) -> None:
            self.paused.append(seconds)

        self.rig = Rig(self.settings)
        self.addon = ReplayServed(lambda: self.settings, pause, lambda: 1_700_000_000.0)
        self.addon.use(self.settings)

    async def ask(self, flow: HTTPFlow) -> HTTPFlow:
        content, flow.request.data.content = flow.request.data.content, b""
        self.rig.client_leg.requestheaders(flow)
        flow.request.data.content = content
        self.rig.client_leg.request(flow)
        await self.addon.request(flow)
        await self.rig.upstream_leg.request(flow)
        assert flow.response is not None, "something would go upstream"
        await self.rig.end(flow)
        return flow


def served(folder: Path, *lines: bytes, timing: str = "recorded", **more: object) -> Served:
    (folder / "2026-11-23.jsonl").write_bytes(b"".join(lines))
    return Served(with_accounts("openai", "claude", replay=str(folder), replay_timing=timing, **more))


def messages(**more: object) -> HTTPFlow:
    return call(MESSAGES_PATH, json.loads(anthropic_body(**more)))


def pieces_of(flow: HTTPFlow) -> list[tuple[float, bytes]]:
    pipe = live(flow).pipe
    assert isinstance(pipe, Played)
    return list(pipe.pieces)


async def test_the_same_client_gets_the_very_bytes(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)))
    flow = await rig.ask(messages(temperature=0.5, metadata={"user_id": "somebody"}))
    assert flow.response is not None
    assert flow.response.raw_content == whole_answer()
    assert flow.response.headers[HEADER] == f"req_{1:024x}"
    assert flow.response.headers["content-type"] == "application/json"
    assert rig.paused == [1.0]  # as long as it took then


async def test_at_full_speed_nobody_waits(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)), timing="fast")
    assert (await rig.ask(messages())).response is not None
    assert rig.paused == []


async def test_a_stream_comes_in_the_recorded_pieces_at_their_times(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(streamed()))
    flow = await rig.ask(messages(stream=True))
    assert pieces_of(flow) == [(pytest.approx(0.2 + n / 10), chunk) for n, chunk in enumerate(ANTHROPIC_STREAM)]
    assert flow.response is not None
    assert flow.response.headers["content-type"] == "text/event-stream"


async def test_a_stream_at_full_speed_is_the_same_bytes_at_once(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(streamed()), timing="fast")
    flow = await rig.ask(messages(stream=True))
    assert flow.response is not None
    assert flow.response.raw_content == b"".join(ANTHROPIC_STREAM)


@pytest.mark.parametrize("protocol", PATHS)
@pytest.mark.parametrize("recorded", ["whole", "stream"])
async def test_a_client_of_another_protocol_gets_the_same_said(protocol: str, recorded: str, tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1) if recorded == "whole" else streamed(id=f"req_{1:024x}")))
    path, body = PATHS[protocol]
    flow = await rig.ask(call(path, body))
    said: Any = body_of(flow)
    text, tokens = {
        "chat": lambda: (said["choices"][0]["message"]["content"], said["usage"]["prompt_tokens"]),
        "responses": lambda: (said["output"][-1]["content"][0]["text"], said["usage"]["input_tokens"]),
        "gemini": lambda: (
            said["candidates"][0]["content"]["parts"][0]["text"],
            said["usageMetadata"]["promptTokenCount"],
        ),
    }[protocol]()
    assert (text, tokens) == ("It rains.", 11)


async def test_a_stream_in_another_protocol_keeps_the_times(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(streamed()))
    pieces = pieces_of(await rig.ask(call(CHAT_PATH, CHAT_ASKED | {"stream": True})))
    text = next(seconds for seconds, data in pieces if b"It rai" in data)
    assert text == pytest.approx(0.4)
    assert pieces[-1][1].endswith(b"data: [DONE]\n\n")


async def test_a_gemini_client_may_stream_in_an_array(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(streamed()), timing="fast")
    path, body = PATHS["gemini"]
    flow = await rig.ask(call(path.replace(":generate", ":streamGenerate"), body))
    texts = [part["text"] for item in body_of(flow) for part in item["candidates"][0]["content"].get("parts", ())]
    assert "".join(texts) == "It rains."


async def test_gemini_clis_envelope_is_put_on_once(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)), timing="fast")
    _, body = PATHS["gemini"]
    flow = await rig.ask(call("/v1internal:generateContent", {"model": "g", "request": body}))
    (_, data), *rest = pieces_of(flow)
    assert json.loads(data)["response"]["candidates"][0]["content"]["parts"][0]["text"] == "It rains."
    assert rest == []


async def test_a_recorded_envelope_is_left_as_it_was(tmp_path: Path) -> None:
    _, body = PATHS["gemini"]
    envelope = b'{"response": {"candidates": [{"content": {"parts": [{"text": "Once."}]}}]}, "traceId": "t"}'
    facts = exchange(
        1, wire=WIRES["gemini"], code_assist=True, body=json.dumps(body).encode(), said={"model": "g", "stream": False}
    )
    facts.attempts, facts.answer = [], envelope
    rig = served(tmp_path, maker(tmp_path).line(facts))
    flow = await rig.ask(call("/v1internal:generateContent", {"model": "g", "request": body}))
    assert pieces_of(flow) == [(1.0, envelope)]


async def test_a_recorded_error_is_answered_as_one(tmp_path: Path) -> None:
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    first = exchange(1, status=529, state="failed", answer=error, attempts=[])
    rig = served(tmp_path, *(maker(tmp_path).line(each) for each in (first, exchange(2))), timing="fast")
    assert [status_of(await rig.ask(messages())) for _ in range(3)] == [529, 200, 200]


async def test_a_recorded_error_keeps_its_meaning_in_another_protocol(tmp_path: Path) -> None:
    error = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
    rig = served(tmp_path, maker(tmp_path).line(exchange(1, status=429, state="failed", answer=error, attempts=[])))
    flow = await rig.ask(call(CHAT_PATH, CHAT_ASKED))
    assert status_of(flow) == 429
    assert "slow down" in body_of(flow)["error"]["message"]


@pytest.mark.parametrize("protocol", PATHS)
async def test_what_is_not_recorded_is_an_error_that_names_the_nearest(protocol: str, tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)))
    path, body = PATHS[protocol]
    flow = await rig.ask(call(path, json.loads(json.dumps(body).replace("Weather in Z", "Weather in S"))))
    assert status_of(flow) == 404
    said = body_of(flow)["error"]["message"]
    assert f"req_{1:024x}" in said
    assert "turn 1 differs: recorded 'user: Weather in Zürich?', asked 'user: Weather in Sürich?'" in said
    if protocol != "gemini":
        assert body_of(flow)["error"]["code"] == "replay_no_match"


async def test_the_exchange_says_what_the_record_noted(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)))
    flow = await rig.ask(messages())
    noted = live(flow)
    assert (noted.usage.input_total, noted.usage.output_total, noted.served_model) == (11, 7, "m-1")
    assert noted.finish is not None
    assert noted.finish.reason == "stop"
    assert noted.provider is not None
    assert noted.provider.name == NAME


@pytest.mark.parametrize("left", [{"state": "cancelled"}, {"provider": "replay"}], ids=["client left", "own replay"])
def test_some_records_are_never_served(left: dict[str, object], tmp_path: Path) -> None:
    given = dict(left)
    if "provider" in given:
        given["provider"] = type("Own", (), {"name": "replay", "wire": None})()
    with pytest.raises(SettingsError, match="holds no answered request"):
        served(tmp_path, maker(tmp_path).line(exchange(1, attempts=[], **given)))


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"replay: .* is not there"):
        Served(with_accounts(replay=str(tmp_path / "none")))


async def test_models_are_those_that_were_asked_for(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)))
    listed = body_of(await rig.ask(call("/v1/models")))
    assert [model["id"] for model in listed["data"]] == ["claude-x"]
    assert body_of(await rig.ask(call("/v1/models/claude-x")))["id"] == "claude-x"
    assert status_of(await rig.ask(call("/v1/models/claude-y"))) == 404


async def test_a_counting_call_is_estimated_where_none_is_recorded(tmp_path: Path) -> None:
    rig = served(tmp_path, maker(tmp_path).line(exchange(1)))
    flow = await rig.ask(call(COUNT_PATH, {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}))
    assert flow.response is not None
    assert flow.response.headers["x-aiclient-estimated"] == "1"
    assert live(flow).match.action is Action.COUNT


async def test_a_secret_that_records_do_not_hold_matches_all_the_same(tmp_path: Path) -> None:
    secret = "sk-proj-" + "a1B2c3D4" * 6
    asked = anthropic_body(messages=[{"role": "user", "content": f"My key is {secret}"}])
    line = maker(tmp_path).line(exchange(1, body=asked, attempts=[]))
    assert secret.encode() not in line
    rig = served(tmp_path, line)
    assert status_of(await rig.ask(call(MESSAGES_PATH, asked))) == 200


@pytest.mark.parametrize("before", [False, True], ids=["never", "not any more"])
async def test_without_the_setting_nothing_changes(before: bool, tmp_path: Path) -> None:
    addon = ReplayServed(Settings)
    if before:
        addon = served(tmp_path, maker(tmp_path).line(exchange(1))).addon
    addon.use(Settings())
    flow = call(MESSAGES_PATH)
    Rig().client_leg.requestheaders(flow)
    await addon.request(flow)
    assert flow.response is None

"""What a flow holds of its exchange when that is over: four legs and no secret, while the client gets every byte."""

import gzip
import json
from dataclasses import replace

import pytest
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.flow import Error
from mitmproxy.io import tnetstring
from mitmproxy.test import taddons

from addons import legs as legs_module
from addons.legs import LIMIT
from addons.taped_pipe import Taped
from converters.errors import Kind, UpstreamError
from tests.addons.kept_rig import Kept, legs_of
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    CLAUDE_SECRET,
    KEY,
    MESSAGE_ANSWER,
    MESSAGE_STREAM,
    MESSAGES_PATH,
    call,
    everything,
    live,
)

SECRET = "sk-proj-" + "Q7w3E9r1" * 4
MESSAGES = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
STREAMED = {**MESSAGES, "stream": True}


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_a_flow_holds_all_four_legs(kept: Kept) -> None:
    flow = await kept.asked(
        call(f"/claude-custom{CHAT_PATH}?a=b", CHAT, headers={"X-Api-Key": KEY.decode(), "User-Agent": "agent/2"})
    )
    sent = await kept.answered(flow, MESSAGE_ANSWER)
    legs = legs_of(flow)
    client, (made,) = legs["client"], legs["attempts"]
    assert (client["method"], client["path"]) == ("POST", f"/claude-custom{CHAT_PATH}")
    assert client["query"] == {"a": "b"}
    assert ["user-agent", "agent/2"] in client["headers"]
    assert json.loads(client["body"]["text"])["messages"] == [{"role": "user", "content": "Hi"}]
    assert (made["provider"], made["wire"], made["outcome"]) == ("claude-custom", "anthropic", "success")
    assert made["request"]["url"] == "https://claude.test/v1/messages"
    assert made["request"]["body"] == {"text": (flow.request.raw_content or b"").decode()}
    assert made["answer"]["status"] == 200
    assert json.loads(made["answer"]["body"]["text"]) == MESSAGE_ANSWER
    assert json.loads(sent)["object"] == "chat.completion"
    assert sent == (flow.response and flow.response.raw_content)
    assert (legs["action"], legs["state"]) == ("generate", "complete")


async def test_the_legs_are_plain_data_that_a_dump_can_hold(kept: Kept) -> None:
    flow = await kept.asked(call(f"/claude-custom{CHAT_PATH}?%C3%A9=1", CHAT, headers={"X-Note": "note"}))
    await kept.answered(flow, MESSAGE_ANSWER)
    known = flow.metadata["aiclient"]
    assert tnetstring.loads(tnetstring.dumps(known)) == known


async def test_a_stream_keeps_the_times_of_its_chunks(kept: Kept) -> None:
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    down = pipe.feed(MESSAGE_STREAM[:100]) + pipe.feed(MESSAGE_STREAM[100:]) + pipe.close()
    flow.response.data.content = down  # type: ignore[union-attr]
    await kept.rig.upstream_leg.response(flow)
    assert await kept.end(flow) == down
    answer = legs_of(flow)["attempts"][0]["answer"]
    assert answer["body"] == {"text": MESSAGE_STREAM.decode()}
    assert [size for _, size in answer["chunks"]] == [100, len(MESSAGE_STREAM) - 100]
    assert all(at >= 0 for at, _ in answer["chunks"])


async def test_a_stream_that_another_addon_listens_to_is_not_taped_twice(kept: Kept) -> None:
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    kept.legs.responseheaders(flow)
    assert live(flow).pipe is pipe
    assert isinstance(pipe, Taped)
    pipe.feed(MESSAGE_STREAM)
    assert [data for _, data in live(flow).made[0].chunks] == [MESSAGE_STREAM]


async def test_every_attempt_has_its_legs(kept: Kept) -> None:
    flow = await kept.asked(call(f"/openai-custom{CHAT_PATH}", CHAT))
    made = live(flow).made[0]
    made.status, made.outcome, made.answer = 503, "overloaded", b'{"error":{"message":"busy"}}'
    live(flow).made.append(
        type(made)(**{n: getattr(made, n) for n in ("provider", "account", "model", "wire", "began")})
    )
    live(flow).made[-1].body = made.body
    await kept.answered(flow, CHAT_ANSWER)
    first, second = legs_of(flow)["attempts"]
    assert (first["outcome"], first["answer"]["status"]) == ("overloaded", 503)
    assert first["answer"]["body"] == {"text": '{"error":{"message":"busy"}}'}
    assert second["request"]["body"] == first["request"]["body"] == {"same": "/client/body"}
    assert second["answer"]["status"] == 200


async def test_no_secret_stays_in_the_flow_and_the_client_gets_every_byte(kept: Kept) -> None:
    """A key in a prompt, one of an MCP server, one that the provider repeats, one in the URL."""
    body = {
        **MESSAGES,
        "messages": [{"role": "user", "content": f"my key is {SECRET}"}],
        "mcp_servers": [
            {
                "type": "url",
                "url": "https://m.test/?token=tok-abcdef123456",
                "name": "m",
                "authorization_token": "hunter2-mcp",
            }
        ],
    }
    echo = {**MESSAGE_ANSWER, "content": [{"type": "text", "text": f"{SECRET} and {CLAUDE_SECRET}"}]}
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}?signature={SECRET}", body))
    upstream = flow.request.raw_content or b""
    assert b"hunter2-mcp" in upstream, "what is sent is whole"
    sent = await kept.answered(flow, echo)
    assert json.loads(sent)["content"] == echo["content"]
    held = everything(flow)
    for secret in (SECRET, CLAUDE_SECRET, KEY.decode(), "hunter2-mcp", "tok-abcdef123456"):
        assert secret.encode() not in held, secret
    assert b"[redacted:" in held
    assert "my key is [redacted:key]" in legs_of(flow)["client"]["body"]["text"]
    assert flow.response is not None
    assert json.loads(flow.response.content or b"")["content"][0]["text"].startswith("[redacted:")


async def test_a_secret_in_pieces_of_a_stream_is_found_on_both_sides(kept: Kept) -> None:
    start = MESSAGE_STREAM.index(b"event: content_block_delta")
    end = MESSAGE_STREAM.index(b"event: content_block_stop")
    delta = MESSAGE_STREAM[start:end]
    pieces = b"".join(
        delta.replace(b"Hello", piece.encode()) for piece in ("key ", SECRET[:12], SECRET[12:20], SECRET[20:], " ok")
    )
    stream = MESSAGE_STREAM[:start] + pieces + MESSAGE_STREAM[end:]
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    down = pipe.feed(stream) + pipe.close()
    assert SECRET[20:].encode() in down
    flow.response.data.content = down  # type: ignore[union-attr]
    await kept.rig.upstream_leg.response(flow)
    await kept.end(flow)
    held = everything(flow)
    for piece in (SECRET[:12], SECRET[12:20], SECRET[20:]):
        assert piece.encode() not in held
    assert b"[redacted:key]" in held


async def test_an_error_in_place_of_a_stream_that_said_nothing_is_sent_whole(kept: Kept) -> None:
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    assert pipe.fail(Kind.BROKEN_STREAM, "the provider broke off") == b""
    flow.response = live(flow).failure_response(UpstreamError(Kind.OVERLOADED, f"not with {SECRET}"))
    plain = flow.response.raw_content
    assert await kept.end(flow) == plain
    assert SECRET.encode() not in everything(flow)
    assert legs_of(flow)["state"] == "failed"


async def test_a_coded_request_that_was_refused_is_shown_plain(kept: Kept) -> None:
    flow = await kept.asked(call(CHAT_PATH, gzip.compress(b"[]"), headers={"Content-Encoding": "gzip"}))
    assert flow.response is not None
    assert flow.response.status_code == 400
    assert flow.request.raw_content == b"[]"
    assert "content-encoding" not in flow.request.headers


async def test_a_body_over_a_megabyte_is_cut_with_a_remark(kept: Kept) -> None:
    text = "é" * LIMIT
    body = json.dumps({**MESSAGES, "messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode()
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", body))
    await kept.answered(flow, MESSAGE_ANSWER)
    told = legs_of(flow)["client"]["body"]
    assert told["cut"] == len(body)
    assert LIMIT - 4 < len(told["text"].encode()) <= LIMIT
    assert flow.request.raw_content == body, "the flow's own bodies are whole"


async def test_a_long_stream_is_cut_and_its_chunks_end_with_it(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "LIMIT", 250)
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    for at in range(0, len(MESSAGE_STREAM), 100):
        pipe.feed(MESSAGE_STREAM[at : at + 100])
    pipe.close()
    await kept.end(flow)
    answer = legs_of(flow)["attempts"][0]["answer"]
    assert answer["body"] == {"text": MESSAGE_STREAM[:250].decode(), "cut": len(MESSAGE_STREAM)}
    assert [size for _, size in answer["chunks"]] == [100, 100, 50]


async def test_bodies_of_many_chunks_do_not_cost_an_entry_each(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "_MOST_CHUNKS", 3)
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", STREAMED))
    pipe = kept.begun(flow)
    for at in range(len(MESSAGE_STREAM)):
        pipe.feed(MESSAGE_STREAM[at : at + 1])
    pipe.close()
    await kept.end(flow)
    answer = legs_of(flow)["attempts"][0]["answer"]
    assert answer["body"] == {"text": MESSAGE_STREAM.decode()}
    assert [size for _, size in answer["chunks"]] == [1, 1, 1, len(MESSAGE_STREAM) - 3]


async def test_a_large_exchange_is_redacted_beside_the_event_loop(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "_AT_ONCE", 10)
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", {**MESSAGES, "metadata": {"user_id": SECRET}}))
    await kept.answered(flow, MESSAGE_ANSWER)
    assert SECRET.encode() not in everything(flow)
    assert legs_of(flow)["attempts"]


async def test_a_client_that_leaves_has_legs_too(kept: Kept) -> None:
    flow = await kept.asked(call(MESSAGES_PATH, {**MESSAGES, "metadata": {"user_id": SECRET}}))
    flow.error, live(flow).client_left = Error("Client disconnected."), True
    kept.rig.upstream_leg.error(flow)
    await kept.legs.error(flow)
    legs = legs_of(flow)
    assert legs["state"] == "cancelled"
    assert legs["attempts"][0]["outcome"] == "cancelled"
    assert "answer" not in legs["attempts"][0]
    assert SECRET.encode() not in everything(flow)


async def test_what_cannot_be_redacted_is_not_kept(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(legs_module, "_made", fail)
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", {**MESSAGES, "metadata": {"user_id": SECRET}}))
    sent = await kept.answered(flow, MESSAGE_ANSWER)
    assert json.loads(sent)["content"] == MESSAGE_ANSWER["content"]
    assert flow.request.raw_content == b"[aiclient could not take the secrets out of this body]"
    assert SECRET.encode() not in everything(flow)
    assert flow.metadata["aiclient"] == {"id": live(flow).id, "client": "anthropic"}
    assert "cannot be redacted" in caplog.text


async def test_where_nobody_keeps_flows_nothing_is_kept() -> None:
    kept = Kept(kept=False)
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", MESSAGES))
    assert not live(flow).keeps_bodies
    await kept.answered(flow, MESSAGE_ANSWER)
    assert "legs" not in flow.metadata["aiclient"]


async def test_patterns_of_the_operator_count_here_too() -> None:
    kept = Kept(given={"redact_patterns": ("emails",)})
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", {**MESSAGES, "system": "Ask ann@example.org"}))
    await kept.answered(flow, MESSAGE_ANSWER)
    assert b"ann@example.org" not in everything(flow)


async def test_flows_of_others_are_left_alone(kept: Kept) -> None:
    flow = call("/elsewhere", {"key": SECRET})
    kept.legs.requestheaders(flow)
    kept.legs.responseheaders(flow)
    await kept.legs.response(flow)
    await kept.legs.error(flow)
    assert SECRET.encode() in (flow.request.raw_content or b"")
    assert flow.metadata == {}


async def test_what_is_under_way_at_the_end_of_the_process_holds_no_secret(kept: Kept) -> None:
    """mitmproxy writes it to the dump."""
    flow = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", {**MESSAGES, "metadata": {"user_id": SECRET}}))
    with taddons.context() as context:
        kept.legs.done()
        assert SECRET.encode() in (flow.request.raw_content or b""), "the script alone ends: requests go on"
    again = await kept.asked(call(f"/claude-custom{MESSAGES_PATH}", {**MESSAGES, "metadata": {"user_id": SECRET}}))
    with taddons.context() as context:
        context.master.should_exit.set()
        kept.legs.done()
    assert SECRET.encode() not in everything(again)
    assert legs_of(again)["state"] == "cancelled"


async def test_har_entries_tell_the_legs(kept: Kept) -> None:
    flow = await kept.asked(call(f"/claude-custom{CHAT_PATH}", CHAT))
    await kept.answered(flow, MESSAGE_ANSWER)
    other = call("/elsewhere")
    har = SaveHar()
    with taddons.context(har):
        kept.legs.running()
        kept.legs.running()
        entries = har.make_har([flow, other])["log"]["entries"]
    assert entries[0]["_aiclient"]["legs"] == legs_of(flow)
    assert "_aiclient" not in entries[1]


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
async def test_what_the_operator_put_in_stands_beside_the_clients_own(path: str) -> None:
    rules = {"client:*": {"mode": "append", "text": f"Ours, {SECRET}.", "replacements": [["a", "b"]]}}
    kept = Kept(given={"system_prompts": rules})
    flow = await kept.asked(call(f"/claude-custom{path}", CHAT if path == CHAT_PATH else MESSAGES))
    await kept.answered(flow, MESSAGE_ANSWER)
    legs = legs_of(flow)
    assert legs["system_prompt"] == {
        "mode": "append",
        "text": "Ours, [redacted:key].",
        "replacements": [{"old": "a", "new": "b"}],
    }
    assert "system_prompt" not in legs["attempts"][0]
    assert "Ours" not in legs["client"]["body"]["text"]
    assert "Ours, " in legs["attempts"][0]["request"]["body"]["text"]
    assert tnetstring.loads(tnetstring.dumps(flow.metadata["aiclient"])) == flow.metadata["aiclient"]


async def test_an_attempt_with_another_prompt_says_so() -> None:
    kept = Kept(given={"system_prompts": {"client:*": {"mode": "append", "text": "Ours."}}})
    flow = await kept.asked(call(CHAT_PATH, CHAT))
    live(flow).made.insert(0, replace(live(flow).made[0], prompt=None))
    await kept.answered(flow, CHAT_ANSWER)
    first, second = legs_of(flow)["attempts"]
    assert first["system_prompt"] is None
    assert "system_prompt" not in second

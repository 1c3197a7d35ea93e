"""What is written for a provider: same protocol with the least edit, another protocol through the hub."""

import asyncio
import json
from typing import Any

import pytest

from addons.upstream_body import refuse_crossing
from converters.envelope import seal
from converters.turns import Token
from tests.addons.legs_rig import (
    CHAT,
    CHAT_PATH,
    CLAUDE,
    MESSAGES,
    MESSAGES_PATH,
    Rig,
    call,
    live,
    status_of,
    with_accounts,
)

GEMINI = Rig(with_accounts("gemini"))
RESPONSES = Rig(with_accounts("responses"))
INPUT: dict[str, Any] = {"model": "m", "input": [{"role": "user", "content": "Hi"}]}
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


async def body_for(rig: Rig, path: str, body: object) -> Any:
    flow = await rig.ask(call(path, body))
    assert flow.response is None, flow.response.content
    return json.loads(flow.request.content or b"")


@pytest.mark.parametrize(
    ("path", "body", "routes"),
    [
        (CHAT_PATH, CHAT, "openai-custom:real"),
        (MESSAGES_PATH, MESSAGES, "claude-custom:real"),
        ("/v1/responses", INPUT, "openaiResponses-custom:real"),
    ],
)
async def test_1_2_an_alias_changes_the_models_name_and_nothing_else(path: str, body: Any, routes: str) -> None:
    rig = Rig(with_accounts("openai", "responses", "claude", routes={"m": [routes]}))
    raw = json.dumps(body | {"x": 1.5}, indent=3).encode()
    flow = await rig.ask(call(path, raw))
    assert flow.request.data.content == raw.replace(b'"m"', b'"real"')


async def test_1_2_an_alias_is_in_geminis_path_and_its_body_stays() -> None:
    rig = Rig(with_accounts("gemini", routes={"m": ["gemini-custom:real"]}))
    raw = json.dumps(CONTENTS, indent=3).encode()
    flow = await rig.ask(call("/v1beta/models/m:generateContent", raw))
    assert flow.request.path == "/v1beta/models/real:generateContent"
    assert flow.request.data.content == raw


@pytest.mark.parametrize("model", [None, ""])
async def test_a_client_that_names_no_model_gets_the_default(model: str | None) -> None:
    rig = Rig(with_accounts("openai", default_models={"openai-custom": "gpt-5"}))
    asked = {name: value for name, value in (CHAT | {"model": model}).items() if value is not None}
    assert (await body_for(rig, CHAT_PATH, asked))["model"] == "gpt-5"
    assert status_of(await CLAUDE.ask(call(CHAT_PATH, asked))) == 400


async def test_7_4_envelopes_are_unwrapped_or_left_out_in_the_same_protocol() -> None:
    own = {"type": "reasoning", "summary": [], "encrypted_content": seal(Token("r", "gAAA", id="rs_1"))}
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": seal(Token("a", "sig"))}
    body = await body_for(RESPONSES, "/v1/responses", INPUT | {"input": [own, foreign, *INPUT["input"]]})
    assert body["input"] == [
        {"type": "reasoning", "summary": [], "id": "rs_1", "encrypted_content": "gAAA"},
        *INPUT["input"],
    ]


@pytest.mark.parametrize("spelled", ["systemInstruction", "system_instruction"])
async def test_16_a_counting_call_with_a_system_prompt_is_sent_as_a_whole_request(spelled: str) -> None:
    body = CONTENTS | {spelled: {"parts": [{"text": "Be brief."}]}}
    sent = await body_for(GEMINI, "/v1beta/models/m:countTokens", body)
    assert sent.keys() == {"generateContentRequest"}
    assert sent["generateContentRequest"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert sent["generateContentRequest"]["model"] == "models/m"


async def test_7_3_whether_thinking_is_shown_is_the_clients_wish() -> None:
    wish = {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2000}}}
    for more, shown in (({}, False), (wish, True)):
        flow = await CLAUDE.ask(call("/v1beta/models/m:generateContent", CONTENTS | more))
        ask = live(flow).ask
        assert ask is not None
        assert ask.show_thinking is shown
    for path, body in ((CHAT_PATH, CHAT), ("/v1/responses", INPUT)):
        ask = live(await GEMINI.ask(call(path, body))).ask
        assert ask is not None
        assert ask.show_thinking


async def test_8_an_enum_of_text_is_unwrapped_for_geminis_client() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a", "b"]}}
    ask = live(await CLAUDE.ask(call("/v1beta/models/m:generateContent", CONTENTS | {"generationConfig": config}))).ask
    assert ask is not None
    assert ask.unwrap


async def test_13_a_responses_answer_repeats_the_request() -> None:
    late = {"type": "additional_tools", "tools": [{"type": "namespace", "name": "n", "tools": [{"name": "f"}]}]}
    body = INPUT | {"metadata": {"a": "b"}, "input": [*INPUT["input"], late]}
    ask = live(await RESPONSES.ask(call("/v1/responses", body))).ask
    assert ask is not None
    assert ask.request["metadata"] == {"a": "b"}
    assert ask.request["input"] == [late], "the tools, and not the conversation"
    chat = live(await CLAUDE.ask(call(CHAT_PATH, CHAT))).ask
    assert chat is not None
    assert chat.request == {}


async def test_a_refusal_names_the_provider() -> None:
    flow = await CLAUDE.ask(call("/v1/responses/compact", INPUT))
    assert "claude-custom" in str(refuse_crossing(live(flow)))


async def test_3_1_a_private_host_is_fetched_from_only_where_a_setting_names_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\nconnection: close\r\n\r\n%PDF-1.4")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.pdf"
    source = {"type": "document", "source": {"type": "url", "url": url}}
    body = MESSAGES | {"messages": [{"role": "user", "content": [source]}]}
    assert status_of(await GEMINI.ask(call(MESSAGES_PATH, body))) == 400
    named = Rig(with_accounts("gemini", fetch_hosts=("127.0.0.1",)))
    sent = await body_for(named, MESSAGES_PATH, body)
    assert sent["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "application/pdf"
    server.close()


APPENDED = {"system_prompts": {"client:*": {"mode": "append", "text": "Ours."}}}


@pytest.mark.parametrize(
    ("account", "path", "raw", "expected"),
    [
        (
            "claude",
            MESSAGES_PATH,
            '{"model": "m",  "max_tokens":1.0e1, "system":"A", "messages":[ {"role":"user"} ], "x":"\\u00e9"}',
            '{"model": "m",  "max_tokens":1.0e1, "system":[{"type":"text","text":"A"},{"type":"text","text":"Ours."}],'
            ' "messages":[ {"role":"user"} ], "x":"\\u00e9"}',
        ),
        (
            "claude",
            MESSAGES_PATH,
            '{"model":"m","system":[ {"type":"text",  "text":"\\u00e9", "x":1.0} ],"messages":[]}',
            '{"model":"m","system":[ {"type":"text",  "text":"\\u00e9", "x":1.0},{"type":"text","text":"Ours."} ],"messages":[]}',
        ),
        (
            "openai",
            CHAT_PATH,
            '{"messages":[ {"role":"system", "content":"\\u00e9"}, {"role":"user", "x":1.0} ],"model":"m"}',
            '{"messages":[ {"role":"system", "content":"\\u00e9"},{"role":"system","content":"Ours."}, {"role":"user", "x":1.0} ],'
            '"model":"m"}',
        ),
        (
            "responses",
            "/v1/responses",
            '{"model":"m", "input":[ {"role":"user", "content":"\\u00e9"} ]}',
            '{"model":"m", "input":[ {"role":"user", "content":"\\u00e9"} ],"instructions":"Ours."}',
        ),
    ],
)
async def test_1_2_the_operators_prompt_goes_in_and_everything_else_keeps_its_bytes(
    account: str, path: str, raw: str, expected: str
) -> None:
    flow = await Rig(with_accounts(account, **APPENDED)).ask(call(path, raw.encode()))
    assert (flow.request.data.content or b"").decode() == expected


async def test_1_2_a_body_without_any_of_the_old_texts_keeps_all_of_its_bytes() -> None:
    raw = json.dumps(MESSAGES | {"system": [{"type": "text", "text": "A \u00e9"}], "x": 1.5}, indent=2).encode()
    rig = Rig(with_accounts("claude", system_prompt_replacements=[["elsewhere", "x"]]))
    assert (await rig.ask(call(MESSAGES_PATH, raw))).request.data.content == raw

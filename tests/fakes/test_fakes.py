"""The fakes' own streams are right to the byte, their breaks are real, and they note what should never have come."""

import json
import socket
import time

import anthropic
import httpx
import openai
import pytest

from tests.fakes.anthropic import AnthropicFake
from tests.fakes.asking import HTTP, OBJECT, THINK, USER, JsonObject, ask_anthropic, ask_openai, tool
from tests.fakes.openai import OpenAIFake
from tests.fakes.samples import ANTHROPIC_KEY, ANTHROPIC_TOOLS, OPENAI_KEY, OPENAI_TOOLS
from tests.fakes.scripts import SCRIPTS, UNICODE, Reply, Script
from tests.grammar import check_anthropic_stream, check_chat_stream, fold_anthropic_answer, fold_chat_answer

COMPLETE = [
    name
    for name, s in SCRIPTS.items()
    if not s.error and not s.no_head and s.delivery == SCRIPTS["text"].delivery and s.reply.usage == "asked"
]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_stream_of_a_fake_is_right_and_says_what_the_whole_answer_says(
    openai_fake: OpenAIFake, anthropic_fake: AnthropicFake, name: str
) -> None:
    model: JsonObject = {"model": f"gpt-4.1-{name}", "tools": OPENAI_TOOLS}
    raw = ask_openai(openai_fake, **model, stream=True, stream_options={"include_usage": True}).content
    streamed = check_chat_stream(raw, include_usage=True)
    assert streamed.content == fold_chat_answer(ask_openai(openai_fake, **model).json()).content
    assert streamed.text == SCRIPTS[name].reply.whole_text

    model = {"model": f"claude-sonnet-4-5-{name}", "tools": ANTHROPIC_TOOLS, **THINK}
    folded = check_anthropic_stream(ask_anthropic(anthropic_fake, **model, stream=True).content)
    if name != "cuttool":  # a whole answer cannot hold half of an object
        assert folded.content == fold_anthropic_answer(ask_anthropic(anthropic_fake, **model).json()).content
    assert folded.thinking == SCRIPTS[name].reply.whole_thinking


def test_the_vendors_sdks_read_the_fakes(openai_fake: OpenAIFake, anthropic_fake: AnthropicFake) -> None:
    with openai.OpenAI(api_key=OPENAI_KEY, base_url=f"{openai_fake.url}/v1", max_retries=0) as chat:
        chunks = list(
            chat.chat.completions.create(
                model="gpt-4.1-unicodebytes", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
        )
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "".join(UNICODE)

    with (
        anthropic.Anthropic(api_key=ANTHROPIC_KEY, base_url=anthropic_fake.url, max_retries=0) as claude,
        claude.messages.stream(
            model="claude-sonnet-4-5-redacted",
            max_tokens=3000,
            messages=[{"role": "user", "content": "Hi"}],
            tools=ANTHROPIC_TOOLS,
            thinking={"type": "enabled", "budget_tokens": 2000},
        ) as stream,
    ):
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "tool_use"]
    assert message.stop_reason == "tool_use"


def test_a_call_bears_a_name_that_the_request_declares(openai_fake: OpenAIFake) -> None:
    answer = ask_openai(openai_fake, model="gpt-4.1-parallel", tools=tool("other", OBJECT), parallel_tool_calls=False)
    message = answer.json()["choices"][0]["message"]
    assert [c["function"]["name"] for c in message["tool_calls"]] == ["other"]
    assert ask_openai(openai_fake, model="gpt-4.1-parallel").json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("name", ["e401", "e403", "e404", "e429", "e500", "e503", "e529", "e400", "etoolong", "e402"])
def test_errors_have_the_vendors_shapes(openai_fake: OpenAIFake, anthropic_fake: AnthropicFake, name: str) -> None:
    status = SCRIPTS[name].error
    assert status is not None
    chat, claude = ask_openai(openai_fake, model=f"m-{name}"), ask_anthropic(anthropic_fake, model=f"claude-3-{name}")
    assert (chat.status_code, claude.status_code) == (status.status, status.status)
    assert set(chat.json()["error"]) == {"message", "type", "param", "code"}
    assert claude.json()["type"] == "error"
    assert chat.headers.get("retry-after") == claude.headers.get("retry-after") == ("7" if name == "e429" else None)


def test_breaks_are_real(openai_fake: OpenAIFake) -> None:
    """Cut, reset, garbage: the client's HTTP library must notice each; `unfinished` is good HTTP."""
    for name in ("midcut", "midreset", "nohead", "noheadreset", "nothttp"):
        with pytest.raises(httpx.TransportError):
            ask_openai(openai_fake, model=f"gpt-4.1-{name}", stream=True)
    for name, last in (("midunfinished", b'"content":"world"'), ("miderror", b'"error"'), ("midgarbage", b"17 29")):
        raw = ask_openai(openai_fake, model=f"gpt-4.1-{name}", stream=True).content
        assert last in raw.split(b"\n\n")[-2]
        assert b"[DONE]" not in raw
    for name in ("midunfinished", "wholejson"):
        with pytest.raises(AssertionError):
            check_chat_stream(ask_openai(openai_fake, model=f"gpt-4.1-{name}", stream=True).content)


def test_a_script_of_a_test_goes_first_and_fails_as_often_as_it_says(openai_fake: OpenAIFake) -> None:
    openai_fake.scripts["gpt-4.1-mine"] = Script(
        Reply(text=("mine",)), error=SCRIPTS["e500"].error, first_errors=2, lenient=True
    )
    answers = [ask_openai(openai_fake, model="gpt-4.1-mine", unheard_of=1) for _ in range(3)]
    assert [a.status_code for a in answers] == [500, 500, 200]
    assert answers[2].json()["choices"][0]["message"]["content"] == "mine"


def test_the_fake_knows_when_its_client_has_gone(openai_fake: OpenAIFake) -> None:
    before = len(openai_fake.requests)
    body = json.dumps({"model": "gpt-4.1-silent", "messages": [USER]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {OPENAI_KEY}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", openai_fake.port)) as sock:
        sock.sendall(head.encode() + body)
        request = openai_fake.wait_for(before + 1)[before]
        assert not request.gone.wait(0.05)
    left = time.monotonic()
    assert request.gone.wait(1)
    assert request.gone_at is not None
    assert request.gone_at - left < 0.1
    assert request.body == body


def test_what_a_good_proxy_never_sends_is_noted(openai_fake: OpenAIFake) -> None:
    openai_fake.violations.clear()
    openai_fake.secrets = ["client-secret"]
    headers = {
        "authorization": f"Bearer {OPENAI_KEY}",
        "user-agent": "OpenAI/Python 3.54.0",
        "x-stainless-lang": "python",
        "cookie": "a=b",
        "x-forwarded-for": "10.0.0.1",
        "via": "client-secret",
        "host": "elsewhere",
    }
    HTTP.get(f"{openai_fake.url}/v1/models?key=x", headers=headers)
    found = "\n".join(openai_fake.violations)
    for word in (
        "x-stainless-lang",
        "cookie",
        "x-forwarded-for",
        "via",
        "User-Agent",
        "Host is",
        "a secret",
        "a query",
    ):
        assert word in found
    assert len(openai_fake.violations) == 8
    openai_fake.secrets = []

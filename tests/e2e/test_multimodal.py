"""Pictures, documents, audio and video: from each client protocol to each provider, right to the byte or a 400 that names the
part (conversion rules 3, 3.1 and 6.3)."""

from collections.abc import Iterator
from typing import Any, override

import httpx
import pytest

from tests.e2e import sent
from tests.e2e.conftest import Upstreams
from tests.e2e.contents import FILE_IDS, KINDS, PLACES, Part, built, said
from tests.e2e.plain import PAIRS, PLAIN_MODEL, PROVIDERS, REASONING_MODEL, RIGHT, Plain, error_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.server import FakeServer, Line, Recorded

WORDS = "Look."
URLS = {"chat": ("picture by url",), "gemini": ()}  # kinds by URL that a wire takes, where it does not take both
PROVIDER_SAYS_NO = {  # in bypass, and of pictures that we know no better of: it is the provider's to refuse
    "chat": ("bmp", "text", "video"),
    "responses": ("bmp", "text", "video"),
    "anthropic": ("bmp", "wav"),
    "gemini": ("bmp",),
}
WHY = {
    "chat": {"video": "takes no video", "video by url": "takes no video"},
    "responses": {"video": "cannot hold Video", "video by url": "cannot hold Video"},
    "anthropic": {
        "wav": "takes no audio",
        "mp3": "takes no audio",
        "video": "takes no video",
        "video by url": "takes no video",
        "bmp": "image/bmp",
    },
    "gemini": {},
}
NOT_SPOKEN = {("responses", "video"): "input_video", ("anthropic", "wav"): "`audio`"}  # (client, kind): its own slip


class Website(FakeServer):
    """Stands on a private address; whoever asks it was careless."""

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        await line.answer(200, {"content-type": "image/png"}, b"secret")


@pytest.fixture(scope="module")
def website() -> Iterator[Website]:
    with Website() as site:
        assert isinstance(site, Website)
        yield site


def question(protocol: str, model: str, *parts: Part | None) -> Plain:
    """WORDS and the parts, from a user."""
    match protocol:
        case "gemini":
            return plain(protocol, model, contents=[{"role": "user", "parts": [{"text": WORDS}, *parts]}])
        case "responses":
            content = [{"type": "input_text", "text": WORDS}, *parts]
            return plain(protocol, model, input=[{"role": "user", "content": content}])
        case _:
            return plain(protocol, model, messages=[{"role": "user", "content": [_text(WORDS), *parts]}])


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def ask(web: httpx.Client, proxy: Proxy, provider: str, request: Plain) -> httpx.Response:
    return web.post(f"{proxy.url}/{provider}{request.path}", content=request.raw, headers=RIGHT)


def got(wire: str, body: Any) -> list[Part]:
    """What the last turn of the provider's body holds."""
    turn = sent.turns(wire, body)[-1]
    return list(turn["parts" if wire == "gemini" else "content"])


def refused(protocol: str, answer: httpx.Response, *words: str, place: str) -> None:
    """A 400 in the client's shape that names the part by its place and says why."""
    assert answer.status_code == 400, answer.text
    error = error_of(protocol, answer.content)
    for word in words:
        assert word in error["message"]
    told = error["param"] if protocol in ("chat", "responses") else error["message"]
    assert place in told


def by_url(wire: str, kind: str) -> bool:
    """The provider takes a URL as it is."""
    return kind == "video by url" or wire not in URLS or kind in URLS[wire]


def cases(*, fetched: bool) -> list[Any]:
    """(protocol, provider, kind) of all that can be said. fetched: what would have to be fetched, or all else."""
    return [
        pytest.param(protocol, provider, kind, id=f"{kind}-{protocol}->{PROVIDERS[provider]}")
        for protocol, provider in PAIRS
        for kind in KINDS
        if said(protocol, kind)
        and fetched
        == (kind.endswith("by url") and protocol != PROVIDERS[provider] and not by_url(PROVIDERS[provider], kind))
    ]


@pytest.mark.parametrize(("protocol", "provider", "kind"), cases(fetched=False))
def test_3_each_kind_of_content_arrives_or_is_refused(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str, kind: str
) -> None:
    wire, fake = PROVIDERS[provider], upstreams.of(provider)
    asked = upstreams.asked
    request = question(protocol, f"{REASONING_MODEL[provider]}-text", said(protocol, kind))
    answer = ask(web, proxy, provider, request)
    if protocol == wire:
        assert fake.requests[-1].body == request.raw
        assert answer.status_code == (400 if kind in PROVIDER_SAYS_NO[wire] else 200), answer.text
        return
    expected = built(wire, protocol, kind)
    if expected is None or (protocol, kind) in NOT_SPOKEN:
        why = NOT_SPOKEN.get((protocol, kind)) or WHY[wire].get(kind) or FILE_IDS[protocol]
        refused(protocol, answer, why, place=PLACES[protocol])
        assert upstreams.asked == asked
        return
    assert upstreams.asked == asked + 1
    words = (
        {"text": WORDS}
        if wire == "gemini"
        else {"type": "input_text" if wire == "responses" else "text", "text": WORDS}
    )
    assert got(wire, fake.requests[-1].json) == [words, *expected]
    if kind in PROVIDER_SAYS_NO[wire] and kind != "text":
        assert answer.status_code == 400
        assert "image/bmp" in error_of(protocol, answer.content)["message"]
        return
    assert answer.status_code == 200, answer.text
    lost = answer.headers["x-aiclient-conversion"].partition("; ")[2]
    assert lost == ("dropped=messages.content.citations" if kind == "citing text" and wire != "anthropic" else ""), lost


# --- 3.1 URLs ---


@pytest.mark.parametrize(("protocol", "provider", "kind"), cases(fetched=True))
def test_3_1_for_a_provider_that_takes_no_url_private_addresses_are_not_asked(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, website: Website, protocol: str, provider: str, kind: str
) -> None:
    asked, url = upstreams.asked, f"{website.url}/a"
    part = said(protocol, kind, url, url)
    answer = ask(web, proxy, provider, question(protocol, REASONING_MODEL[provider], part))
    refused(protocol, answer, url, "it is not at a public address", place=PLACES[protocol])
    assert upstreams.asked == asked
    assert website.requests == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost:{port}/a", "public"),
        ("http://127.1:{port}/a", "public"),
        ("http://2130706433:{port}/a", "public"),
        ("http://0x7f000001:{port}/a", "public"),
        ("http://0.0.0.0:{port}/a", "public"),
        ("http://[::1]:{port}/a", "public"),
        ("http://[::ffff:127.0.0.1]:{port}/a", "public"),
        ("http://10.0.0.1/a", "public"),
        ("http://169.254.169.254/latest/meta-data/", "public"),
        ("http://127.0.0.1\\@example.com:{port}/a", "cannot fetch"),
        ("http://example.com@127.0.0.1:{port}/a", "only plain http and https"),
        ("file:///etc/passwd", "only plain http and https"),
        ("ftp://127.0.0.1:{port}/a", "only plain http and https"),
        ("http://127.0.0.1:99999/a", "cannot fetch"),
        ("http://", "only plain http and https"),
        ("http://no-such-host.invalid/a", "its host was not found"),
    ],
)
def test_3_1_no_spelling_of_a_private_address_is_asked(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, website: Website, url: str, why: str
) -> None:
    asked = upstreams.asked
    part = said("chat", "picture by url", url.format(port=website.port))
    answer = ask(web, proxy, "gemini-custom", question("chat", "gemini-2.5-flash", part))
    refused("chat", answer, why, place=PLACES["chat"])
    assert upstreams.asked == asked
    assert website.requests == []


def test_3_1_what_the_provider_keeps_or_shows_is_left_to_it(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    """Files of Gemini, buckets and videos by URL go to Gemini as they are, from whatever client."""
    fake = upstreams.of("gemini-custom")
    for url in (FILE_IDS["gemini"], "gs://bucket/a.png"):
        part = said("chat", "picture by url", url)
        answer = ask(web, proxy, "gemini-custom", question("chat", "gemini-2.5-flash", part))
        assert answer.status_code == 200, answer.text
        assert got("gemini", fake.requests[-1].json)[1] == {"fileData": {"fileUri": url}}


def test_3_1_secrets_in_a_url_are_not_logged(web: httpx.Client, proxy: Proxy) -> None:
    for url in ("http://10.0.0.1/a?X-Amz-Signature=mm-secret-4717", "http://ann:mm-secret-4717@10.0.0.1/a"):
        part = said("chat", "picture by url", url)
        answer = ask(web, proxy, "gemini-custom", question("chat", "gemini-2.5-flash", part))
        assert answer.status_code == 400
        assert "mm-secret-4717" not in answer.text
    assert b"mm-secret-4717" not in proxy.log.read_bytes()


# --- 6.3 what a tool answers ---

CALL_ID = "toolu_01Look"


def looked(protocol: str, model: str, *kinds: str) -> Plain:
    """A conversation whose last turn is a result: `Seen.` and the kinds."""
    parts = [said(protocol, kind) for kind in kinds]
    match protocol:
        case "chat":  # by its types words only; agents send more
            call = {"id": CALL_ID, "type": "function", "function": {"name": "look", "arguments": "{}"}}
            turns = [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": CALL_ID, "content": [_text("Seen."), *parts]},
            ]
        case "responses":
            turns = [
                {"type": "function_call", "call_id": CALL_ID, "name": "look", "arguments": "{}"},
                {
                    "type": "function_call_output",
                    "call_id": CALL_ID,
                    "output": [{"type": "input_text", "text": "Seen."}, *parts],
                },
            ]
        case "anthropic":
            result = {"type": "tool_result", "tool_use_id": CALL_ID, "content": [_text("Seen."), *parts]}
            turns = [
                {"role": "assistant", "content": [{"type": "tool_use", "id": CALL_ID, "name": "look", "input": {}}]},
                {"role": "user", "content": [result]},
            ]
        case _:
            response = {"id": CALL_ID, "name": "look", "response": {"output": "Seen."}, "parts": parts}
            turns = [
                {"role": "model", "parts": [{"functionCall": {"id": CALL_ID, "name": "look", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": response}]},
            ]
    field = {"responses": "input", "gemini": "contents"}.get(protocol, "messages")
    request = question(protocol, model)
    return plain(protocol, model, **{field: [*request.body[field], *turns]})


def answered(wire: str, body: Any, *, newest: bool) -> tuple[object, list[Part]]:
    """The result's words, and the media that came with it, from where the wire has its place for them (6.3)."""
    turns = sent.turns(wire, body)
    match wire:
        case "chat":
            assert turns[-2]["tool_call_id"] == CALL_ID
            assert turns[-1]["role"] == "user"
            return turns[-2]["content"], turns[-1]["content"]
        case "responses":
            assert turns[-1]["call_id"] == CALL_ID
            return turns[-1]["output"][0]["text"], turns[-1]["output"][1:]
        case "anthropic":
            (block,) = turns[-1]["content"]
            assert block["tool_use_id"] == CALL_ID
            return block["content"][0]["text"], block["content"][1:]
        case _:
            first, *behind = turns[-1]["parts"]
            result = first["functionResponse"]
            assert result.get("id") == (CALL_ID if newest else None)
            return result["response"]["output"], result["parts"] if newest else behind


@pytest.mark.parametrize(
    ("protocol", "provider", "newest"),
    [
        pytest.param(protocol, provider, newest, id=f"{protocol}->{PROVIDERS[provider]}{' newer model' * newest}")
        for protocol, provider in PAIRS
        for newest in (False, True)
        if protocol != PROVIDERS[provider] and (PROVIDERS[provider] == "gemini" or not newest)  # others do not differ
    ],
)
def test_6_3_a_picture_and_a_document_in_a_result_stay_with_it(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str, newest: bool
) -> None:
    wire, fake = PROVIDERS[provider], upstreams.of(provider)
    request = looked(protocol, f"{(REASONING_MODEL if newest else PLAIN_MODEL)[provider]}-text", "png", "pdf")
    answer = ask(web, proxy, provider, request)
    assert answer.status_code == 200, answer.text
    words = "Seen." if wire != "chat" else f"Seen.\n[image 1 of call {CALL_ID}]\n[document 1 of call {CALL_ID}]"
    pieces = [piece for kind in ("png", "pdf") for piece in built(wire, protocol, kind) or ()]
    assert answered(wire, fake.requests[-1].json, newest=newest) == (words, pieces)


@pytest.mark.parametrize("protocol", [protocol for protocol in PLACES if protocol != "anthropic"])
def test_6_3_a_picture_of_a_type_the_provider_does_not_take_is_refused_in_a_result_too(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str
) -> None:
    places = {
        "chat": "messages[2].content[1]",
        "responses": "input[2].output[1]",
        "gemini": "contents[2].parts[0].functionResponse.parts[0]",
    }
    asked = upstreams.asked
    request = looked(protocol, "claude-sonnet-4-5-text", "bmp")
    answer = ask(web, proxy, "claude-custom", request)
    refused(protocol, answer, "image/bmp", place=places[protocol])
    assert upstreams.asked == asked

"""However a provider's bytes are cut, wrapped and decorated, the client's stream is the same and right."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.conftest import Pair
from tests.e2e.plain import PAIRS, PLAIN_MODEL, PROVIDERS, RIGHT, checked_stream, plain
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import TEXT, UNICODE
from tests.grammar_gemini import check_gemini_array

FORMS = ["bytes", "sevens", "one", "crlf", "crlfbytes", "cr", "comments", "noise", "prelude", "slow"]
# In bypass a form is the provider's own, and the vendor's SDK trips over these with and without a proxy.
NOT_FOR_SDKS = {
    ("chat", "noise"),
    ("responses", "noise"),
    *(("gemini", form) for form in ("comments", "noise", "prelude")),
}


@pytest.mark.parametrize("form", FORMS)
def test_20_2_any_cut_of_the_upstream_bytes_gives_the_same_answer(pair: Pair, form: str) -> None:
    if pair.same and (pair.protocol, form) in NOT_FOR_SDKS:
        pytest.skip("the SDK cannot read it from its own vendor either")
    if pair.same:
        answer = pair.client.sdk_text(pair.model(form))
    else:
        answer = pair.client.ask(pair.model(form), [pair.client.user("Hi")], stream=True).folded.text
    assert answer == "".join(TEXT)


@pytest.mark.parametrize("form", ["usagefinish", "usageevery"])
def test_12_usage_is_read_wherever_a_compatible_vendor_puts_it(pair: Pair, form: str) -> None:
    if pair.same or pair.wire != "chat":
        pytest.skip("a matter of Chat vendors, and in bypass their own")
    answer = pair.client.ask(pair.model(form), [pair.client.user("Hi")], stream=True)
    assert (answer.tokens.read, answer.tokens.written) == (25, 12)


def test_14_7_a_provider_that_forgets_done_ends_well_all_the_same(pair: Pair) -> None:
    """finish_reason was there, `[DONE]` was not. (Anthropic's stream without message_stop, after its stop reason.)"""
    assert pair.client.sdk_text(pair.model("nodone")) == "".join(TEXT)


def test_1_4_a_whole_answer_to_a_stream_request_becomes_a_stream(pair: Pair) -> None:
    """1.4 Decided by the answer's content type, not by what was asked."""
    answer = pair.client.ask(pair.model("wholejson"), [pair.client.user("Hi")], stream=True)
    assert answer.folded.text == "".join(TEXT)


def test_text_is_not_held_back(pair: Pair) -> None:
    """The first words are with the client while the provider is still at it: 200 words, one each 50 ms."""
    asked = plain(pair.protocol, pair.model("paced"), stream=True)
    url = f"{pair.proxy.url}/{pair.provider}{asked.path}"
    with httpx.stream("POST", url, json=asked.body, headers=RIGHT, trust_env=False, timeout=10) as answer:
        seen = b""
        for part in answer.iter_raw():
            seen += part
            if seen.count(b"tick ") >= 3:
                break
        assert not pair.sent[-1].answered.is_set()


def test_many_streams_at_once_do_not_mix(web: httpx.Client, proxy: Proxy) -> None:
    """64 clients of all protocols on all providers."""

    def one(number: int) -> str:
        protocol, provider = PAIRS[number % len(PAIRS)]
        asked = plain(protocol, f"{PLAIN_MODEL[provider]}-unicode", str(number), stream=True)
        answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
        return checked_stream(protocol, answer.content).text

    with ThreadPoolExecutor(25) as pool:
        assert set(pool.map(one, range(64))) == {"".join(UNICODE)}


# --- Gemini's other form: a JSON array ---


def array_of(web: httpx.Client, proxy: Proxy, provider: str, script: str) -> httpx.Response:
    asked = plain("gemini", f"{PLAIN_MODEL[provider]}-{script}", stream=True)
    path = asked.path.partition("?")[0]
    return web.post(f"{proxy.url}/{provider}{path}", json=asked.body, headers=RIGHT)


@pytest.mark.parametrize("script", ["unicode", "unicodebytes", "wholejson"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_14_5_without_alt_sse_a_stream_is_one_json_array(
    web: httpx.Client, proxy: Proxy, provider: str, script: str
) -> None:
    answer = array_of(web, proxy, provider, script)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    said = "".join(TEXT if script == "wholejson" else UNICODE)
    assert check_gemini_array(answer.content).text == said


@pytest.mark.parametrize("script", ["midunfinished", "midcut", "midreset", "miderror"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_15_3_a_broken_array_is_closed_after_its_error(
    web: httpx.Client, proxy: Proxy, provider: str, script: str
) -> None:
    folded = check_gemini_array(array_of(web, proxy, provider, script).content, broken=True)
    assert folded.text.startswith("Hello")


def test_15_an_error_before_an_array_is_an_http_error(web: httpx.Client, proxy: Proxy) -> None:
    for provider in PROVIDERS:
        answer = array_of(web, proxy, provider, "e429")
        assert answer.status_code == 429
        body = answer.json()
        (error,) = body if isinstance(body, list) else [body]
        assert error["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_14_5_an_array_is_not_held_back(proxy: Proxy) -> None:
    for provider in PROVIDERS:
        asked = plain("gemini", f"{PLAIN_MODEL[provider]}-paced", stream=True)
        url = f"{proxy.url}/{provider}{asked.path.partition('?')[0]}"
        seen = b""
        with httpx.stream("POST", url, json=asked.body, headers=RIGHT, trust_env=False, timeout=5) as answer:
            for part in answer.iter_raw():
                seen += part
                if seen.count(b"tick ") >= 2:
                    break
        assert seen.lstrip().startswith(b"[")
        assert seen.count(b"tick ") < 100

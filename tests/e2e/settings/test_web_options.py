"""Settings changed in mitmweb, by the call that its options page makes."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS, RIGHT, plain
from tests.e2e.proxy import Proxy, free_port, launch
from tests.fakes.samples import CLIENT_KEY

PASSWORD = "a-password-of-this-test"
XSRF = "the-same-in-cookie-and-head"


class Page:
    """mitmweb's own, logged in."""

    def __init__(self, port: int) -> None:
        self._web = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        self._web.get("/", params={"token": PASSWORD}).raise_for_status()
        self._web.cookies.set("_mitmproxy_xsrf", XSRF)

    def set(self, **options: object) -> httpx.Response:
        return self._web.put("/options", json=options, headers={"X-XSRFToken": XSRF})

    @property
    def options(self) -> str:
        return self._web.get("/options").text


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[tuple[Proxy, Page]]:
    port = free_port()
    page = ("--set", f"web_port={port}", "--set", "web_open_browser=false", "--set", f"web_password={PASSWORD}")
    settings = {
        "API_KEY": CLIENT_KEY,
        "OPENAI_API_KEY": KEYS["openai-custom"],
        "OPENAI_BASE_URL": upstreams.of("openai-custom").url,
    }
    proxy = launch(tmp_path_factory.mktemp("options") / "web", settings, program="mitmweb", more=page)
    yield proxy, Page(port)
    proxy.stop()


def ask(proxy: Proxy, web: httpx.Client, **more: object) -> int:
    asked = plain("anthropic", "gpt-4.1-text", "Hi", **more)
    return web.post(f"{proxy.url}/openai-custom{asked.path}", json=asked.body, headers=RIGHT).status_code


def test_a_change_counts_from_the_next_request_on(opened: tuple[Proxy, Page], web: httpx.Client) -> None:
    proxy, page = opened
    assert ask(proxy, web, top_k=5) == 200
    assert page.set(aiclient_strict_conversion=True).status_code == 200
    assert ask(proxy, web, top_k=5) == 400
    assert page.set(aiclient_strict_conversion=False).status_code == 200
    assert ask(proxy, web, top_k=5) == 200


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("aiclient_idle_seconds", "soon", "must be a number of seconds"),
        ("aiclient_model_provider", "openai-costum", "did you mean openai-custom?"),
        ("aiclient_openai_api_key", "a key", "holds a blank"),
    ],
)
def test_a_mistake_is_refused_and_all_stays(
    opened: tuple[Proxy, Page], web: httpx.Client, option: str, value: str, said: str
) -> None:
    proxy, page = opened
    answer = page.set(**{option: value})
    assert answer.status_code == 400
    assert said in answer.text
    assert ask(proxy, web) == 200
    assert page.set(aiclient_strict_conversion=False).status_code == 200, "no earlier mistake stands in the way"


def test_the_page_shows_no_secret(opened: tuple[Proxy, Page]) -> None:
    _, page = opened
    assert "aiclient_openai_api_key" in page.options
    assert CLIENT_KEY not in page.options
    assert KEYS["openai-custom"] not in page.options

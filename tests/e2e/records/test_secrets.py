"""Canaries in every place where a secret could hide: in no record, object, dump, HAR file, transcript or page of mitmweb.

And mitmweb itself: our views of flows that it saw, and of those that it reads from a dump.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from addons.inspector import VIEWS
from tests.e2e.conftest import Upstreams
from tests.e2e.oauth.logins import SECRETS as TOKENS
from tests.e2e.oauth.logins import Login
from tests.e2e.oauth.logins import Stage as Logins
from tests.e2e.plain import ALL_KEYS, KEYS, PAIRS, PLAIN_MODEL, RIGHT, plain
from tests.e2e.proxy import Proxy, free_port, launch
from tests.e2e.records.conftest import Written, everything_in
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import TEXT, Delivery, HttpError, Reply, Script

WEB = httpx.Client(trust_env=False, timeout=30)  # to make one takes its time
CANARY = "Q7w3E9r1T5y2U8i4"
IN_PROMPT = f"sk-proj-{CANARY * 2}"
IN_MCP = f"mcp-{CANARY}-token"
IN_URL = f"sig{CANARY}ature"
IN_HEADER = f"header-{CANARY}"
IN_ANSWER = f"ghp_{CANARY}{CANARY}1234"
WORDS = f"Say hello. My key is {IN_PROMPT}."
LONG = f"You have the key {IN_PROMPT}. " * 20  # worth an object of its own
PRESIGNED = f"https://files.example/a.png?X-Amz-Signature={IN_URL}&x=1"
MCP = {
    "anthropic": {
        "mcp_servers": [{"type": "url", "url": "https://mcp.example/sse", "name": "m", "authorization_token": IN_MCP}],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": "m"}],
    },
    "responses": {
        "tools": [
            {
                "type": "mcp",
                "server_label": "m",
                "server_url": "https://mcp.example/sse",
                "authorization": IN_MCP,
                "require_approval": "never",
            }
        ]
    },
}
BETA = {"anthropic-beta": "mcp-client-2025-11-20"}
_PAGE = re.compile(rb"http://127\.0\.0\.1:\d+/\?token=(\w+)")
CONVERSATION, LEGS, STREAM = (view.name for view in VIEWS)
HELLO = "".join(TEXT)


@pytest.fixture(scope="module")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    with ExitStack() as stack:
        yield (stage := Logins(tmp_path_factory.mktemp("logins"), stack))
        assert stage.violations == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxy") / "inspected"


def mitmweb(home: Path, settings: dict[str, str], *more: str) -> Proxy:
    page = ("--set", f"web_port={free_port()}", "--set", "web_open_browser=false")
    return launch(home, settings, program="mitmweb", more=(*page, *more))


def page_of(proxy: Proxy) -> httpx.Client:
    found = _PAGE.search(proxy.log.read_bytes())
    assert found is not None, "mitmweb says where its page is"
    address, token = found[0].partition(b"/?")[0].decode(), found[1].decode()
    return httpx.Client(base_url=address, trust_env=False, timeout=30, headers={"authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def proxy(upstreams: Upstreams, logins: Logins, home: Path) -> Iterator[Proxy]:
    """mitmweb with everything on that writes."""
    settings = {
        **upstreams.settings,
        **logins.settings,
        "CRON_REFRESH_TOKEN": "false",
        "QUOTA_REST_SECONDS": "0",
        "LOG_PROMPTS": "file",
        "PROMPT_LOG_BASE_NAME": str(home / "talk"),
        "RECORD_COMPRESS": "false",
    }
    proxy = mitmweb(home, settings, "--set", f"hardump={home / 'flows.har'}")
    yield proxy
    proxy.stop()


def ask(proxy: Proxy, protocol: str, provider: str, model: str, *, stream: bool = False, **more: Any) -> httpx.Response:
    asked = plain(protocol, model, WORDS, stream=stream, **more)
    url = f"{proxy.url}/{provider}{asked.path}"
    headers = {**RIGHT, **BETA, "cookie": f"c={IN_HEADER}", "x-my-token": IN_HEADER}
    return WEB.post(f"{url}{'&' if '?' in url else '?'}key={CLIENT_KEY}", content=asked.raw, headers=headers)


def live(proxy: Proxy, upstreams: Upstreams) -> None:
    """All pairs; secrets in prompts, bodies, heads and answers, whole and in pieces; errors that repeat keys."""
    pieces = ("It is ", IN_ANSWER[:9], IN_ANSWER[9:20], IN_ANSWER[20:], " indeed.")
    for provider, model in PLAIN_MODEL.items():
        fake = upstreams.of(provider)
        fake.scripts["secret"] = Script(Reply(text=pieces))
        fake.scripts["secretbytes"] = Script(Reply(text=pieces), delivery=Delivery(slices="sevens"))
        fake.scripts["echo401"] = Script(error=HttpError(401, "api_error", f"Bad key {KEYS[provider]} {IN_PROMPT}"))
        for protocol in (protocol for protocol, name in PAIRS if name == provider):
            for script, stream in (("secret", False), ("secret", True), ("secretbytes", True), ("echo401", False)):
                answer = ask(proxy, protocol, provider, f"{model}-{script}", stream=stream)
                assert (answer.status_code == 200) is (script != "echo401"), answer.text
                if script == "secret" and not stream:
                    assert IN_ANSWER in answer.text, "the client gets every byte"
    for protocol, provider in (("anthropic", "claude-custom"), ("responses", "openaiResponses-custom")):
        model = PLAIN_MODEL[provider]
        for stream in (False, True):
            answer = ask(proxy, protocol, provider, f"{model}-text", stream=stream, **MCP[protocol])
            assert answer.status_code == 200, answer.text
            assert IN_MCP in upstreams.of(provider).requests[-1].body.decode(), "what is sent is whole"
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PRESIGNED}}]}]
    assert ask(proxy, "chat", "openai-custom", "gpt-4.1-text", messages=picture).status_code == 200
    own = [{"role": "user", "content": f"The proxy's key is {CLIENT_KEY}"}]
    assert CLIENT_KEY in ask(proxy, "chat", "demo", "aiclient-demo", messages=own).text, "a provider inside the process"
    refused = ask(proxy, "chat", "claude-custom", "claude-sonnet-4-5-text", messages=f"{WORDS} {CLIENT_KEY}")
    assert refused.status_code == 400, "not sent to anybody"
    assert ask(proxy, "anthropic", "claude-custom", "claude-sonnet-4-5-text", system=LONG).status_code == 200


def live_with(proxy: Proxy, login: Login) -> None:
    """Errors that repeat a login's tokens."""
    for status in (400, 401, 500):
        token = login.log_in()
        login.revoke()
        said = f"Bad token {token[login.access]}, see Authorization: Bearer {token[login.access]}"
        login.fake.scripts[f"echo{status}"] = Script(error=HttpError(status, "api_error", said))
        assert ask(proxy, "chat", login.provider, f"{login.model}-echo{status}").status_code >= 400
    login.log_in()
    assert ask(proxy, "anthropic", login.provider, f"{login.model}-text", stream=True).status_code == 200


def pages(page: httpx.Client) -> dict[str, bytes]:
    """What mitmweb shows; its dump holds every body as well."""
    shown = {path: page.get(path) for path in ("/flows", "/flows/dump", "/events", "/state")}
    for flow in page.get("/flows").json():
        for part, view in (("request", CONVERSATION), ("response", CONVERSATION), ("response", LEGS)):
            path = f"/flows/{flow['id']}/{part}/content/{quote(view)}.json"
            shown[path] = page.get(path)
    for path, answer in shown.items():
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
    return {path: answer.content for path, answer in shown.items()}


def test_the_views_tell_what_was_said_and_what_went_where(proxy: Proxy) -> None:
    answer = ask(proxy, "anthropic", "openai-custom", "gpt-4.1-slow", stream=True, top_k=5)
    id_ = answer.headers["x-request-id"]
    with page_of(proxy) as page:
        (flow,) = [flow for flow in page.get("/flows").json() if ["x-request-id", id_] in flow["response"]["headers"]]

        def view(part: str, name: str = "auto") -> str:
            return str(page.get(f"/flows/{flow['id']}/{part}/content/{quote(name)}.json").json()["text"])

        assert "\n[user]\nSay hello. My key is [redacted:key].\n" in view("request")
        assert f"\n[assistant]\n{HELLO}\n(stop: stop, 25 tokens in, " in view("response")
        assert f"[text 0] (4 pieces) {HELLO}\n" in view("response", STREAM)
        legs = view("response", LEGS)
    assert id_ in legs
    assert "dropped  top_k: " in legs
    heads = [line for line in legs.splitlines() if line.startswith(("===", "---"))]
    assert [head.partition("  ")[0] for head in heads] == [
        "=== client -> aiclient",
        "=== attempt 1: aiclient -> openai-custom:default",
        "--- attempt 1: openai-custom:default -> aiclient",
        "=== aiclient -> client",
    ]


def test_no_secret_is_anywhere_on_disk_or_in_mitmweb(
    proxy: Proxy, upstreams: Upstreams, logins: Logins, home: Path
) -> None:
    live(proxy, upstreams)
    for login in logins.logins:
        live_with(proxy, login)
    with page_of(proxy) as page:
        shown = {f"mitmweb {path}": content for path, content in pages(page).items()}
        again = looked_at(page)
    assert proxy.stop() == 0
    written = everything_in(home)
    kinds = ("aiclient/records/20", "aiclient/records/objects/", "dump.flow", "flows.har", "talk-", "output.txt")
    for kind in kinds:
        assert any(name.startswith(kind) for name in written), f"{kind} is there at all"
    assert any(".jsonl stream " in name for name in written)
    assert b"[redacted:key]" in written["dump.flow"]
    assert b"Traceback" not in written["output.txt"]
    for secret in (*ALL_KEYS, *TOKENS, CANARY, IN_PROMPT, IN_MCP, IN_URL, IN_HEADER, IN_ANSWER[9:20]):
        for name, content in {**written, **shown}.items():
            at = content.find(secret.encode())
            assert at < 0, f"{name} tells {secret}: ...{content[max(0, at - 300) : at + 60]!r}"
    assert len(Written(proxy).ids) > 80
    entries = json.loads(written["flows.har"])["log"]["entries"]
    legs = [entry["_aiclient"]["legs"] for entry in entries if entry["request"]["method"] == "POST"]
    assert len(legs) > 80
    assert all(leg["client"]["body"] for leg in legs)
    assert (
        len([made for leg in legs for made in leg.get("attempts", []) if made["request"]["body"] and made["answer"]])
        > 80
    )
    read_again(home, again)


def looked_at(page: httpx.Client) -> dict[str, str]:
    """(part of a flow -> its first view's text) for some flows; what mitmweb offers first for them is ours."""
    found = {}
    for flow in page.get("/flows").json()[-10:]:
        for part in ("request", "response"):
            answer = page.get(f"/flows/{flow['id']}/{part}/content/auto.json").json()
            if flow["request"]["path"] == "/health":
                continue
            assert answer["view_name"] in (CONVERSATION, LEGS), answer
            found[f"{flow['id']}/{part}"] = answer["text"]
    return found


def read_again(home: Path, before: dict[str, str]) -> None:
    """The dump opens in another mitmweb, whose views tell the same; nothing of it is taken for a request."""
    proxy = mitmweb(home.parent / "again", {"API_KEY": CLIENT_KEY}, "-r", str(home / "dump.flow"))
    try:
        with page_of(proxy) as page:
            flows = [flow["id"] for flow in page.get("/flows").json()]
            for name, text in before.items():
                assert name.partition("/")[0] in flows
                flow, part = name.split("/")
                told = page.get(f"/flows/{flow}/{part}/content/auto.json").json()["text"]
                assert sorted(told.splitlines()) == sorted(text.splitlines()), "headers may stand in another order"
    finally:
        assert proxy.stop() == 0
    assert Written(proxy).folder.exists() is False or Written(proxy).ids == []

"""One question by plain HTTP, with no SDK between: where a test looks at status and bytes."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.e2e.oauth.logins import SECRETS, Login
from tests.e2e.plain import RIGHT, checked_answer, checked_stream, error_of, plain
from tests.e2e.proxy import Proxy

WEB = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None))


def ask(
    proxy: Proxy, login: Login, protocol: str = "chat", script: str = "text", *, stream: bool = False
) -> httpx.Response:
    asked = plain(protocol, f"{login.model}-{script}", stream=stream)
    url = f"{proxy.url}/{login.provider}{asked.path}"
    answer = WEB.post(url, json=asked.body, headers=RIGHT)
    for secret in SECRETS:
        assert secret not in answer.text
        assert secret not in repr(answer.headers)
    return answer


def said(answer: httpx.Response, protocol: str = "chat") -> str:
    """The text of an answer that must be a good one."""
    assert answer.status_code == 200, answer.text
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    folded = checked_stream(protocol, answer.content) if streamed else checked_answer(protocol, answer.content)
    return folded.text


def refused(answer: httpx.Response, protocol: str = "chat") -> str:
    """The sentence of an answer that must be an error in the client's own shape: there is no account that can be used."""
    assert answer.status_code == (500 if protocol == "anthropic" else 503), answer.text
    return str(error_of(protocol, answer.content)["message"])


def ask_many(proxies: list[Proxy], login: Login, count: int) -> list[httpx.Response]:
    """All at once; the proxies in turn."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda i: ask(proxies[i % len(proxies)], login), range(count)))

"""One question by plain HTTP, and what the proxy tells of its accounts."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.e2e.plain import PROVIDERS, RIGHT, checked_answer, checked_stream, plain
from tests.e2e.pools.stage import TEXT, PoolAccount, model
from tests.e2e.proxy import Proxy

WEB = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None))


def ask(
    proxy: Proxy,
    provider: str,
    name: str = "",
    words: str = "Hi",
    /,
    *,
    protocol: str = "",
    stream: bool = False,
    headers: Mapping[str, str] = {},
    **more: Any,
) -> httpx.Response:
    """name: of the model. protocol: the provider's own by default. more: fields of the body."""
    asked = plain(protocol or PROVIDERS[provider], name or model(provider), words, stream=stream, **more)
    url = f"{proxy.url}/{provider}{asked.path}" if provider else proxy.url + asked.path
    return WEB.post(url, json=asked.body, headers={**RIGHT, **headers})


def said(answer: httpx.Response, protocol: str = "chat") -> str:
    """The text of an answer that must be a good one."""
    assert answer.status_code == 200, answer.text
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    folded = checked_stream(protocol, answer.content) if streamed else checked_answer(protocol, answer.content)
    return folded.text


def good(answer: httpx.Response, protocol: str = "chat") -> None:
    assert said(answer, protocol) == TEXT


def at_once[T](count: int, do: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(do, range(count)))


def health(proxy: Proxy) -> dict[str, dict[str, Any]]:
    """The rows of all accounts, by label."""
    answer = WEB.get(f"{proxy.url}/health", headers=RIGHT)
    assert answer.status_code == 200, answer.text
    providers = answer.json()["providers"]
    return {row["label"]: row for found in providers.values() for row in found["accounts"]}


def row(proxy: Proxy, account: PoolAccount) -> dict[str, Any]:
    return health(proxy)[account.label]


def until(true: Callable[[], object], seconds: float = 5) -> float:
    """Waits until it is; how long that took. Raises AssertionError when it never is."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not so within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - began


def logged(proxy: Proxy) -> str:
    return proxy.log.read_text(errors="replace")

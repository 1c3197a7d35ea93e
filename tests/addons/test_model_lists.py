"""Asking providers for their models, over a real socket; and when it is asked again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import pytest

from addons.accounts import Member
from addons.model_lists import ASKED, FAILED_SECONDS, KEPT_SECONDS, ModelLists, ask_provider, can_be_asked
from addons.providers.base import Provider
from addons.providers.claude_custom import ClaudeCustom
from addons.providers.demo import Demo
from addons.providers.gemini_custom import GeminiCustom
from addons.providers.openai_custom import OpenAICustom
from converters.errors import Kind, UpstreamError
from converters.model_list import Model
from creds.account import Account
from creds.api_key import ApiKey
from creds.slot import Slot

type Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
type Listen = Callable[[Answer], Awaitable[str]]
type Serve = Callable[[dict[str, tuple[int, bytes]]], Awaitable[tuple[str, list[bytes]]]]

OPENAI, CLAUDE = OpenAICustom(), ClaudeCustom()


def account(provider: Provider, base: str = "https://x.test/v1") -> Account:
    return Account(provider.name, f"{provider.name}:default", base, ApiKey("s3cret"))


def pool(provider: Provider, *disabled: bool) -> tuple[Provider, list[Member]]:
    """As many accounts as there are words for whether they are disabled."""
    return provider, [
        Member(
            replace(account(provider), label=f"{provider.name}:{number}"),
            Slot(provider.name, f"{number}", disabled=off),
        )
        for number, off in enumerate(disabled)
    ]


class Asked:
    """Answers from a list; an exception is raised."""

    def __init__(self, *answers: list[Model] | UpstreamError) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.labels: list[str] = []
        self.time = 0.0

    async def __call__(self, provider: Provider, account: Account) -> list[Model]:
        self.calls += 1
        self.labels.append(account.label)
        answer = self.answers.pop(0)
        await asyncio.sleep(0)
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    def now(self) -> float:
        return self.time


async def test_a_list_is_asked_for_once_and_again_when_it_is_old() -> None:
    ask = Asked([Model("a")], [Model("b")])
    lists = ModelLists(ask, ask.now)
    found = await asyncio.gather(*(lists.of(OPENAI, account(OPENAI)) for _ in range(5)))
    assert [models[0].id for models in found] == ["a"] * 5
    assert ask.calls == 1
    assert lists.at_hand() == {"openai-custom": frozenset({"a"})}
    ask.time = KEPT_SECONDS
    assert lists.at_hand() == {}
    assert (await lists.of(OPENAI, account(OPENAI)))[0].id == "b"


async def test_a_provider_that_failed_is_left_in_peace_for_a_while() -> None:
    ask = Asked(UpstreamError(Kind.SERVER, "x"), [Model("a")])
    lists = ModelLists(ask, ask.now)
    for _ in range(3):
        with pytest.raises(UpstreamError):
            await lists.of(OPENAI, account(OPENAI))
    assert (ask.calls, lists.at_hand()) == (1, {})
    ask.time = FAILED_SECONDS
    assert (await lists.of(OPENAI, account(OPENAI)))[0].id == "a"


async def test_one_list_is_enough() -> None:
    ask = Asked(UpstreamError(Kind.SERVER, "x"), [Model("a")])
    lists = ModelLists(ask, ask.now)
    pools = [pool(OPENAI, False), pool(CLAUDE, False)]
    assert (await lists.all_of(pools)).keys() == {"claude-custom"}
    assert await lists.all_of([]) == {}
    with pytest.raises(UpstreamError):
        await lists.all_of(pools[:1])


async def test_a_pool_has_the_list_of_the_first_account_that_gives_one() -> None:
    ask = Asked(UpstreamError(Kind.AUTH, "x"), [Model("b")])
    found = await ModelLists(ask, ask.now).all_of([pool(OPENAI, True, False, False, False)])
    assert found == {"openai-custom": [Model("b")]}
    assert ask.labels == ["openai-custom:1", "openai-custom:2"], "a disabled account was asked, or one too many"


async def test_a_great_pool_is_not_asked_account_by_account() -> None:
    ask = Asked(*[UpstreamError(Kind.SERVER, f"no {number}") for number in range(9)])
    with pytest.raises(UpstreamError, match="no 0"):
        await ModelLists(ask, ask.now).first_of(*pool(OPENAI, *[False] * 9))
    assert ask.calls == ASKED


async def test_a_pool_of_disabled_accounts_has_no_list() -> None:
    ask = Asked()
    with pytest.raises(UpstreamError, match="openai-custom has no account in use"):
        await ModelLists(ask, ask.now).first_of(*pool(OPENAI, True))


async def test_a_bug_is_not_an_empty_list() -> None:
    async def broken(provider: Provider, account: Account) -> list[Model]:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await ModelLists(broken).all_of([pool(OPENAI, False)])


# --- over the wire ---


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Starts a server whose connections are all closed at the end."""
    async with AsyncExitStack() as closing:

        async def start(answer: Answer) -> str:
            async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                closing.callback(writer.close)
                with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, KeyError):
                    await answer(reader, writer)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

            server = await asyncio.start_server(whole, "127.0.0.1", 0)
            closing.push_async_callback(server.wait_closed)
            closing.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start


@pytest.fixture
def serve(listen: Listen) -> Serve:
    """Serves pages by path; the heads of the requests are kept."""

    async def start(pages: dict[str, tuple[int, bytes]]) -> tuple[str, list[bytes]]:
        heads: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heads.append(head.lower())
                status, body = pages[head.split(b" ")[1].decode()]
                writer.write(b"HTTP/1.1 %d X\r\nlocation: /\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)
                await writer.drain()

        return await listen(answer), heads

    return start


async def test_all_pages_are_read_and_the_key_is_shown_in_the_providers_way(serve: Serve) -> None:
    first = b'{"data":[{"type":"model","id":"a"}],"has_more":true,"last_id":"a"}'
    last = b'{"data":[{"type":"model","id":"b"}],"has_more":false,"last_id":"b"}'
    url, heads = await serve({"/v1/models?limit=1000": (200, first), "/v1/models?limit=1000&after_id=a": (200, last)})
    found = await ask_provider(CLAUDE, account(CLAUDE, url + "/v1"))
    assert [model.id for model in found] == ["a", "b"]
    assert all(b"x-api-key: s3cret" in head and b"anthropic-version: " in head for head in heads)


async def test_geminis_pages_are_its_own(serve: Serve) -> None:
    first, last = b'{"models":[{"name":"models/a"}],"nextPageToken":"t1"}', b'{"models":[{"name":"models/b"}]}'
    url, heads = await serve(
        {"/v1beta/models?pageSize=1000": (200, first), "/v1beta/models?pageSize=1000&pageToken=t1": (200, last)}
    )
    found = await ask_provider(GeminiCustom(), account(GeminiCustom(), url + "/v1beta"))
    assert [model.id for model in found] == ["a", "b"]
    assert all(b"x-goog-api-key: s3cret" in head for head in heads)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"[]"), (200, b"{}"), (404, b"{}"), (302, b""), (500, b"x"), (401, b"{}")],
)
async def test_16_what_is_no_list_is_an_error(serve: Serve, status: int, body: bytes) -> None:
    url, heads = await serve({"/v1/models": (status, body)})
    with pytest.raises(UpstreamError):
        await ask_provider(OPENAI, account(OPENAI, url + "/v1"))
    assert len(heads) == 1


async def test_a_list_without_end_is_not_read_to_the_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.upstream_call.LIMIT", 10)
    url, _ = await serve({"/v1/models": (200, b'{"data":[{"id":"a"}]}')})
    with pytest.raises(UpstreamError, match="over 10 bytes"):
        await ask_provider(OPENAI, account(OPENAI, url + "/v1"))


async def test_pages_without_end_are_not_turned_for_ever(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.model_lists.PAGES", 3)
    again = b'{"models":[{"name":"models/a"}],"nextPageToken":"t"}'
    url, heads = await serve(
        {"/v1beta/models?pageSize=1000": (200, again), "/v1beta/models?pageSize=1000&pageToken=t": (200, again)}
    )
    await ask_provider(GeminiCustom(), account(GeminiCustom(), url + "/v1beta"))
    assert len(heads) == 3


async def test_nobody_there_and_too_slow_are_upstream_errors(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpstreamError) as caught:
        await ask_provider(OPENAI, account(OPENAI, "http://127.0.0.1:1/v1"))
    assert caught.value.kind is Kind.UNREACHABLE
    monkeypatch.setattr("addons.model_lists.SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(UpstreamError) as late:
        await ask_provider(OPENAI, account(OPENAI, await listen(silent) + "/v1"))
    assert late.value.kind is Kind.TIMEOUT


async def test_a_provider_inside_this_process_has_no_list() -> None:
    with pytest.raises(UpstreamError):
        await ask_provider(Demo(), account(OPENAI))


async def test_each_provider_answers_for_itself() -> None:
    refused = UpstreamError(Kind.AUTH, "no")
    said: list[str] = []
    lists = ModelLists(Asked([Model("a")], refused), lambda: 0.0, lambda text, *words: said.append(text % words))
    assert await lists.answers_of([pool(OPENAI, False), pool(CLAUDE, False)]) == {
        "openai-custom": [Model("a")],
        "claude-custom": refused,
    }
    assert said == ["claude-custom:0 gives no model list: no"]


def test_a_provider_without_a_list_of_its_own_cannot_be_asked() -> None:
    assert can_be_asked(OPENAI, account(OPENAI))
    assert not can_be_asked(Demo(), account(Demo()))

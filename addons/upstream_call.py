"""Calls of our own to a provider, beside the clients' requests: for its model list, and to see whether an account is well."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from addons.providers.base import Provider
from addons.upstream_request import ALWAYS_UP
from addons.version import USER_AGENT
from converters.errors import Kind, UpstreamError
from creds.account import Account, CredentialError
from creds.tls import authorities

LIMIT = 16 * 1024 * 1024  # bytes of one answer

type Ask = Callable[..., Awaitable["Answer"]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@asynccontextmanager
async def asking(provider: Provider, account: Account, seconds: float) -> AsyncIterator[Ask]:
    """Gives `ask(url, body=None, more=())`: a POST where there is a body, else a GET, with the account's credential.

    seconds: for all of them. Redirects are not followed. Raises UpstreamError for what is no answer.
    """
    wire = provider.wire
    assert wire is not None
    try:
        await account.credential.ready()
        headers = [(b"user-agent", USER_AGENT.encode()), (b"accept-encoding", b"identity"), *provider.headers(account)]
    except CredentialError as error:
        raise UpstreamError(Kind.AUTH, str(error)) from error
    headers += [(name.encode(), value.encode()) for name, value in ALWAYS_UP.get(wire.name, ())]
    trusted = await asyncio.to_thread(authorities)
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(verify=trusted, trust_env=False, timeout=None) as client,  # noqa: S113 (bounded above)
        ):

            async def ask(url: str, body: bytes | None = None, more: Sequence[tuple[str, str]] = ()) -> Answer:
                own = [*headers, *((name.encode(), value.encode()) for name, value in more)]
                return await _send(
                    client, client.build_request("POST" if body else "GET", url, headers=own, content=body)
                )

            yield ask
    except TimeoutError as error:
        raise UpstreamError(Kind.TIMEOUT, f"no answer within {seconds:.0f} s") from error
    except httpx.HTTPError as error:
        raise UpstreamError(Kind.UNREACHABLE, f"the provider cannot be reached ({type(error).__name__})") from error


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LIMIT:
                raise UpstreamError(Kind.BROKEN_STREAM, f"the provider's answer is over {LIMIT} bytes")
        return Answer(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body)
        )
    finally:
        await response.aclose()

"""A rig with several accounts of one provider, and what their provider may do to a request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.http import HTTPFlow, Response

from addons.accounts import Accounts, Member
from addons.providers import catalogue
from addons.relay import FailedAttempt
from addons.relay.attempt import error_of_answer
from converters.errors import Kind, UpstreamError
from creds.account import Account, Credential, CredentialError, Scheme, State, Status
from creds.api_key import ApiKey
from creds.slot import FRESH, Slot, SlotState
from tests.addons.legs_rig import CHAT_PATH, Rig, call, live, settings

OPENAI = "openai-custom"
CLAUDE = "claude-custom"


@dataclass
class Login:
    """A credential that can be renewed. tokens: the first is used; `renew` goes on to the next. broken: why it is not ready."""

    tokens: list[str] = field(default_factory=lambda: ["token-1"])
    broken: str = ""
    state: State = State.VALID
    advice: str = ""
    renewals: int = 0

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        return [(b"authorization", b"Bearer " + self.tokens[0].encode())]

    async def ready(self) -> None:
        if self.broken:
            raise CredentialError(self.broken)

    async def renew(self) -> bool:
        self.renewals += 1
        if len(self.tokens) > 1:
            self.tokens.pop(0)
            return True
        return False

    def status(self) -> Status:
        return Status(self.state, None, self.advice)


def member(name: str, provider: str = OPENAI, credential: Credential | None = None, **slot: Any) -> Member:
    """On a host of its own; `slot`: the options of its place in the pool."""
    label = f"{provider}:{name}"
    account = Account(provider, label, f"https://{name}.test/v1", credential or ApiKey(f"sk-key-of-{name}"))
    return Member(account, Slot(provider, label, **({"mark": name} | slot)))


def accounts_of(*members: Member) -> Accounts:
    """In the order of the catalogue."""
    pools = {name: tuple(each for each in members if each.slot.provider == name) for name in catalogue()}
    return Accounts({name: pool for name, pool in pools.items() if pool})


def rig_of(*members: Member | str, **given: Any) -> Rig:
    """members: names of OpenAI accounts, asked in this order, or whole ones. given: settings; no request waits unless they say so."""
    made = [each if isinstance(each, Member) else member(each, priority=number) for number, each in enumerate(members)]
    rig = Rig(settings(**({"account_wait_seconds": 0} | given)))
    rig.begin(accounts_of(*made))
    return rig


def state_of(rig: Rig, name: str, provider: str = OPENAI) -> SlotState:
    return rig.states.states.get(f"{provider}:{name}", FRESH)


def in_flight(rig: Rig) -> int:
    return sum(state.in_flight for state in rig.states.states.values())


def asked(flow: HTTPFlow) -> list[str]:
    """The accounts of all tries, by name."""
    return [attempt.account.partition(":")[2] for attempt in live(flow).made]


async def refused(rig: Rig, flow: HTTPFlow, status: int, message: str = "no", **headers: str) -> FailedAttempt:
    """The provider answered so; what the legs make of it. The relay would send the request again, if it is to be."""
    body = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": None}}).encode()
    fields = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    flow.response = answer = Response.make(status, body, fields)
    rig.upstream_leg.responseheaders(flow)
    return await _failed(rig, FailedAttempt(flow, error_of_answer(answer), answer))


async def broke(
    rig: Rig, flow: HTTPFlow, kind: Kind = Kind.UNREACHABLE, reused: bool = False, said: str = ""
) -> FailedAttempt:
    """There was no answer, or none that is one."""
    return await _failed(rig, FailedAttempt(flow, UpstreamError(kind, said or f"it is {kind.value}"), reused=reused))


async def _failed(rig: Rig, attempt: FailedAttempt) -> FailedAttempt:
    await rig.upstream_leg.attempt_failed(attempt)
    if attempt.again:
        attempt.flow.response, live(attempt.flow).pipe = None, None
    return attempt


async def give_up(rig: Rig, attempt: FailedAttempt) -> Response:
    """What came goes to the client."""
    assert not attempt.again
    if attempt.answer is None:
        attempt.flow.response = live(attempt.flow).failure_response(attempt.error)
    rig.client_leg.response(attempt.flow)
    await rig.upstream_leg.response(attempt.flow)
    assert attempt.flow.response is not None
    return attempt.flow.response


async def stream(rig: Rig, flow: HTTPFlow, parts: Sequence[bytes], cut: bool = False) -> bytes:
    """The provider's stream, to its end or cut off; what the client gets."""
    flow.response = Response.make(200, b"", {"content-type": "text/event-stream"})
    rig.upstream_leg.responseheaders(flow)
    pipe = live(flow).pipe
    assert pipe is not None
    out = b"".join(pipe.feed(part) for part in parts)
    out += pipe.fail(Kind.BROKEN_STREAM, "cut off") if cut else pipe.close()
    rig.client_leg.response(flow)
    await rig.upstream_leg.response(flow)
    return out


async def begun(rig: Rig, path: str = CHAT_PATH, body: Any = None, **headers: str) -> HTTPFlow:
    flow = await rig.ask(call(path, body, headers=headers))
    assert flow.response is None, flow.response.content
    return flow


def chained(**given: Any) -> Rig:
    routes = {"fast": [f"{OPENAI}:gpt", f"{CLAUDE}:claude"]}
    return rig_of(member("a"), member("b", priority=1), member("z", CLAUDE), routes=routes, **given)

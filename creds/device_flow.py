"""The device code flow (RFC 8628): a person opens a page on any machine, enters a code, and we ask until he has done so.

Servers differ in how they refuse: as OAuth's errors, or as AWS names its exceptions (`AuthorizationPendingException`); Qwen's
asks us to slow down by 429 where the RFC says 400.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from creds.account import CredentialError
from creds.terminal import Terminal, duration, is_page, shown
from creds.token import Unavailable, quoted
from creds.token_server import Answer

LEAST_INTERVAL = 2.0
LONGEST_LIFE = 3600.0  # whatever a server says: nobody waits longer than that
FAULTS = 3  # one after another, and the server is not there

type Sleep = Callable[[float], Awaitable[None]]
type Ask = Callable[[], Answer]

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDED = {
    "expired_token": "the code has run out before the login was confirmed; begin again",
    "access_denied": "the login was refused on the page",
}


@dataclass(frozen=True, slots=True)
class Slower:
    """What `slow_down` does to the interval: times `factor`, plus `more`, but not over `longest` seconds."""

    factor: float = 1.0
    more: float = 5.0
    longest: float = 60.0

    def after(self, interval: float) -> float:
        return max(interval, min(interval * self.factor + self.more, self.longest))


RFC_8628 = Slower()


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """code: for us to ask with. user_code and page: for the person; page_with_code: "" if there is none. Seconds both."""

    code: str = field(repr=False)
    user_code: str
    page: str
    page_with_code: str
    expires_in: float
    interval: float


def read_device_code(answer: Answer, names: tuple[str, str, str, str, str, str]) -> DeviceCode:
    """An answer's fields, by the names of DeviceCode's, in their order. Raises CredentialError for one that is of no use."""
    code, user_code, page, page_with_code = (answer.text(name) for name in names[:4])
    life, interval = (_seconds(answer.fields.get(name)) for name in names[4:])
    if not code or not (page or page_with_code):
        raise CredentialError("the login server answered without a device code or without a page to open")
    life = min(life or LONGEST_LIFE, LONGEST_LIFE)
    return DeviceCode(code, user_code, page, page_with_code, life, max(interval, LEAST_INTERVAL))


def _seconds(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return number if 0 < number < 1e9 else 0.0


async def show(code: DeviceCode, terminal: Terminal) -> None:
    """Tell the person where to go, and open the page if there is a browser."""
    page = code.page_with_code or code.page
    terminal.say(f"Open this page, on any machine, and log in:\n\n  {shown(page)}\n")
    if code.user_code:
        terminal.say(f"It must show, or ask for, this code:  {shown(code.user_code)}\n")
    terminal.say(f"The code is good for {duration(code.expires_in)}. Waiting ...")
    if is_page(page) and await terminal.open(page):
        terminal.say("The page was opened in your browser.")


async def granted(
    code: DeviceCode,
    ask: Ask,
    slower: Slower = RFC_8628,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Answer:
    """Ask for the tokens until the person has logged in. ask: one request, blocking. now: seconds that do not go back.

    Raises CredentialError when he refused, or the code has run out, or the server cannot be used.
    """
    end, interval, faults = now() + code.expires_in, code.interval, 0
    while now() + interval <= end:
        await sleep(interval)
        try:
            answer = await asyncio.to_thread(ask)
            error = "" if answer.status == 200 and "error" not in answer.fields else error_of(answer)
            if answer.passing and answer.status != 429:
                raise Unavailable(f"the login server is not available ({answer.error(code.code)})")
        except Unavailable:
            faults += 1
            if faults == FAULTS:
                raise
            continue
        faults = 0
        if not error:
            return answer
        if error == "slow_down" or answer.status == 429:
            interval = slower.after(interval)
        elif error != "authorization_pending":
            raise CredentialError(_why(answer, error, code.code))
    raise CredentialError(_ENDED["expired_token"])


def _why(answer: Answer, error: str, secret: str) -> str:
    if error in _ENDED:
        return _ENDED[error]
    if answer.status == 401:
        return f"the login server no longer knows this code (HTTP 401, {explained(answer, secret)}); begin again"
    return f"the login server refused (HTTP {answer.status}, {explained(answer, secret)})"


def error_of(answer: Answer) -> str:
    """A refusal's name as OAuth writes it: `com.amazonaws#SlowDownException` -> `slow_down`."""
    name = answer.text("error") or answer.headers.get("x-amzn-errortype", "") or answer.text("__type")
    name = name.partition(":")[0].rpartition("#")[2] or "no reason given"
    return _CAPITAL.sub("_", name.removesuffix("Exception")).lower() if name.endswith("Exception") else name


def explained(answer: Answer, *secrets: str | None) -> str:
    """A refusal in the words of its server, fit to be shown, whichever of the usual fields they are in."""
    words = (error_of(answer), answer.text("error_description") or answer.text("message") or answer.text("Message"))
    return quoted(": ".join(word for word in words if word), *secrets)

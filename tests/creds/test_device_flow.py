"""Asking for the tokens of a device code: who says what, how long we wait, and when we stop."""

from collections.abc import Callable

import httpx
import pytest

from creds.account import CredentialError
from creds.device_flow import DeviceCode, Slower, error_of, granted, read_device_code, show
from creds.login_qwen import NAMES, SLOWER
from creds.token import Unavailable
from creds.token_server import Answer
from tests.fakes.person import Person

CODE = DeviceCode("secret-device", "ABCD-1234", "https://x.test/a", "https://x.test/a?c=ABCD-1234", 900, 2)


def answer(status: int, headers: dict[str, str] | None = None, **fields: object) -> Answer:
    return Answer(status, httpx.Headers(headers or {}), b"", fields)


def refusal(status: int, error: str) -> Answer:
    return answer(status, error=error)


GOOD = answer(200, access_token="a")
PENDING = refusal(400, "authorization_pending")
AWS = "com.amazonaws.sso.oidc#"


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def asked(*answers: Answer | Exception) -> Callable[[], Answer]:
    rest = list(answers)

    def ask() -> Answer:
        found = rest.pop(0) if len(rest) > 1 else rest[0]
        if isinstance(found, Exception):
            raise found
        return found

    return ask


async def run(clock: Clock, *answers: Answer | Exception, code: DeviceCode = CODE, slower: Slower = SLOWER) -> Answer:
    return await granted(code, asked(*answers), slower, now=clock.now, sleep=clock.sleep)


async def test_1_pending_is_asked_again_at_the_same_pace() -> None:
    clock = Clock()
    assert await run(clock, PENDING, PENDING, GOOD) is GOOD
    assert clock.slept == [2, 2, 2]


@pytest.mark.parametrize("status", [429, 400])
async def test_1_slow_down_takes_half_as_long_again_up_to_ten_seconds(status: int) -> None:
    """Servers and clients disagree on the status: both count."""
    clock = Clock()
    slow = refusal(status, "slow_down")
    assert await run(clock, slow, slow, slow, slow, slow, PENDING, GOOD) is GOOD
    assert clock.slept == [2, 3, 4.5, 6.75, 10, 10, 10]


async def test_1_a_429_without_a_name_is_slow_down_too() -> None:
    clock = Clock()
    await run(clock, answer(429), GOOD)
    assert clock.slept == [2, 3]


async def test_1_5_aws_wants_five_seconds_more_and_names_its_exceptions() -> None:
    clock = Clock()
    slow = answer(400, __type=f"{AWS}SlowDownException")
    pending = answer(400, {"x-amzn-ErrorType": f"{AWS}AuthorizationPendingException:http://x"})
    assert await run(clock, slow, pending, slow, GOOD, slower=Slower()) is GOOD
    assert clock.slept == [2, 7, 7, 12]


def test_an_interval_over_the_longest_stays() -> None:
    assert SLOWER.after(20) == 20


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (refusal(400, "expired_token"), "run out"),
        (refusal(400, "access_denied"), "refused on the page"),
        (answer(400, __type=f"{AWS}ExpiredTokenException"), "run out"),
        (refusal(401, "invalid_request"), "no longer knows this code .*begin again"),
        (answer(401), "no longer knows this code"),
        (answer(200, error="invalid_grant", error_description="odd"), "refused .*invalid_grant: odd"),
        (answer(403, message="blocked"), "HTTP 403, no reason given: blocked"),
    ],
)
async def test_1_refusals_end_it_with_what_to_do(last: Answer, said: str) -> None:
    clock = Clock()
    with pytest.raises(CredentialError, match=said):
        await run(clock, PENDING, last)
    assert clock.slept == [2, 2]


async def test_28_a_refusal_that_repeats_the_code_does_not_show_it() -> None:
    with pytest.raises(CredentialError) as caught:
        await run(Clock(), answer(400, error="invalid_grant", error_description="code secret-device is unknown"))
    assert "secret-device" not in str(caught.value)


async def test_the_codes_own_end_is_the_end_of_asking() -> None:
    clock = Clock()
    with pytest.raises(CredentialError, match="run out"):
        await run(clock, PENDING, code=DeviceCode("c", "u", "p", "", 7, 2))
    assert clock.slept == [2, 2, 2]


@pytest.mark.parametrize("fault", [Unavailable("answered HTTP 403 with text/html"), answer(503), answer(408)])
async def test_1_a_fault_is_asked_over_and_three_in_a_row_are_told(fault: Answer | Exception) -> None:
    clock = Clock()
    assert await run(clock, fault, fault, PENDING, fault, fault, GOOD) is GOOD
    with pytest.raises(Unavailable, match=r"HTTP (403|503|408)"):
        await run(clock, fault)


def test_an_answer_is_read_leniently_and_never_too_fast() -> None:
    fields: dict[str, object] = {"device_code": "d", "user_code": "U", "verification_uri": "https://x.test"}
    assert read_device_code(answer(200, **fields), NAMES) == DeviceCode("d", "U", "https://x.test", "", 3600, 2)
    code = read_device_code(answer(200, **fields, expires_in="900", interval=1), NAMES)
    assert (code.expires_in, code.interval) == (900, 2)
    code = read_device_code(answer(200, **fields, expires_in=1e300, interval=7), NAMES)
    assert (code.expires_in, code.interval) == (3600, 7)
    assert read_device_code(answer(200, **fields, interval="x" * 5), NAMES).interval == 2


@pytest.mark.parametrize("lacks", ["device_code", "verification_uri"])
def test_an_answer_without_a_code_or_a_page_is_of_no_use(lacks: str) -> None:
    fields: dict[str, object] = {"device_code": "d", "verification_uri": "https://x.test"}
    with pytest.raises(CredentialError, match="without a device code or without a page"):
        read_device_code(answer(200, **{**fields, lacks: None}), NAMES)


async def test_the_person_is_shown_page_code_and_time() -> None:
    person = Person(browser=False)
    await show(CODE, person)
    assert "https://x.test/a?c=ABCD-1234" in person.text
    assert "ABCD-1234\n" in person.text
    assert "15 minutes" in person.text
    assert "secret-device" not in person.text + repr(CODE)


def test_what_a_refusal_is_called() -> None:
    assert error_of(answer(400, __type="AuthorizationPendingException")) == "authorization_pending"
    assert error_of(refusal(400, "slow_down")) == "slow_down"

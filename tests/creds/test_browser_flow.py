"""A login page and its answer, by the browser here or by a person who pastes it."""

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from creds.account import CredentialError
from creds.browser_flow import PASTE_PORT, Page, Way, ask_browser
from creds.pkce import Pkce
from creds.redirect import Refused
from tests.fakes.person import Person


def url(redirect: str, state: str, challenge: str) -> str:
    return "https://login.test/auth?" + urlencode({"to": redirect, "state": state, "challenge": challenge})


PAGE = Page(url, "/back")
NOTHING_SET = Way(environ={}, seconds=5)


def query_of(page: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}


def address(said: str, code: str = "4/0A", state: str | None = None) -> str:
    """What the browser ends up at."""
    query = query_of(next(word for word in said.split() if word.startswith("https://login.test")))
    return f"{query['to']}?{urlencode({'code': code, 'state': state or query['state']})}"


class OnThisMachine(Person):
    """His browser brings the answer to the listener."""

    async def open(self, url: str) -> bool:
        async def bring() -> None:
            async with httpx.AsyncClient(trust_env=False) as client:
                self.shown = (await client.get(address(self.text))).status_code, ""

        self.browsing.append(asyncio.create_task(bring()))
        return self.browser


async def test_the_browser_brings_the_code_to_the_listener() -> None:
    person = OnThisMachine()
    granted = await ask_browser(PAGE, person, NOTHING_SET)
    query = query_of(person.page)
    assert granted.code == "4/0A"
    assert granted.redirect == query["to"]
    assert query["to"].startswith("http://127.0.0.1:")
    assert query["to"].endswith("/back")
    assert query["challenge"] == granted.pkce.challenge
    assert "opened in your browser" in person.text


async def test_the_redirect_names_the_host_that_the_provider_knows() -> None:
    """Whatever address is bound: in a container that is all of them."""
    granted = await ask_browser(Page(url, "/back", host="localhost"), OnThisMachine(), NOTHING_SET)
    assert granted.redirect.startswith("http://localhost:")
    way = Way(environ={"OAUTH_CALLBACK_HOST": "0.0.0.0"}, seconds=5)
    assert (await ask_browser(PAGE, OnThisMachine(), way)).redirect.startswith("http://127.0.0.1:")


async def test_without_a_browser_the_address_may_be_pasted_while_it_listens() -> None:
    """Over ssh: the browser is on another machine, and the redirect leads nowhere there."""
    person = Person(browser=False, interactive=True, types=[address])
    assert (await ask_browser(PAGE, person, NOTHING_SET)).code == "4/0A"
    assert "opened" not in person.text


async def test_without_a_browser_the_listener_counts_too() -> None:
    """Over ssh with a forwarded port."""
    person = OnThisMachine(browser=False, interactive=True)
    assert (await ask_browser(PAGE, person, NOTHING_SET)).code == "4/0A"


async def test_a_program_without_a_person_waits_for_the_browser_alone() -> None:
    person = OnThisMachine(browser=False, types=["never asked"])
    assert (await ask_browser(PAGE, person, NOTHING_SET)).code == "4/0A"
    assert person.types == ["never asked"]


async def test_no_browser_opens_nothing_and_does_not_listen() -> None:
    person = Person(types=[address])
    granted = await ask_browser(PAGE, person, Way(paste=True, environ={}))
    assert granted.code == "4/0A"
    assert granted.redirect == f"http://127.0.0.1:{PASTE_PORT}/back"
    assert person.browsing == []


async def test_a_chosen_port_stands_in_the_redirect() -> None:
    for way in (Way(paste=True, port=4321, environ={}), Way(paste=True, environ={"OAUTH_CALLBACK_PORT": "4321"})):
        granted = await ask_browser(PAGE, Person(types=["4/0A"]), way)
        assert granted.redirect == "http://127.0.0.1:4321/back"


async def test_an_address_of_another_login_may_be_corrected_twice() -> None:
    wrong = "http://127.0.0.1/back?code=x&state=other"
    person = Person(types=[wrong, wrong, address])
    assert (await ask_browser(PAGE, person, Way(paste=True, environ={}))).code == "4/0A"
    assert "Paste the address once more" in person.text
    with pytest.raises(CredentialError, match="another login"):
        await ask_browser(PAGE, Person(types=[wrong] * 3), Way(paste=True, environ={}))


async def test_a_refusal_that_is_pasted_ends_it() -> None:
    def refused(said: str) -> str:
        return address(said).replace("code=4%2F0A", "error=access_denied")

    with pytest.raises(Refused, match="access_denied"):
        await ask_browser(PAGE, Person(types=[refused]), Way(paste=True, environ={}))


async def test_no_input_is_told_with_the_cure() -> None:
    with pytest.raises(Refused, match="-it"):
        await ask_browser(PAGE, Person(types=[None]), Way(paste=True, environ={}))


@pytest.mark.parametrize("paste", [True, False])
async def test_nobody_waits_for_ever(paste: bool) -> None:
    person = Person(browser=False)
    with pytest.raises(CredentialError, match="nobody logged in within 0 seconds"):
        await ask_browser(PAGE, person, Way(paste=paste, seconds=0.05, environ={}))


def test_it_waits_for_five_minutes() -> None:
    assert Way().seconds == 300


async def test_every_login_has_a_state_and_a_verifier_of_its_own() -> None:
    people = [Person(types=[address]) for _ in range(2)]
    granted = [await ask_browser(PAGE, person, Way(paste=True, environ={})) for person in people]
    assert len({query_of(person.page)["state"] for person in people}) == 2
    assert granted[0].pkce != granted[1].pkce
    assert granted[0].pkce.challenge == Pkce(granted[0].pkce.verifier).challenge
    assert "4/0A" not in repr(granted)
    assert granted[0].pkce.verifier not in repr(granted)

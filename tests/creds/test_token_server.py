"""One request to a token server: an answer, or the plain word that there is none."""

from collections.abc import Iterator

import pytest

from creds.token import Unavailable
from creds.token_server import Answer, ask, post_form, user_agent
from tests.fakes.oauth import FORM, OAuthFake, Scripted


@pytest.fixture
def fake() -> Iterator[OAuthFake]:
    server = OAuthFake()
    with server:
        yield server


def answer(status: int, **fields: object) -> Answer:
    return Answer(status, {}, b"", fields)


def test_a_form_goes_out_under_our_own_name(fake: OAuthFake) -> None:
    fake.scripted = [Scripted(200, {"ok": 1})]
    got = post_form(fake.google_url, {"a": "x y&=", "b": "ü"})
    assert (got.status, got.fields, got.body) == (200, {"ok": 1}, b'{"ok": 1}')
    sent = fake.requests[0]
    assert (sent.method, sent.body) == ("POST", b"a=x+y%26%3D&b=%C3%BC")
    assert (sent.header("content-type"), sent.header("accept")) == (FORM, "application/json")
    assert sent.header("user-agent") == user_agent()
    assert user_agent().startswith("aiclient/")


def test_the_fake_refuses_json_and_unknown_paths(fake: OAuthFake) -> None:
    refused = ask(fake.google_url, b"{}", {"content-type": "application/json"})
    assert (refused.status, refused.text("error")) == (400, "invalid_request")
    assert ask(fake.url + "/other", b"", {}).status == 404


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>Welcome to the hotel</html>"), (502, "Bad Gateway"), (200, ["a"]), (200, ""), (302, "")],
    ids=["page", "gateway", "list", "nothing", "redirect"],
)
def test_what_is_no_json_object_is_no_answer(status: int, body: object, fake: OAuthFake) -> None:
    where = {"location": fake.google_url} if status == 302 else {}
    fake.scripted = [Scripted(status, body, {"content-type": "text/html"} | where)]
    with pytest.raises(
        Unavailable, match=rf"^http://127.*/token answered HTTP {status} with text/html that is no JSON"
    ):
        post_form(fake.google_url + "?q=hunter2", {"refresh_token": "hunter2"})
    assert len(fake.requests) == 1


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with pytest.raises(Unavailable, match=r"^http://127.0.0.1:1/token did not answer: .*refused") as caught:
        post_form("http://127.0.0.1:1/token", {"refresh_token": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "token", "ftp://x/y", "http://[::1", "http://x:99999/"])
def test_a_url_that_is_none_is_no_answer(url: str) -> None:
    with pytest.raises(Unavailable):
        post_form(url, {})


def test_neither_proxies_nor_netrc_come_from_the_environment(fake: OAuthFake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy in the environment of one who uses us is us."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fake.scripted = [Scripted(200, {})]
    assert post_form(fake.google_url, {}).status == 200


def test_an_error_is_said_without_secrets_and_only_from_text() -> None:
    said = answer(400, error="invalid_grant", error_description="token hunter2 is\nrevoked").error("hunter2")
    assert said == "HTTP 400 invalid_grant: token *** is revoked"
    assert answer(500, error={"message": 1}).error() == "HTTP 500"
    assert "hunter2" not in repr(answer(200, access_token="hunter2"))


def test_refusals_that_pass_are_told_from_those_that_stay() -> None:
    assert [status for status in (200, 400, 401, 403, 408, 429, 500, 503, 504) if answer(status).passing] == [
        *(408, 429, 500, 503, 504)
    ]

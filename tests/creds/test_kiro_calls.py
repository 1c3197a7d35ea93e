"""Calls to Kiro's servers: what comes back, in whatever form, and names that become part of a URL."""

import json
from collections.abc import Iterator
from typing import override

import pytest

from creds.account import CredentialError
from creds.kiro_calls import Said, checked_arn, checked_region, place, region_of, send
from creds.token import Unavailable
from tests.fakes.server import FakeServer, Line, Recorded

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"


class One(FakeServer):
    """Answers all with the same."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        await line.answer(*self.answer)


@pytest.fixture
def server() -> Iterator[One]:
    with One() as running:
        assert isinstance(running, One)
        yield running


def test_a_request_is_what_was_said_under_our_own_name(server: One) -> None:
    said = send("POST", f"{server.url}/a?b=c", {"x-amz-target": "T"}, b'{"d":1}')
    (request,) = server.requests
    assert (said.status, said.fields) == (200, {})
    assert (request.method, request.target, request.body) == ("POST", "/a?b=c", b'{"d":1}')
    assert request.header("x-amz-target") == "T"
    assert (request.header("user-agent") or "").startswith("aiclient/")


@pytest.mark.parametrize(
    ("status", "kind", "body", "name", "message"),
    [
        (400, "application/json", '{"error": "invalid_grant", "error_description": "no"}', "invalid_grant", "no"),
        (400, "application/x-amz-json-1.0", '{"__type": "com.amazon#ExpiredTokenException", "message": "late"}', "ExpiredTokenException", "late"),
        (400, "application/json", '{"code": "ThrottlingException:http://x", "Message": "slow"}', "ThrottlingException", "slow"),
        (401, "text/plain", "Bad credentials", "", "Bad credentials"),
        (403, "application/json", '["no object"]', "", '["no object"]'),
    ],
)  # fmt: skip
def test_a_refusal_says_its_name_wherever_it_stands(
    server: One, status: int, kind: str, body: str, name: str, message: str
) -> None:
    server.answer = (status, {"content-type": kind}, body.encode())
    said = send("GET", server.url, {})
    assert (said.status, said.name, said.message) == (status, name, message)


def test_aws_names_an_error_in_the_head_as_well(server: One) -> None:
    server.answer = (403, {"x-amzn-errortype": "AccessDeniedException:http://x"}, b"{}")
    assert send("GET", server.url, {}).name == "AccessDeniedException"


@pytest.mark.parametrize(("status", "kind", "body"), [(200, "text/html", b"<p>log in</p>"), (403, "text/html", b"{}"), (200, "text/plain", b"fine")])  # fmt: skip
def test_a_page_of_somebody_elses_is_no_answer(server: One, status: int, kind: str, body: bytes) -> None:
    server.answer = (status, {"content-type": kind}, body)
    with pytest.raises(Unavailable, match=f"answered HTTP {status} with {kind}"):
        send("GET", f"{server.url}/a?token=secret", {})


def test_no_answer_is_for_later() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/a did not answer") as caught:
        send("GET", "http://127.0.0.1:1/a?token=secret", {})
    assert "secret" not in str(caught.value)
    assert place("https://x.example/a?token=secret") == "https://x.example/a"


@pytest.mark.parametrize(
    ("status", "passing"), [(400, False), (401, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_what_passes_by_itself(status: int, passing: bool) -> None:
    assert Said(status, {}).passing is passing


def test_a_problem_is_told_without_secrets() -> None:
    said = Said(400, {"error": "invalid_grant", "error_description": "not aor-secret\nat all"})
    assert said.problem("aor-secret", None) == "HTTP 400 invalid_grant: not *** at all"
    assert "aor-secret" not in repr(said)
    assert json.dumps(said.text("missing")) == '""'


@pytest.mark.parametrize(
    ("text", "region"), [(" EU-central-1 ", "eu-central-1"), ("us-gov-west-1", "us-gov-west-1"), ("", ""), (None, "")]
)
def test_a_region_is_one_or_none(text: object, region: str) -> None:
    assert checked_region(text) == region


@pytest.mark.parametrize("text", ["evil.example/", "us-east-1.evil.example#", "us_east_1", "us-east-1/x", "us"])
def test_a_region_cannot_lead_a_token_elsewhere(text: str) -> None:
    with pytest.raises(CredentialError, match="not the name of an AWS region"):
        checked_region(text)


def test_a_profile_names_its_region() -> None:
    assert checked_arn(f" {ARN} ") == ARN
    assert checked_arn(None) == ""
    assert (region_of(ARN), region_of("")) == ("eu-central-1", "")
    assert region_of(ARN.replace("eu-central-1", "evil")) == ""


@pytest.mark.parametrize("text", ["FAKEPROFILE", ARN + "\r\nx: y", ARN.replace("codewhisperer", "s3"), ARN + '"'])
def test_what_is_no_profile_is_refused_by_its_setting(text: str) -> None:
    with pytest.raises(CredentialError, match=r"^kiro_profile_arn is not a Kiro profile"):
        checked_arn(text)

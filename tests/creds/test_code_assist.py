"""A Code Assist account's project: found by Google's rules, asked for once, found out anew when it is refused."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from creds.account import CredentialError, Scheme, State
from creds.code_assist import (
    FAILED_SECONDS,
    POLL_SECONDS,
    CodeAssistCredential,
    Project,
    Unserved,
    code_assist_credential,
    configured_project,
)
from creds.oauth import OAuthCredential
from creds.token import Token, Unavailable
from tests.creds.kept import Kept
from tests.fakes.code_assist import TOKEN, CodeAssistFake
from tests.fakes.code_assist_scripts import PROJECT, VERIFY


@pytest.fixture
def fake() -> Iterator[CodeAssistFake]:
    with CodeAssistFake() as fake:
        assert isinstance(fake, CodeAssistFake)
        yield fake
        assert fake.violations == []


@dataclass
class Rig:
    """slept: seconds, in order. clock: moved by hand. refreshed: the access token that a refresh gives."""

    fake: CodeAssistFake
    clock: float = 1000.0
    slept: list[float] = field(default_factory=list)
    refreshed: str = TOKEN
    refreshes: int = 0
    kept: Kept = field(default_factory=lambda: Kept(Token(TOKEN, "refresh-1")))

    def __post_init__(self) -> None:
        self.tokens = OAuthCredential("gemini-cli-oauth:default", self.kept, self.refresh, lambda: self.clock)

    async def refresh(self, token: Token) -> Token:
        self.refreshes += 1
        return replace(token, access=self.refreshed)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def project(self, configured: str = "", base_url: str = "") -> Project:
        return Project(
            self.tokens,
            base_url or self.fake.base_url,
            configured,
            agent="aiclient/test",
            now=lambda: self.clock,
            sleep=self.sleep,
        )

    def credential(self, configured: str = "") -> CodeAssistCredential:
        return CodeAssistCredential(self.tokens, self.project(configured))


@pytest.fixture
def rig(fake: CodeAssistFake) -> Rig:
    return Rig(fake)


# --- which project: 2.4 ---


def test_2_4_the_setting_comes_before_googles_own_variables() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "a", "GOOGLE_CLOUD_PROJECT_ID": "b"}
    assert configured_project("mine", environ) == "mine"
    assert configured_project("", environ) == "a"
    assert configured_project("", {**environ, "GOOGLE_CLOUD_PROJECT": ""}) == "b"
    assert configured_project("", {}) == ""


def test_2_4_a_projects_number_is_refused_without_asking(rig: Rig) -> None:
    with pytest.raises(CredentialError, match="123456 is a project's number"):
        rig.project("123456")
    with pytest.raises(CredentialError, match="its id is needed"):
        code_assist_credential(rig.tokens, rig.fake.base_url, "123456", agent="aiclient/test")
    assert not rig.fake.asked


@pytest.mark.parametrize(
    ("load", "configured", "project", "tier"),
    [
        ("standard", "", PROJECT, "standard-tier"),
        ("standard", "mine", PROJECT, "standard-tier"),
        ("paid", "", PROJECT, "g1-pro-tier"),
        ("no-project", "mine", "mine", "standard-tier"),
        ("young", "mine", "mine", "standard-tier"),
        ("perimeter", "mine", "mine", "standard-tier"),
    ],
)
async def test_2_4_an_account_with_a_tier_has_googles_project_or_its_own(
    rig: Rig, load: str, configured: str, project: str, tier: str
) -> None:
    rig.fake.load = load
    found = rig.project(configured)
    assert (found.at_hand, found.tier) == (None, "")
    assert await found.id() == project
    assert (found.at_hand, found.tier) == (project, tier)
    assert rig.fake.asked == {"loadCodeAssist": 1}


async def test_2_2_what_is_asked_names_the_project_in_both_places_and_us_by_our_name(rig: Rig) -> None:
    await rig.project("mine").id()
    (asked,) = rig.fake.requests
    metadata = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
    assert asked.json == {"cloudaicompanionProject": "mine", "metadata": {**metadata, "duetProject": "mine"}}
    assert asked.header("user-agent") == "aiclient/test"
    assert asked.header("authorization") == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ("no-project", "set project_id to the id of one that has Gemini Code Assist enabled"),
        ("perimeter", "set project_id"),
        ("young", "You must be 18 or older."),
        ("validation", f"open {VERIFY}, then try again"),
        ("verify", f"Verify your account to continue. .see {VERIFY}."),
        ("listed", "caller does not have permission"),
        ("garbage", "in no known shape"),
    ],
)
async def test_2_4_an_account_without_a_project_is_told_what_to_do(rig: Rig, load: str, words: str) -> None:
    rig.fake.load = load
    with pytest.raises(CredentialError, match=words) as refused:
        await rig.project().id()
    assert not isinstance(refused.value, Unserved | Unavailable)
    assert "onboardUser" not in rig.fake.asked


# --- onboarding: 2.3 ---


@pytest.mark.parametrize("polls", [0, 1, 3])
async def test_2_3_a_new_account_is_onboarded_and_looked_after_every_5_seconds(rig: Rig, polls: int) -> None:
    rig.fake.load, rig.fake.polls = "new-free", polls
    project = rig.project()
    assert await project.id() == PROJECT
    assert project.tier == "free-tier"
    assert rig.fake.asked == {"loadCodeAssist": 1, "onboardUser": 1} | ({"operation": polls} if polls else {})
    assert rig.slept == [POLL_SECONDS] * polls


async def test_2_3_the_free_tier_never_hears_of_a_project(rig: Rig) -> None:
    rig.fake.load = "new-free"
    assert await rig.project("mine").id() == PROJECT
    onboarding = rig.fake.requests[-1].json
    assert onboarding["tierId"] == "free-tier"
    assert "mine" not in str(onboarding)


@pytest.mark.parametrize(("load", "tier"), [("new-standard", "standard-tier"), ("nothing", "legacy-tier")])
async def test_2_3_other_tiers_are_onboarded_with_the_users_project(rig: Rig, load: str, tier: str) -> None:
    rig.fake.load, rig.fake.onboarded = load, {"response": {}}
    assert await rig.project("mine").id() == "mine"
    onboarding = rig.fake.requests[-1].json
    assert (onboarding["tierId"], onboarding["cloudaicompanionProject"]) == (tier, "mine")


async def test_2_3_onboarding_that_gives_no_project_needs_one(rig: Rig) -> None:
    rig.fake.load, rig.fake.onboarded = "new-standard", {"response": {}}
    with pytest.raises(CredentialError, match="set project_id"):
        await rig.project().id()


async def test_2_3_onboarding_is_not_waited_for_longer_than_two_minutes(rig: Rig) -> None:
    rig.fake.load, rig.fake.polls = "new-free", 10_000
    with pytest.raises(Unavailable, match="try again in some minutes"):
        await rig.project().id()
    assert sum(rig.slept) == 120
    assert rig.fake.asked["onboardUser"] == 1


async def test_2_3_an_operation_that_failed_says_why(rig: Rig) -> None:
    rig.fake.load, rig.fake.onboarded = "new-free", {"error": {"code": 9, "message": "No quota for projects."}}
    with pytest.raises(CredentialError, match="No quota for projects"):
        await rig.project().id()


@pytest.mark.parametrize(
    "name", ["operations/../../other", "../other", "operations", "operations/a?b", "operations/a#b"]
)
async def test_2_3_an_operation_that_leads_elsewhere_is_not_followed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("tests.fakes.code_assist.OPERATION", name)
    rig.fake.load, rig.fake.polls = "new-free", 1
    with pytest.raises(CredentialError, match="an operation that is none"):
        await rig.project().id()
    assert [request.method for request in rig.fake.requests] == ["POST", "POST"]


# --- the end of the service for individuals: 0 ---


async def test_0_an_unsupported_client_is_the_end_and_names_the_alternatives(rig: Rig) -> None:
    """No retry, no onboarding, no other identity: the account is suspended with Google's own words."""
    rig.fake.load = "unsupported"
    credential = rig.credential()
    for _ in range(2):
        with pytest.raises(CredentialError, match="no longer supported for individuals") as refused:
            await credential.ready()
    assert "gemini-custom with an API key" in str(refused.value)
    assert credential.status().state is State.SUSPENDED
    assert "UNSUPPORTED_CLIENT" in credential.status().advice
    assert rig.fake.asked == {"loadCodeAssist": 1}


async def test_0_who_has_a_project_of_his_own_is_onboarded_to_the_standard_tier(rig: Rig) -> None:
    """Licences go on; what ended is the tier for individuals."""
    rig.fake.load, rig.fake.onboarded = "unsupported", {"response": {}}
    credential = rig.credential("mine")
    await credential.ready()
    assert credential.project.at_hand == "mine"
    assert rig.fake.requests[-1].json["tierId"] == "standard-tier"


# --- asking ---


async def test_2_4_a_project_is_asked_for_once_by_however_many(rig: Rig) -> None:
    project = rig.project()
    assert set(await asyncio.gather(*(project.id() for _ in range(20)))) == {PROJECT}
    await project.id()
    assert rig.fake.asked == {"loadCodeAssist": 1}
    project.forget()
    assert project.at_hand is None
    await project.id()
    assert rig.fake.asked == {"loadCodeAssist": 2}


async def test_a_failure_leaves_google_in_peace_for_a_while(rig: Rig) -> None:
    rig.fake.load = "no-project"
    project = rig.project()
    for _ in range(3):
        with pytest.raises(CredentialError, match="set project_id"):
            await project.id()
    assert rig.fake.asked["loadCodeAssist"] == 1
    rig.fake.load = "standard"
    rig.clock += FAILED_SECONDS
    assert await project.id() == PROJECT


@pytest.mark.parametrize(("load", "words"), [("busy", "Too many requests"), ("page", "HTTP 502")])
async def test_google_being_busy_is_not_the_accounts_fault(rig: Rig, load: str, words: str) -> None:
    rig.fake.load = load
    credential = rig.credential()
    with pytest.raises(Unavailable, match=words):
        await credential.ready()
    assert credential.status().state is State.VALID


async def test_no_connection_is_told_without_an_address(rig: Rig) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached \(ConnectError\)"):
        await rig.project(base_url="http://127.0.0.1:1/v1internal").id()


async def test_a_refused_token_is_renewed_once(rig: Rig) -> None:
    rig.fake.key = rig.refreshed = "ya29.next"
    assert await rig.project().id() == PROJECT
    assert (rig.refreshes, rig.fake.asked) == (1, {"loadCodeAssist": 1})


async def test_a_token_that_stays_refused_is_the_end(rig: Rig) -> None:
    rig.fake.key = "ya29.elsewhere"
    with pytest.raises(CredentialError, match="invalid authentication credentials"):
        await rig.project().id()
    assert len(rig.fake.requests) <= 2


async def test_no_token_is_told_in_an_error(rig: Rig) -> None:
    for load in ("garbage", "verify", "page", "young"):
        rig.fake.load = load
        with pytest.raises(CredentialError) as refused:
            await rig.project().id()
        assert TOKEN not in str(refused.value)


# --- the credential ---


async def test_a_credential_is_ready_with_its_project_and_carries_its_token(rig: Rig) -> None:
    credential = rig.credential()
    await credential.ready()
    assert credential.project.at_hand == PROJECT
    assert credential.headers(Scheme.BEARER) == [(b"authorization", f"Bearer {TOKEN}".encode())]
    assert credential.status().state is State.VALID
    await credential.ready()
    assert rig.fake.asked == {"loadCodeAssist": 1}


async def test_another_login_in_the_same_file_has_another_project(rig: Rig) -> None:
    credential = rig.credential("mine")
    await credential.ready()
    rig.kept.put(Token(TOKEN, "refresh-2"))
    rig.fake.load = "no-project"
    await credential.ready()
    assert credential.project.at_hand == "mine"


async def test_keeping_and_renewing_is_the_tokens_business(rig: Rig) -> None:
    credential = rig.credential()
    rig.kept.put(Token(TOKEN, "refresh-1", rig.clock + 100))
    await credential.keep(600)
    assert rig.refreshes == 1
    rig.clock += 60
    rig.refreshed = "ya29.next"
    assert await credential.renew()
    assert credential.headers(Scheme.BEARER) == [(b"authorization", b"Bearer ya29.next")]
    assert not rig.fake.asked


def account_words(credential: CodeAssistCredential) -> str:
    status = credential.status()
    return f"{status.state}: {status.advice}"


@pytest.mark.parametrize(
    ("status", "reason", "message", "words"),
    [
        (403, "VALIDATION_REQUIRED", "Verify your account.", "verified: Verify your account. Then restart aiclient"),
        (403, "UNSUPPORTED_CLIENT", "Not for you", "Not for you; use gemini-custom"),
        (403, "PERMISSION_DENIED", "disabled for violation of Terms of Service.", "has stopped this account"),
    ],
)
async def test_5_some_refusals_suspend_the_account(
    rig: Rig, status: int, reason: str, message: str, words: str
) -> None:
    credential = rig.credential()
    await credential.ready()
    credential.judge(status, reason, message)
    assert account_words(credential).startswith("suspended: ")
    assert words in account_words(credential)
    with pytest.raises(CredentialError, match=words.split(":")[0]):
        await credential.ready()


OF_THE_PROJECT = [
    (403, "PERMISSION_DENIED", "The caller does not have permission"),
    (403, "CONSUMER_INVALID", "No."),
    (403, "SERVICE_DISABLED", "No."),
    (403, "", f"Denied on {PROJECT}."),
    (404, "NOT_FOUND", "Project not found"),
]


@pytest.mark.parametrize(("status", "reason", "message"), OF_THE_PROJECT)
async def test_5_a_refusal_of_the_project_has_it_found_out_anew_once(
    rig: Rig, status: int, reason: str, message: str
) -> None:
    credential = rig.credential("mine")
    await credential.ready()
    credential.judge(status, reason, message)
    assert credential.project.at_hand is None
    await credential.ready()
    for _ in range(3):
        credential.judge(status, reason, message)
        await credential.ready()
    assert rig.fake.asked == {"loadCodeAssist": 2}
    assert credential.status().state is State.VALID


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (404, "NOT_FOUND", "Requested entity was not found."),
        (429, "RATE_LIMIT_EXCEEDED", f"Quota of project {PROJECT} exceeded"),
        (401, "ACCESS_TOKEN_EXPIRED", "invalid"),
        (403, "PERMISSION_DENIED", f"Denied on {PROJECT}0."),
        (None, "", "cut"),
    ],
)
async def test_5_other_refusals_say_nothing_of_the_account(
    rig: Rig, status: int | None, reason: str, message: str
) -> None:
    credential = rig.credential()
    await credential.ready()
    credential.judge(status, reason, message)
    assert (credential.project.at_hand, credential.status().state) == (PROJECT, State.VALID)


async def test_a_new_project_takes_the_old_ones_place(rig: Rig) -> None:
    credential = rig.credential("mine")
    await credential.ready()
    credential.judge(403, "CONSUMER_INVALID", "No.")
    rig.fake.load = "no-project"
    await credential.ready()
    assert credential.project.at_hand == "mine"


async def test_quota_is_for_people_to_look_at(rig: Rig) -> None:
    (bucket,) = await rig.project().quota()
    assert (bucket.model_id, bucket.remaining_amount, bucket.remaining_fraction) == ("gemini-2.5-pro", "950", 0.95)
    assert rig.fake.requests[-1].json == {"project": PROJECT}


async def test_a_credential_of_the_same_account_is_the_same_and_shows_no_secret(rig: Rig) -> None:
    """Settings are read again now and then, and nobody asks Google again for that."""
    first, again, other = (
        code_assist_credential(rig.tokens, rig.fake.base_url, project, agent="aiclient/test")
        for project in ("mine", "mine", "yours")
    )
    assert first is again
    assert first is not other
    await first.ready()
    assert TOKEN not in repr(first) + repr(first.project)

"""Code Assist as a provider: its URLs, its envelope on and off, and what its refusals say of the account."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.providers.base import Action, Call
from addons.providers.gemini_cli_oauth import MODELS, GeminiCliOAuth
from addons.settings import Settings
from converters.errors import ConversionError, Kind, UpstreamError
from converters.gemini import WIRE
from creds.account import Account, CredentialError, Scheme, State
from creds.code_assist import CodeAssistCredential, Project
from creds.oauth import OAuthCredential
from creds.token import Token
from tests.creds.kept import Kept
from tests.fakes.code_assist import TOKEN, CodeAssistFake
from tests.fakes.code_assist_scripts import CODE_ASSIST_SCRIPTS, PROJECT, VERIFY

PROVIDER = GeminiCliOAuth()
LABEL = "gemini-cli-oauth:work"
BODY = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}'


async def _no_refresh(token: Token) -> Token:
    raise AssertionError("nothing is refreshed here")


def account_at(base_url: str, project: str = "") -> Account:
    tokens = OAuthCredential("gemini-cli-oauth:default", Kept(Token(TOKEN, "refresh")), _no_refresh, lambda: 0.0)
    credential = CodeAssistCredential(tokens, Project(tokens, base_url, project, agent="aiclient/test"))
    return Account("gemini-cli-oauth", "gemini-cli-oauth:default", base_url, credential)


@pytest.fixture
def fake() -> Iterator[CodeAssistFake]:
    with CodeAssistFake() as fake:
        assert isinstance(fake, CodeAssistFake)
        yield fake
        assert fake.violations == []


@pytest.fixture
async def account(fake: CodeAssistFake) -> Account:
    account = account_at(fake.base_url)
    await account.credential.ready()
    return account


def test_methods_stand_behind_a_colon_and_models_in_the_body() -> None:
    account = account_at("https://code.example.com/v1internal")

    def url(action: Action, stream: bool = False) -> str | None:
        return PROVIDER.url(account, action, "gemini-2.5-pro", stream=stream)

    base = "https://code.example.com/v1internal"
    assert url(Action.GENERATE) == f"{base}:generateContent"
    assert url(Action.GENERATE, True) == f"{base}:streamGenerateContent?alt=sse"
    assert url(Action.COUNT) == f"{base}:countTokens"
    assert [url(action) for action in (Action.MODELS, Action.MODEL, Action.COMPACT, Action.STORED)] == [None] * 4


def test_its_models_are_a_list_of_ours_with_known_limits() -> None:
    models = PROVIDER.known_models(account_at("https://code.example.com/v1internal"))
    assert [model.id for model in models] == list(MODELS)
    assert {model.id: model.input_limit for model in models}["gemini-2.5-pro"] == 1_048_576


def test_what_it_is_and_whose_word_limits_it_is_said() -> None:
    assert PROVIDER.wire is WIRE
    assert "limited since 2026-06-18, by Google's announcement" in PROVIDER.status.headline
    assert "suspended" in PROVIDER.status.terms


async def test_a_request_goes_into_the_envelope_with_the_accounts_project(account: Account) -> None:
    call = Call(Action.GENERATE, "gemini-2.5-pro", stream=True, thread="user_abc", id="req_1")
    outer = json.loads(PROVIDER.enclose(account, call, BODY))
    assert (outer["model"], outer["project"], outer["user_prompt_id"]) == ("gemini-2.5-pro", PROJECT, "req_1")
    session = outer["request"].pop("session_id")
    assert outer["request"] == json.loads(BODY)
    again, other = (
        json.loads(PROVIDER.enclose(account, Call(Action.GENERATE, "m", thread=t), BODY))["request"]["session_id"]
        for t in ("user_abc", "user_def")
    )
    assert again == session != other
    assert "user_abc" not in session


async def test_a_conversation_that_has_no_name_gets_none(account: Account) -> None:
    outer = json.loads(PROVIDER.enclose(account, Call(Action.GENERATE, "m"), BODY))
    assert outer["request"] == json.loads(BODY)


def test_a_count_needs_no_project() -> None:
    account = account_at("https://code.example.com/v1internal")
    request = json.loads(PROVIDER.enclose(account, Call(Action.COUNT, "gemini-2.5-pro"), BODY))
    assert request == {"request": {"model": "models/gemini-2.5-pro", **json.loads(BODY)}}


def test_nothing_goes_out_without_a_project() -> None:
    account = account_at("https://code.example.com/v1internal")
    with pytest.raises(ConversionError, match="its project is not known") as refused:
        PROVIDER.enclose(account, Call(Action.GENERATE, "m"), BODY)
    assert refused.value.status == 503


def test_answers_and_streams_lose_the_envelope() -> None:
    opener = PROVIDER.opener()
    assert opener.feed(b'data: {"response":{"candidates":[]}}') + opener.close() == b'data: {"candidates":[]}\n\n'
    assert (
        PROVIDER.open_answer(b'{"response":{"candidates":[]},"traceId":"t"}') == b'{"candidates":[],"responseId":"t"}'
    )


def test_the_token_is_a_bearer() -> None:
    account = account_at("https://code.example.com/v1internal")
    assert PROVIDER.scheme is Scheme.BEARER
    assert PROVIDER.headers(account) == [(b"authorization", f"Bearer {TOKEN}".encode())]


# --- refusals: section 5, through the wire that reads them ---

KINDS = {
    "spent": (Kind.RATE_LIMIT, 33740.9),
    "spentdays": (Kind.RATE_LIMIT, 161 * 3600 + 39 * 60 + 41.3),
    "spentbare": (Kind.RATE_LIMIT, 3600.0),
    "rate": (Kind.RATE_LIMIT, 12.5),
    "capacity": (Kind.OVERLOADED, None),
    "credits": (Kind.PAYMENT, None),
    "entitled": (Kind.PAYMENT, None),
    "expired": (Kind.AUTH, None),
    "denied": (Kind.FORBIDDEN, None),
    "consumer": (Kind.FORBIDDEN, None),
    "disabled": (Kind.FORBIDDEN, None),
    "verify": (Kind.FORBIDDEN, None),
    "banned": (Kind.FORBIDDEN, None),
    "client": (Kind.FORBIDDEN, None),
    "perimeter": (Kind.FORBIDDEN, None),
    "missing": (Kind.NOT_FOUND, None),
    "cancelled": (Kind.SERVER, None),
    "internal": (Kind.SERVER, None),
    "page": (Kind.SERVER, None),
}
SUSPENDED = {"verify", "banned", "client"}
PROJECT_ANEW = {"denied", "consumer", "disabled"}


def read(word: str) -> UpstreamError:
    error = CODE_ASSIST_SCRIPTS[word].error
    assert error is not None
    return WIRE.read_error(error.status, {}, PROVIDER.open_answer(error.body or b""))


@pytest.mark.parametrize("word", KINDS)
async def test_5_each_refusal_is_decided_as_the_table_says(account: Account, word: str) -> None:
    error = read(word)
    assert (error.kind, error.retry_after) == KINDS[word]
    PROVIDER.judge(account, error)
    credential = account.credential
    assert isinstance(credential, CodeAssistCredential)
    assert (credential.status().state is State.SUSPENDED) == (word in SUSPENDED)
    assert (credential.project.at_hand is None) == (word in PROJECT_ANEW)


def test_5_every_refusal_of_the_fake_is_in_the_table() -> None:
    assert KINDS.keys() == {word for word, script in CODE_ASSIST_SCRIPTS.items() if script.error}


async def test_5_who_must_verify_his_account_hears_where(account: Account) -> None:
    PROVIDER.judge(account, read("verify"))
    assert VERIFY in account.credential.status().advice


# --- the account that settings name ---

LOGIN = {"access_token": TOKEN, "refresh_token": "refresh", "token_type": "Bearer"}


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without any login, and no project in the environment."""
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AICLIENT_HOME", str(tmp_path / ".aiclient"))
    return tmp_path


def written(path: Path, access: str = TOKEN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**LOGIN, "access_token": access}))
    return path


def made(**settings: str) -> tuple[str, bool] | None:
    """(access token, on demand) of the account that is made."""
    found = PROVIDER.account(Settings(**settings), LABEL)  # type: ignore[arg-type]
    if found is None:
        return None
    credential = found[0].credential
    assert isinstance(credential, CodeAssistCredential)
    return credential.tokens.token.access, found[1]


def test_there_is_no_account_without_a_login(person: Path) -> None:
    assert made() is None


def test_a_named_file_comes_first_then_the_base64_then_our_own_then_the_official_tools(person: Path) -> None:
    """The official tool's login is spent only where somebody names this provider."""
    written(person / ".gemini/oauth_creds.json", "official")
    assert made() == ("official", True)
    written(person / ".aiclient/accounts/gemini-cli-oauth.json", "own")
    assert made() == ("own", False)
    packed = base64.b64encode(json.dumps({**LOGIN, "access_token": "packed"}).encode()).decode()
    assert made(gemini_oauth_creds_base64=packed) == ("packed", False)
    named = str(written(person / "named.json", "named"))
    assert made(gemini_oauth_creds_base64=packed, gemini_oauth_creds_file=named) == ("named", False)


def test_settings_that_are_read_again_give_the_same_credential(person: Path) -> None:
    named = str(written(person / "named.json"))

    def account(project: str) -> Account:
        found = PROVIDER.account(Settings(gemini_oauth_creds_file=named, project_id=project), LABEL)
        assert found is not None
        return found[0]

    assert account("mine").credential is account("mine").credential
    assert account("mine").credential is not account("yours").credential
    assert account("mine").base_url == "https://cloudcode-pa.googleapis.com/v1internal"
    assert TOKEN not in repr(account("mine"))


def test_a_projects_number_is_refused_when_settings_are_read(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = str(written(person / "named.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "1234567")
    with pytest.raises(CredentialError, match="1234567 is a project's number"):
        made(gemini_oauth_creds_file=named)
    assert made(gemini_oauth_creds_file=named, project_id="mine") == (TOKEN, False)


async def test_an_account_of_settings_finds_its_project_at_the_base_url_that_is_set(
    person: Path, fake: CodeAssistFake
) -> None:
    named = str(written(person / "named.json"))
    found = PROVIDER.account(Settings(gemini_oauth_creds_file=named, gemini_code_assist_base_url=fake.url), LABEL)
    assert found is not None
    await found[0].credential.ready()
    assert fake.asked == {"loadCodeAssist": 1}
    agent = fake.requests[0].header("user-agent")
    assert agent is not None
    assert agent.startswith("aiclient/")

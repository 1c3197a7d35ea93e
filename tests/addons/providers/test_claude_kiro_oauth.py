"""Kiro's two wires: where a request goes, what is added to it, and what a refusal says of the account."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from addons.providers.base import Action, Call
from addons.providers.claude_kiro_oauth import MODELS, TARGET, ClaudeKiroOAuth, kiro
from addons.settings import Settings
from addons.settings_sources import home
from converters.errors import Kind, UpstreamError
from converters.json_codec import dumps
from converters.kiro import WIRE
from converters.loss import Loss
from converters.profile import DEFAULT
from converters.turns import Chat, Text, Turn
from converters.wire import ProviderWire
from creds.account import Account, CredentialError, Scheme, State
from creds.kiro import Endpoint, Wire, kiro_credential
from creds.kiro_files import kiro_file
from creds.places import own_file
from tests.fakes.asking import HTTP
from tests.fakes.kiro import API_KEY, AWS_JSON, STREAMING, KiroFake
from tests.fakes.kiro_asking import text_of
from tests.fakes.kiro_auth import ARN, KiroAuth
from tests.fakes.scripts import TEXT

EU_ARN = ARN.replace("us-east-1", "eu-central-1")
PROVIDER = ClaudeKiroOAuth()
LABEL = "claude-kiro-oauth:default"
CALL = Call(Action.GENERATE, "claude-sonnet-4.5")


def with_key(wire: Wire = "rest-json", base_url: str = "", arn: str = "", **more: Any) -> Account:
    endpoint = Endpoint(wire, base_url, **more)
    credential = kiro_credential(LABEL, api_key=API_KEY, profile_arn=arn, endpoint=endpoint)
    return Account("claude-kiro-oauth", LABEL, base_url, credential)


def with_login(folder: Path, **login: object) -> Account:
    put(path := folder / "kiro-auth-token.json", KiroAuth().ide_login(**login))  # type: ignore[arg-type]
    return Account("claude-kiro-oauth", LABEL, "", kiro_credential(LABEL, file=path))


def put(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def built(model: str = "claude-sonnet-4.5-text") -> bytes:
    return dumps(WIRE.build_request(Chat(model, "chat", turns=[Turn("user", [Text("Hi")])]), DEFAULT, Loss()))


# --- where it goes ---


@pytest.mark.parametrize(
    ("wire", "base_url", "arn", "url"),
    [
        ("rest-json", "", "", "https://q.us-east-1.amazonaws.com/generateAssistantResponse"),
        ("rest-json", "", EU_ARN, "https://q.eu-central-1.amazonaws.com/generateAssistantResponse"),
        ("rest-json", "https://kiro.test/a", EU_ARN, "https://kiro.test/a/generateAssistantResponse"),
        ("aws-json-1.0", "https://kiro.test", "", "https://kiro.test/"),
        ("aws-json-1.0", "", EU_ARN, "https://q.eu-central-1.amazonaws.com/"),
    ],
)
def test_2_each_wire_has_its_url(wire: Wire, base_url: str, arn: str, url: str) -> None:
    account = with_key(wire, base_url, arn)
    assert PROVIDER.url(account, Action.GENERATE, "claude-sonnet-4.5", stream=True) == url
    assert PROVIDER.url(account, Action.GENERATE, "claude-sonnet-4.5") == url


@pytest.mark.parametrize("action", [Action.COUNT, Action.COMPACT, Action.STORED, Action.MODELS])
def test_it_has_no_other_calls(action: Action) -> None:
    assert PROVIDER.url(with_key(), action) is None


def test_2_1_the_head_of_the_rest_wire() -> None:
    headers = dict(PROVIDER.more_headers(with_key(arn=ARN), CALL))
    assert headers == {
        "x-amzn-codewhisperer-optout": "true",
        "x-amzn-kiro-profile-arn": ARN,
        "accept": "*/*",
    }


def test_2_1_the_head_of_the_aws_json_wire() -> None:
    assert TARGET == STREAMING
    assert dict(PROVIDER.more_headers(with_key("aws-json-1.0"), CALL)) == {
        "x-amzn-codewhisperer-optout": "true",
        "content-type": AWS_JSON,
        "accept": "application/vnd.amazon.eventstream",
        "x-amz-target": STREAMING,
    }


def test_the_secret_part_of_the_head_is_the_credentials() -> None:
    headers = dict(PROVIDER.headers(with_key()))
    assert headers == {b"authorization": f"Bearer {API_KEY}".encode(), b"tokentype": b"API_KEY"}
    assert all(API_KEY not in value for _, value in PROVIDER.more_headers(with_key(arn=ARN), CALL))


# --- what is added ---


def test_3_the_rest_wire_gets_the_agents_task_and_the_profile() -> None:
    body, plain = json.loads(PROVIDER.enclose(with_key(arn=ARN), CALL, built())), json.loads(built())
    assert body.pop("profileArn") == ARN
    assert body["conversationState"].pop("agentTaskType") == "vibe"
    assert body == plain


def test_3_the_aws_json_wire_gets_the_profile_alone() -> None:
    body = json.loads(PROVIDER.enclose(with_key("aws-json-1.0", arn=ARN), CALL, built()))
    assert body == {**json.loads(built()), "profileArn": ARN}
    assert PROVIDER.enclose(with_key("aws-json-1.0"), CALL, built()) == built()


@pytest.mark.parametrize(("wire", "server"), [("rest-json", "q"), ("aws-json-1.0", "q"), ("aws-json-1.0", "runtime")])
@pytest.mark.parametrize("arn", ["", ARN])
def test_what_is_sent_is_what_a_strict_server_takes(wire: Wire, server: str, arn: str) -> None:
    with KiroFake() as fake:
        assert isinstance(fake, KiroFake)
        account = with_key(wire, fake.base(server), arn)
        url = PROVIDER.url(account, Action.GENERATE)
        assert url is not None
        headers = {
            "user-agent": "aiclient/0",
            "content-type": "application/json",
            **dict(PROVIDER.more_headers(account, CALL)),
        }
        secret = {name.decode(): value.decode() for name, value in PROVIDER.headers(account)}
        answer = HTTP.post(url, content=PROVIDER.enclose(account, CALL, built()), headers=headers | secret)
        assert (answer.status_code, fake.violations) == (200, [])
        assert text_of(answer.content) == "".join(TEXT)
        said = fake.requests[-1].json["conversationState"]["currentMessage"]["userInputMessage"]["content"]  # type: ignore[index]
        assert said == "Hi"


@pytest.mark.parametrize("thinking", ["native", "tags", "off"])
def test_the_profile_says_how_thinking_is_asked_for(thinking: str) -> None:
    assert PROVIDER.profile_of(with_key(thinking=thinking)).thinking == thinking


# --- what a refusal says ---


def refused(kind: Kind, status: int, code: str | None = None) -> UpstreamError:
    return UpstreamError(kind, "no", status=status, code=code)


def read(status: int, message: str, reason: str | None = None) -> UpstreamError:
    """As its wire reads it."""
    wire: ProviderWire = WIRE
    told = {"message": message, "reason": reason, "__type": "AccessDeniedException"}
    return wire.read_error(status, {}, json.dumps(told).encode())


async def test_5_a_suspended_account_is_not_used_again(tmp_path: Path) -> None:
    account = with_login(tmp_path)
    await account.credential.ready()
    error = read(403, "Your User ID (x) temporarily is suspended.", "TEMPORARILY_SUSPENDED")
    assert not PROVIDER.judge(account, error)
    status = account.credential.status()
    assert (status.state, "Kiro has suspended this account" in status.advice) == (State.SUSPENDED, True)
    with pytest.raises(CredentialError):
        await account.credential.ready()


@pytest.mark.parametrize("error", [read(401, "no"), read(403, "User is not authorized to make this call.")])
def test_1_3_a_refused_api_key_is_final(error: UpstreamError) -> None:
    account = with_key(base_url=f"https://{error.status}.test")
    assert not PROVIDER.judge(account, error)
    status = account.credential.status()
    assert (status.state, "kiro_api_key" in status.advice) == (State.SUSPENDED, True)
    assert API_KEY not in status.advice


@pytest.mark.parametrize(
    "error",
    [
        refused(Kind.RATE_LIMIT, 429, "DAILY_REQUEST_COUNT"),
        refused(Kind.PAYMENT, 402, "MONTHLY_REQUEST_COUNT"),
        refused(Kind.BAD_REQUEST, 400, "ValidationException"),
        refused(Kind.FORBIDDEN, 403, "FEATURE_NOT_SUPPORTED"),
        refused(Kind.OVERLOADED, 503),
    ],
)
def test_5_other_refusals_say_nothing_of_the_account(error: UpstreamError, tmp_path: Path) -> None:
    for account in (with_key(base_url=f"https://healthy-{error.status}.test"), with_login(tmp_path, kind="IdC")):
        assert not PROVIDER.judge(account, error)
        assert account.credential.status().state is State.VALID


def test_5_a_refused_token_is_for_the_pipeline_to_renew(tmp_path: Path) -> None:
    account = with_login(tmp_path)
    error = read(403, "The bearer token included in the request is invalid.")
    assert error.kind is Kind.AUTH
    assert not PROVIDER.judge(account, error)
    assert account.credential.status().state is State.VALID


@pytest.mark.parametrize(
    "message", ["profileArn is required for this request.", "User is not authorized to make this call."]
)
def test_5_a_profile_that_is_wanted_is_sought_and_the_request_made_anew(message: str, tmp_path: Path) -> None:
    (tmp_path / "idc").mkdir()
    assert PROVIDER.judge(with_login(tmp_path / "idc", kind="IdC"), read(403, message))
    assert not PROVIDER.judge(with_login(tmp_path, kind="social"), read(403, message))  # its file names one


# --- models, settings ---


def test_3_2_its_models_and_their_windows() -> None:
    models = {model.id: model for model in PROVIDER.known_models(with_key())}
    assert list(models) == list(MODELS)
    assert {"auto", "claude-sonnet-4.5", "claude-opus-5", "gpt-5.6-sol", "qwen3-coder-next"} <= models.keys()
    assert models["claude-opus-4.8"].input_limit == 1_000_000
    assert models["claude-haiku-4.5"].input_limit == 200_000
    assert models["gpt-5.6-luna"].input_limit == 272_000
    assert PROVIDER.family == ""


def made(**settings: object) -> tuple[Account, bool]:
    found = PROVIDER.account(Settings(**settings), LABEL)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_anything_there_is_no_account() -> None:
    assert PROVIDER.account(Settings(), LABEL) is None


def test_an_api_key_goes_before_all_files(tmp_path: Path) -> None:
    put(path := tmp_path / "login.json", KiroAuth().ide_login())
    account, on_demand = made(kiro_api_key=API_KEY, kiro_oauth_creds_file=str(path), kiro_oauth_creds_base64="e30=")
    assert (kiro(account).kind, on_demand, account.label) == ("api_key", False, LABEL)
    assert API_KEY not in repr(account)


def test_the_places_of_a_login_in_their_order(tmp_path: Path) -> None:
    auth = KiroAuth()
    put(kiro_file(), auth.ide_login())
    account, on_demand = made()
    assert (kiro(account).source, on_demand) == (str(kiro_file()), True)
    own = own_file("claude-kiro-oauth", home())
    put(own, auth.ide_login())
    account, on_demand = made()
    assert (kiro(account).source, on_demand) == (str(own), False)
    text = base64.b64encode(json.dumps(auth.ide_login()).encode()).decode()
    account, on_demand = made(kiro_oauth_creds_base64=text)
    assert (kiro(account).source, on_demand) == ("base64", False)
    put(named := tmp_path / "login.json", auth.ide_login())
    account, on_demand = made(kiro_oauth_creds_base64=text, kiro_oauth_creds_file=str(named))
    assert (kiro(account).source, on_demand) == (str(named), False)


def test_every_setting_reaches_the_account() -> None:
    account, _ = made(
        kiro_api_key=API_KEY,
        kiro_base_url="http://127.0.0.1:1/runtime/",
        kiro_management_base_url="http://127.0.0.1:1/management",
        kiro_wire="aws-json-1.0",
        kiro_region="us-east-1",
        kiro_profile_arn=EU_ARN,
        kiro_thinking="tags",
    )
    credential = kiro(account)
    endpoint = Endpoint("aws-json-1.0", "http://127.0.0.1:1/runtime", "http://127.0.0.1:1/management", "tags")
    assert (credential.endpoint, credential.profile_arn, credential.api_region) == (endpoint, EU_ARN, "eu-central-1")
    assert account.base_url == "http://127.0.0.1:1/runtime"
    assert credential.headers(Scheme.BEARER) == PROVIDER.headers(account)


async def test_the_token_servers_are_settings_too(tmp_path: Path) -> None:
    with KiroFake() as fake:
        assert isinstance(fake, KiroFake)
        urls = {"kiro_auth_base_url": fake.base("social"), "kiro_oidc_base_url": fake.base("oidc")}
        fake.auth.write_second_file(tmp_path)
        for kind, path in (("social", "/social/refreshToken"), ("IdC", "/oidc/token")):
            put(file := tmp_path / f"{kind}.json", fake.auth.ide_login(kind, ends_in=-5))
            account, _ = made(kiro_oauth_creds_file=str(file), kiro_profile_arn=ARN, **urls)
            await account.credential.ready()
            assert fake.requests[-1].path == path


@pytest.mark.parametrize(
    "settings",
    [{"kiro_api_key": "sk-ant-1"}, {"kiro_api_key": API_KEY, "kiro_region": "evil/"}, {"kiro_api_key": API_KEY, "kiro_profile_arn": "x"}],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(CredentialError):
        made(**settings)

"""Kiro (AWS CodeWhisperer), with an API key or the login of its IDE or CLI."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, override

from addons.providers.base import Action, Call, Provider
from addons.settings import Settings
from addons.settings_sources import home
from converters.errors import Kind, UpstreamError
from converters.eventstream import CONTENT_TYPE
from converters.json_codec import dumps
from converters.kiro import WIRE
from converters.kiro.errors import PROFILE_REQUIRED, SUSPENDED
from converters.kiro.models import context_window
from converters.model_list import Model, with_known_limits
from converters.profile import DEFAULT, Profile
from creds.account import Account
from creds.kiro import AWS_JSON, KEY_REFUSED, Endpoint, KiroCredential, kiro_credential, official_file, suspended
from creds.places import credential_file
from creds.service import KIRO

# As its clients know them (2026-10). Any other name is sent on as it is written, Anthropic's spelling as Kiro's.
MODELS = tuple(
    "auto claude-sonnet-4.5 claude-sonnet-4.6 claude-sonnet-4 claude-sonnet-5 claude-haiku-4.5 claude-opus-4.5 claude-opus-4.6"
    " claude-opus-4.7 claude-opus-4.8 claude-opus-5 gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna deepseek-3.2 minimax-m2.1"
    " minimax-m2.5 glm-5 qwen3-coder-next".split()
)
TARGET = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
_STATE = b'{"conversationState":{'  # how a body begins


class ClaudeKiroOAuth(Provider):
    """Kiro's generateAssistantResponse. The account's credential is a KiroCredential, which knows where to go where no setting
    says it.

    No family: that it serves Claude too is no reason to spend its credits where another account is Anthropic's own.
    """

    name = "claude-kiro-oauth"
    title = "Kiro, with an API key or the login of its IDE or CLI"
    status = KIRO
    wire = WIRE
    url_setting = "kiro_base_url"
    models: ClassVar[Sequence[str]] = MODELS

    @override
    def url(self, account: Account, action: Action, name: str = "", *, stream: bool = False) -> str | None:
        """The model stands in the body, and every answer is a stream."""
        if action is not Action.GENERATE:
            return None
        credential = kiro(account)
        path = "/" if _is_aws_json(credential) else "/generateAssistantResponse"
        return credential.base_url + path

    @override
    def enclose(self, account: Account, call: Call, body: bytes) -> bytes:
        """The profile, in both wires; what the request is for, in the IDE's: the newer hosts refuse that field."""
        credential = kiro(account)
        if not _is_aws_json(credential) and body.startswith(_STATE):
            body = _STATE + b'"agentTaskType":"vibe",' + body[len(_STATE) :]
        arn = credential.profile_arn
        return body[:-1] + b',"profileArn":' + dumps(arn) + b"}" if arn else body

    @override
    def more_headers(self, account: Account, call: Call) -> list[tuple[str, str]]:
        """The newest of Kiro's clients names the profile here alone. What users send is not for training: their choice to make
        elsewhere."""
        credential = kiro(account)
        headers = [("x-amzn-codewhisperer-optout", "true")]
        if credential.profile_arn:
            headers.append(("x-amzn-kiro-profile-arn", credential.profile_arn))
        if _is_aws_json(credential):
            return [*headers, ("content-type", AWS_JSON), ("accept", CONTENT_TYPE), ("x-amz-target", TARGET)]
        return [*headers, ("accept", "*/*")]

    @override
    def profile_of(self, account: Account) -> Profile:
        return replace(DEFAULT, thinking=kiro(account).endpoint.thinking)

    @override
    def judge(self, account: Account, error: UpstreamError) -> bool:
        """A suspension ends the account's use, a refused API key too; a profile that is wanted, or refused, is sought anew."""
        credential = kiro(account)
        refused = error.kind is Kind.AUTH or (error.kind is Kind.FORBIDDEN and error.code == "AccessDeniedException")
        if error.code == SUSPENDED:
            credential.suspend(suspended(account.label))
        elif refused and credential.kind == "api_key":
            credential.suspend(f"{account.label}: {KEY_REFUSED}")
        elif error.kind is Kind.FORBIDDEN and error.code in (PROFILE_REQUIRED, "AccessDeniedException"):
            return credential.doubt_profile()
        return False

    @override
    def known_models(self, account: Account) -> Sequence[Model]:
        return [
            with_known_limits(Model(name, owner="kiro", input_limit=None if name == "auto" else context_window(name)))
            for name in self.models
        ]

    @override
    def account(self, settings: Settings, label: str) -> tuple[Account, bool] | None:
        """Of the API key, else of a login: the file that settings name, their base64, our own file, the IDE's or the CLI's. The
        last two belong to other programs: on demand alone. Raises CredentialError for a setting that cannot be used."""
        key, base64 = (
            secret.get_secret_value().strip() for secret in (settings.kiro_api_key, settings.kiro_oauth_creds_base64)
        )
        named = settings.kiro_oauth_creds_file
        file, on_demand = credential_file(self.name, named, home(), official_file())
        if key or (base64 and not named.strip()):
            file, on_demand = None, False
        elif file is None:
            return None
        credential = kiro_credential(
            label,
            file=file,
            base64=base64,
            api_key=key,
            auth_base_url=settings.kiro_auth_base_url,
            oidc_base_url=settings.kiro_oidc_base_url,
            region=settings.kiro_region,
            profile_arn=settings.kiro_profile_arn,
            endpoint=Endpoint(
                settings.kiro_wire, settings.kiro_base_url, settings.kiro_management_base_url, settings.kiro_thinking
            ),
        )
        return Account(self.name, label, settings.kiro_base_url, credential), on_demand


def kiro(account: Account) -> KiroCredential:
    """Its credential."""
    assert isinstance(account.credential, KiroCredential)
    return account.credential


def _is_aws_json(credential: KiroCredential) -> bool:
    return credential.endpoint.wire == "aws-json-1.0"

"""Google Code Assist with a Google account's login, as Gemini CLI uses it."""

import os
from collections.abc import Sequence
from typing import ClassVar, override
from uuid import NAMESPACE_OID, uuid5

from addons.providers.base import Action, Call, Opener, Provider
from addons.settings import Settings
from addons.settings_sources import home
from addons.version import USER_AGENT
from converters.code_assist import Opener as CodeAssistOpener
from converters.code_assist import enclose, enclose_count, open_answer
from converters.errors import ConversionError, UpstreamError
from converters.gemini import WIRE
from converters.model_list import Model, with_known_limits
from converters.profile import Profile
from creds.account import Account, normalise_base
from creds.code_assist import CodeAssistCredential, code_assist_credential, configured_project
from creds.google import google_credential, google_file
from creds.places import credential_file
from creds.service import GEMINI_CLI

# As gemini-cli knows them (2026-08): the service has no list of its own. Any other name is sent on as it is written.
MODELS = (
    "gemini-3.1-pro-preview",
    "gemini-3.1-pro-preview-customtools",
    "gemini-3-pro-preview",
    "gemini-3.5-flash",
    "gemini-3-flash-preview",
    "gemini-3.1-flash-lite",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemma-4-31b-it",
    "gemma-4-26b-a4b-it",
)
METHODS = {Action.GENERATE: "generateContent", Action.COUNT: "countTokens"}


class GeminiCliOAuth(Provider):
    """The Gemini API in Code Assist's envelope, behind an OAuth token. The account's credential is a CodeAssistCredential."""

    name = "gemini-cli-oauth"
    title = "Google Code Assist, with the login of Gemini CLI"
    status = GEMINI_CLI
    wire = WIRE
    family = "gemini-|gemma-|learnlm-"
    url_version = "v1internal"
    url_setting = "gemini_code_assist_base_url"
    profile = Profile(rejected=frozenset({"serviceTier", "service_tier", "store"}))  # of the plain API alone
    models: ClassVar[Sequence[str]] = MODELS

    @override
    def url(self, account: Account, action: Action, name: str = "", *, stream: bool = False) -> str | None:
        """The model stands in the body."""
        if stream and action is Action.GENERATE:
            return f"{account.base_url}:streamGenerateContent?alt=sse"
        method = METHODS.get(action)
        return method and f"{account.base_url}:{method}"

    @override
    def enclose(self, account: Account, call: Call, body: bytes) -> bytes:
        """Counting takes no project. The conversation goes by an id made of the client's word for it, which may name its user.

        Raises ConversionError for what cannot go in, and when the project is not known.
        """
        if call.action is Action.COUNT:
            return enclose_count(body, call.model)
        project = _credential(account).project.at_hand
        if project is None:
            raise ConversionError(
                f"{account.label}: its project is not known; try again", status=503, code="no_project"
            )
        session = str(uuid5(NAMESPACE_OID, call.thread)) if call.thread else ""
        return enclose(body, model=call.model, project=project, prompt_id=call.id, session_id=session)

    @override
    def opener(self) -> Opener:
        return CodeAssistOpener()

    @override
    def open_answer(self, body: bytes) -> bytes:
        return open_answer(body)

    @override
    def judge(self, account: Account, error: UpstreamError) -> bool:
        """A project that was refused is found out anew."""
        credential = _credential(account)
        known = credential.project.at_hand
        credential.judge(error.status, error.code or "", str(error))
        return known is not None and credential.project.at_hand is None

    @override
    def known_models(self, account: Account) -> Sequence[Model]:
        return [with_known_limits(Model(name)) for name in self.models]

    @override
    def account(self, settings: Settings, label: str) -> tuple[Account, bool] | None:
        """Of the file that settings name, else of their base64, else of our own login, else of Gemini CLI's: that one is used
        where somebody names this provider, and nowhere else. Raises CredentialError for a setting that cannot be used."""
        base64 = settings.gemini_oauth_creds_base64.get_secret_value().strip()
        named = settings.gemini_oauth_creds_file.strip()
        file, on_demand = credential_file(self.name, named, home(), google_file())
        if base64 and not named:
            file, on_demand = None, False
        elif file is None:
            return None
        tokens = google_credential(
            label,
            file,
            None if file else base64,
            settings.gemini_oauth_client_id.strip(),
            settings.gemini_oauth_client_secret.get_secret_value().strip(),
            settings.gemini_oauth_token_url,
        )
        base_url = normalise_base(settings.gemini_code_assist_base_url, self.url_version)
        project = configured_project(settings.project_id.strip(), os.environ)
        return Account(
            self.name, label, base_url, code_assist_credential(tokens, base_url, project, agent=USER_AGENT)
        ), on_demand


def _credential(account: Account) -> CodeAssistCredential:
    assert isinstance(account.credential, CodeAssistCredential)
    return account.credential

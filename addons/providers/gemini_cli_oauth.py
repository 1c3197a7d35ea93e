"""Google Code Assist with a Google account's login, as Gemini CLI uses it."""

from collections.abc import Sequence
from typing import ClassVar, override
from uuid import NAMESPACE_OID, uuid5

from addons.providers.base import Action, Call, Opener, Provider
from converters.code_assist import Opener as CodeAssistOpener
from converters.code_assist import enclose, enclose_count, open_answer
from converters.errors import ConversionError, UpstreamError
from converters.gemini import WIRE
from converters.model_list import Model, with_known_limits
from converters.profile import Profile
from creds.account import Account
from creds.code_assist import CodeAssistCredential

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
    status = (
        "limited since 2026-06-18 by Google's announcement of 2026-05-19: individual accounts are no longer served, licences of "
        "Code Assist Standard and Enterprise are"
    )
    terms: ClassVar[str] = (
        "Google's terms for Gemini CLI say that other software must not use its login to reach Code Assist, and that an account "
        "may be suspended for it; an API key of AI Studio (gemini-custom) is the way they allow"
    )
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
    def judge(self, account: Account, error: UpstreamError) -> None:
        _credential(account).judge(error.status, error.code or "", str(error))

    @override
    def known_models(self, account: Account) -> Sequence[Model]:
        return [with_known_limits(Model(name)) for name in self.models]


def _credential(account: Account) -> CodeAssistCredential:
    assert isinstance(account.credential, CodeAssistCredential)
    return account.credential

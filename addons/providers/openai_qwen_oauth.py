"""Qwen with the login of Qwen Code. The free service behind it has ended; who still has an account that is served may use it."""

from collections.abc import Sequence
from typing import override

from addons.providers.base import Action, Call, Provider
from addons.settings import Settings
from addons.settings_sources import home
from converters.errors import UpstreamError
from converters.json_codec import JsonObject
from converters.model_list import Model, with_known_limits
from converters.openai_chat import WIRE
from converters.profile import Profile
from creds.account import Account
from creds.oauth import OAuthCredential
from creds.places import credential_file
from creds.qwen import note_refusal, qwen_base_url, qwen_credential, qwen_file
from creds.service import QWEN

# DashScope's differences from OpenAI (QwenLM/qwen-code, providers for DashScope, read 2026-11). A key's account at
# openai-custom can be given the same.
PROFILE = Profile(
    max_tokens_name="max_tokens",
    one_system=True,
    reasoning="enable_thinking",
    tool_choice_required=False,  # refused while the model thinks
    strict_tools=False,
    video=True,
    rejected=frozenset(  # OpenAI's, which DashScope does not document
        "frequency_penalty logit_bias prediction prompt_cache_key prompt_cache_retention safety_identifier service_tier store user"
        " verbosity web_search_options".split()
    ),
)
# The fields of a request that DashScope documents; OpenAI's newer ones (max_completion_tokens, reasoning_effort) are not among them.
FIELDS = frozenset(
    "model messages stream stream_options temperature top_p top_k presence_penalty repetition_penalty n max_tokens seed stop tools"
    " tool_choice parallel_tool_calls response_format logprobs top_logprobs enable_thinking thinking_budget preserve_thinking"
    " enable_search search_options vl_high_resolution_images modalities audio metadata".split()
)
MODELS = ("coder-model",)  # the portal has no list; this is the name that its logins may use


class OpenAIQwenOAuth(Provider):
    """Chat Completions behind Qwen Code's OAuth token, at the address that the login names."""

    name = "openai-qwen-oauth"
    title = "Qwen, with the login of Qwen Code"
    status = QWEN
    wire = WIRE
    url_setting = "qwen_base_url"
    profile = PROFILE

    @override
    def account(self, settings: Settings, label: str) -> tuple[Account, bool] | None:
        file, on_demand = credential_file(self.name, settings.qwen_oauth_creds_file, home(), qwen_file())
        if file is None:
            return None
        credential = qwen_credential(label, file, None, settings.qwen_oauth_base_url)
        return Account(self.name, label, settings.qwen_base_url, credential), on_demand

    @override
    def url(self, account: Account, action: Action, name: str = "", *, stream: bool = False) -> str | None:
        """At `qwen_base_url`, else where the token says. Raises CredentialError when that is not Qwen's."""
        if action is not Action.GENERATE:
            return None
        credential = account.credential
        assert isinstance(credential, OAuthCredential)
        return (account.base_url or qwen_base_url(credential.token.extra)) + "/chat/completions"

    @override
    def more_headers(self, account: Account, call: Call) -> list[tuple[str, str]]:
        """What kind of token it is, which DashScope wants to be told; and that a client's cache marks, if there are any, count."""
        return [("x-dashscope-authtype", "qwen-oauth"), ("x-dashscope-cachecontrol", "enable")]

    @override
    def takes_as_sent(self, body: JsonObject) -> bool:
        """Fields that it knows, one system message, the first, and no empty list of tools; anything else goes through the hub."""
        messages = body.get("messages")
        roles = (
            [message.get("role") for message in messages if isinstance(message, dict)]
            if isinstance(messages, list)
            else []
        )
        late = any(role in ("system", "developer") for role in roles[1:])
        known = body.keys() <= FIELDS and not late and "developer" not in roles
        return known and body.get("tools") != [] and body.get("tool_choice") != "required"

    @override
    def judge(self, account: Account, error: UpstreamError) -> bool:
        credential = account.credential
        assert isinstance(credential, OAuthCredential)
        note_refusal(credential, error.status or 0, str(error))
        return False

    @override
    def known_models(self, account: Account) -> Sequence[Model]:
        return [with_known_limits(Model(name)) for name in MODELS]

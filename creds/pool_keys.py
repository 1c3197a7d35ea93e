"""The settings that one account of a pool may have, by provider, and the seed project's names for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from creds.account import CredentialError, normalise_base
from creds.api_key import parse_key
from creds.store import REFERENCES

# (what an account is reached with, what else it may set)
SETTINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "openai-custom": (("openai_api_key",), ("openai_base_url",)),
    "openaiResponses-custom": (("openai_responses_api_key",), ("openai_responses_base_url",)),
    "claude-custom": (("claude_api_key",), ("claude_base_url",)),
    "gemini-custom": (("gemini_api_key",), ("gemini_base_url",)),
    "gemini-cli-oauth": (
        ("gemini_oauth_creds_file", "gemini_oauth_creds_base64"),
        (
            *(
                "gemini_oauth_client_id",
                "gemini_oauth_client_secret",
                "gemini_oauth_auth_url",
                "gemini_oauth_token_url",
            ),
            *("gemini_code_assist_base_url", "project_id"),
        ),
    ),
    "claude-kiro-oauth": (
        ("kiro_oauth_creds_file", "kiro_oauth_creds_base64", "kiro_api_key"),
        (
            *("kiro_base_url", "kiro_management_base_url", "kiro_auth_base_url", "kiro_oidc_base_url"),
            *("kiro_wire", "kiro_region", "kiro_profile_arn", "kiro_thinking"),
        ),
    ),
    "openai-qwen-oauth": (("qwen_oauth_creds_file",), ("qwen_base_url", "qwen_oauth_base_url")),
}
# The seed's names, in lower case, where they are not ours in upper case; by provider, "" for any.
SEED_NAMES: Mapping[tuple[str, str], str] = {
    ("openaiResponses-custom", "openai_api_key"): "openai_responses_api_key",
    ("openaiResponses-custom", "openai_base_url"): "openai_responses_base_url",
    ("gemini-cli-oauth", "gemini_oauth_creds_file_path"): "gemini_oauth_creds_file",
    ("gemini-cli-oauth", "gemini_base_url"): "gemini_code_assist_base_url",
    ("claude-kiro-oauth", "kiro_oauth_creds_file_path"): "kiro_oauth_creds_file",
    ("claude-kiro-oauth", "kiro_refresh_url"): "kiro_auth_base_url",
    ("claude-kiro-oauth", "kiro_refresh_idc_url"): "kiro_oidc_base_url",
    ("openai-qwen-oauth", "qwen_oauth_creds_file_path"): "qwen_oauth_creds_file",
}
# What the seed writes whole, and we build ourselves.
SEED_ENDPOINTS: Mapping[str, str] = {
    "kiro_base_url": "/generateAssistantResponse",
    "kiro_auth_base_url": "/refreshToken",
    "kiro_oidc_base_url": "/token",
}
SECRETS = frozenset(
    "openai_api_key openai_responses_api_key claude_api_key gemini_api_key gemini_oauth_creds_base64 gemini_oauth_client_secret"
    " kiro_oauth_creds_base64 kiro_api_key".split()
)
FILES = frozenset({"gemini_oauth_creds_file", "kiro_oauth_creds_file", "qwen_oauth_creds_file"})
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kiro_wire": ("rest-json", "aws-json-1.0"),
    "kiro_thinking": ("native", "tags", "off"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What an account of a provider may set. credentials: what it is reached with; others: the rest."""

    provider: str
    credentials: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.credentials, *self.others)

    def ours(self, key: str) -> str | None:
        """The setting that a key means, in its own name, upper case, or as the seed calls it; None if it means none."""
        name = SEED_NAMES.get((self.provider, key.lower()), key.lower())
        return name if name in self.all else None


def keys_of(provider: str) -> Keys:
    """KeyError for a provider that has no pool."""
    return Keys(provider, *SETTINGS[provider])


def checked(setting: str, text: str, where: str) -> str:
    """A setting's value, secrets resolved before. CredentialError names `where` and what would be right, never a secret."""
    if setting in CHOICES and text not in CHOICES[setting]:
        raise CredentialError(f"{where}: {setting} must be {' or '.join(CHOICES[setting])}")
    if setting.endswith("_url"):
        try:
            normalise_base(text)
        except ValueError as e:
            raise CredentialError(f"{where}: {setting} {e}") from None
    if text.startswith("command:"):
        raise CredentialError(f"{where}: {setting}: `command:` cannot be used here; use env:NAME or file:PATH")
    if setting.endswith("_base64"):
        text = "".join(text.split())  # often wrapped
    if setting.endswith("_api_key") and not text.startswith(REFERENCES):
        return parse_key(text, f"{where}: {setting}").key
    if not text.isprintable():
        raise CredentialError(f"{where}: {setting} holds a line break or another control character; copy it again")
    return text

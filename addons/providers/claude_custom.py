"""Anthropic, and every vendor that speaks the Messages API with a key."""

from addons.providers.base import Provider
from converters.anthropic import WIRE
from creds.account import Scheme
from creds.service import KEYS_SOLD


class ClaudeCustom(Provider):
    """Anthropic Messages behind an API key."""

    name = "claude-custom"
    title = "Anthropic Messages and compatible vendors, with an API key"
    status = KEYS_SOLD
    wire = WIRE
    scheme = Scheme.X_API_KEY
    key_setting = "claude_api_key"
    url_setting = "claude_base_url"
    family = "claude-"

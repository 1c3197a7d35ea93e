"""OpenAI, and every vendor that speaks the Responses API with a key."""

from addons.providers.base import Provider
from converters.openai_responses import WIRE
from creds.account import Scheme
from creds.service import KEYS_SOLD


class OpenAIResponsesCustom(Provider):
    """OpenAI Responses behind an API key; without a key of its own it takes the Chat provider's key and URL."""

    name = "openaiResponses-custom"
    title = "OpenAI Responses and compatible vendors, with an API key"
    status = KEYS_SOLD
    wire = WIRE
    scheme = Scheme.BEARER
    key_setting = "openai_responses_api_key"
    url_setting = "openai_responses_base_url"
    family = r"gpt-|o\d|chatgpt|codex|computer-use|davinci|text-embedding"

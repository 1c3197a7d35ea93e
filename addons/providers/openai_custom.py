"""OpenAI, and every vendor that speaks Chat Completions with a key (Kimi, GLM, DeepSeek, Ollama, vLLM ...)."""

from addons.providers.base import Provider
from converters.openai_chat import WIRE
from creds.account import Scheme
from creds.service import KEYS_SOLD


class OpenAICustom(Provider):
    """OpenAI Chat Completions behind an API key."""

    name = "openai-custom"
    title = "OpenAI Chat Completions and compatible vendors, with an API key"
    status = KEYS_SOLD
    wire = WIRE
    scheme = Scheme.BEARER
    key_setting = "openai_api_key"
    url_setting = "openai_base_url"
    family = r"gpt-|o\d|chatgpt|codex|computer-use|davinci|text-embedding"

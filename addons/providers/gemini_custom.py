"""Google's Gemini API with an API key of AI Studio."""

from addons.providers.base import Provider
from converters.gemini import WIRE
from creds.account import Scheme
from creds.service import KEYS_SOLD


class GeminiCustom(Provider):
    """Gemini generateContent behind an API key."""

    name = "gemini-custom"
    title = "Google Gemini API, with an API key"
    status = KEYS_SOLD
    wire = WIRE
    scheme = Scheme.X_GOOG_API_KEY
    key_setting = "gemini_api_key"
    url_setting = "gemini_base_url"
    family = "gemini-|gemma-|learnlm-"
    url_version = "v1beta"

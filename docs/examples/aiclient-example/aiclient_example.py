"""Example: a vendor that speaks Chat Completions, with two manners of its own. Copy this, and change what differs."""

from typing import override

from addons.providers.base import Call, Provider
from converters import openai_chat
from converters.profile import Profile
from creds.account import Account, Scheme
from creds.service import Service


class Example(Provider):
    """An invented vendor.

    Source: the vendor's API reference, "Chat" and "Headers" (read YYYY-MM).
    """

    name = "example"  # the path prefix (/example/v1/chat/completions), and the word for --model-provider
    title = "An example in a package of its own, with an API key"
    status = Service("live", since="2026-11-23", by="its documentation", terms="those of its platform")
    wire = openai_chat.WIRE
    scheme = Scheme.BEARER
    key_setting = "openai_api_key"
    url_setting = "openai_base_url"
    profile = Profile(max_tokens_name="max_tokens")  # the only name that it documents

    @override
    def more_headers(self, account: Account, call: Call) -> list[tuple[str, str]]:
        """The vendor counts requests by the program that sends them; without the header it answers all the same."""
        return [("x-example-source", "aiclient")]

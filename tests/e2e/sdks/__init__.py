"""The vendors' own SDKs as clients of the proxy, with one face: a test is written once and runs for all protocols.

Every raw byte of an answer is kept, and every answer goes through the grammar checker before a test sees it.
"""

from collections.abc import Mapping
from typing import Protocol

from tests.e2e.sdks.anthropic import AnthropicClient
from tests.e2e.sdks.base import Client
from tests.e2e.sdks.chat import ChatClient
from tests.e2e.sdks.gemini import GeminiClient
from tests.e2e.sdks.responses import ResponsesClient

__all__ = ["CLIENTS", "Client"]


class Connect(Protocol):
    """url: of the proxy. provider: the prefix of the paths. key: of the client. own: the provider speaks the same protocol."""

    def __call__(self, url: str, provider: str, key: str, *, own: bool = False) -> Client: ...


CLIENTS: Mapping[str, Connect] = {
    "chat": ChatClient,
    "responses": ResponsesClient,
    "anthropic": AnthropicClient,
    "gemini": GeminiClient,
}

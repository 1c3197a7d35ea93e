"""One fake of each kind for a file of tests."""

from collections.abc import Iterator

import pytest

from tests.fakes.anthropic import AnthropicFake
from tests.fakes.gemini import GeminiFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.responses import ResponsesFake
from tests.fakes.samples import ANTHROPIC_KEY, GEMINI_KEY, OPENAI_KEY, RESPONSES_KEY


@pytest.fixture(scope="module")
def openai_fake() -> Iterator[OpenAIFake]:
    with OpenAIFake(OPENAI_KEY) as fake:
        assert isinstance(fake, OpenAIFake)
        yield fake


@pytest.fixture(scope="module")
def responses_fake() -> Iterator[ResponsesFake]:
    with ResponsesFake(RESPONSES_KEY) as fake:
        assert isinstance(fake, ResponsesFake)
        yield fake


@pytest.fixture(scope="module")
def anthropic_fake() -> Iterator[AnthropicFake]:
    with AnthropicFake(ANTHROPIC_KEY) as fake:
        assert isinstance(fake, AnthropicFake)
        yield fake


@pytest.fixture(scope="module")
def gemini_fake() -> Iterator[GeminiFake]:
    with GeminiFake(GEMINI_KEY) as fake:
        assert isinstance(fake, GeminiFake)
        yield fake

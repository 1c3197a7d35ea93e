"""One fake of each kind for a file of tests."""

from collections.abc import Iterator

import pytest

from tests.fakes.anthropic import AnthropicFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.samples import ANTHROPIC_KEY, OPENAI_KEY


@pytest.fixture(scope="module")
def openai_fake() -> Iterator[OpenAIFake]:
    with OpenAIFake(OPENAI_KEY) as fake:
        assert isinstance(fake, OpenAIFake)
        yield fake


@pytest.fixture(scope="module")
def anthropic_fake() -> Iterator[AnthropicFake]:
    with AnthropicFake(ANTHROPIC_KEY) as fake:
        assert isinstance(fake, AnthropicFake)
        yield fake

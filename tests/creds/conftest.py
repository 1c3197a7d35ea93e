"""Login servers for the tests of logins."""

from collections.abc import Iterator

import pytest

from tests.fakes.authorization import AuthorizationFake


@pytest.fixture
def server() -> Iterator[AuthorizationFake]:
    """Every request to it must have been one that the real ones would take, but for what a test asks for."""
    with AuthorizationFake() as fake:
        assert isinstance(fake, AuthorizationFake)
        yield fake

"""A token that is kept in memory, for tests of what is built on an OAuthCredential."""

from contextlib import AbstractAsyncContextManager, nullcontext

from creds.token import Token


class Kept:
    """A source in memory. put: somebody else writes it."""

    label = "test"

    def __init__(self, token: Token) -> None:
        self.token, self.changed = token, False

    def put(self, token: Token) -> None:
        self.token, self.changed = token, True

    def read(self) -> Token:
        self.changed = False
        return self.token

    def newer(self) -> bool:
        return self.changed

    def write(self, token: Token) -> None:
        self.token = token

    def lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

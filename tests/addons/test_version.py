"""addons/version.py"""

from importlib import metadata

import pytest

from addons import version


def test_a_clone_that_was_never_installed_still_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(version, "version", missing)

    assert version.own_version() == "0+source"


def test_the_user_agent_is_our_own_name_and_version() -> None:
    assert version.USER_AGENT == f"aiclient/{version.own_version()}"

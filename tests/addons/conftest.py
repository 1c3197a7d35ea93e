"""What every test of the addons gets."""

import pytest

from tests.addons.legs_rig import BOTH, CLAUDE, OPENAI


@pytest.fixture(autouse=True)
def rested_accounts() -> None:
    """The rigs that tests share know nothing of what other tests have done to their accounts."""
    for rig in (OPENAI, CLAUDE, BOTH):
        rig.begin()

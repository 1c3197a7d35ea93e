"""The tested range."""

import pytest

from addons.mitmproxy_version import is_tested


@pytest.mark.parametrize(
    ("version", "tested"),
    [
        ("12.2.0", True),
        ("12.2.3.dev1", True),
        ("12.1.9", False),
        ("12.3.1", True),
        ("12.4.0", False),
        ("12.20.0", False),
        ("13.2", False),
    ],
)
def test_range(version: str, tested: bool) -> None:
    assert is_tested(version) is tested

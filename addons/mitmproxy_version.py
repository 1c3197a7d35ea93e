"""Which mitmproxy the parts of ours that reach into it were tested with."""

from mitmproxy import version

TESTED = ">=12.2,<12.4"


def is_tested(installed: str = version.VERSION) -> bool:
    """Whether `installed` (`12.2.3`, `13.0.0.dev`) is in the tested range."""
    return installed.split(".")[:2] in (["12", "2"], ["12", "3"])

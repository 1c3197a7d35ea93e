"""Our version, and the name we go by: ours, and honest. No provider is told that we are another product."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """As installed; `0+source` where mitmproxy loads a clone that was never installed."""
    try:
        return version("aiclient")
    except PackageNotFoundError:
        return "0+source"


USER_AGENT = f"aiclient/{own_version()}"

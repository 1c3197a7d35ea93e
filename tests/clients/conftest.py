"""The fakes and proxies of the end-to-end tests, for this folder; and these tests only for who asks for them."""

from pathlib import Path

import pytest

from tests.e2e.conftest import (
    _nothing_unneeded_goes_upstream_and_nothing_crashes,
    proxy,
    running,
    start,
    upstreams,
)

__all__ = ["_nothing_unneeded_goes_upstream_and_nothing_crashes", "proxy", "running", "start", "upstreams"]

HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True, which leaves it out, unless this folder or something in it was named: installing clients takes its time."""
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True

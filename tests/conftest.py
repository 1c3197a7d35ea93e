"""What every test gets: an environment without the settings, keys and home of the person who runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

VENDOR_KEYS = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    *("KIRO_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID"),
)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No `AICLIENT_*` but an empty `AICLIENT_HOME`, no vendor's key, no `aiclient.toml` in the current folder, and the file
    mode mask as it was before (the proxy narrows its own). Nothing of the person's own home. Gives the home."""
    for name in os.environ:
        if (
            name.startswith("AICLIENT_") and not name.startswith(("AICLIENT_TEST_", "AICLIENT_BENCH_"))
        ) or name in VENDOR_KEYS:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home") / "aiclient"
    monkeypatch.setenv("AICLIENT_HOME", str(home))
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.chdir(home.parent)
    mask = os.umask(0o022)
    yield home
    os.umask(mask)

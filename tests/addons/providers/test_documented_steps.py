"""docs/adding-a-provider.md, followed to the letter: its class, registered as it says, and its test."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import addons.providers
from addons.providers import BUILT_IN, catalogue
from addons.providers.base import Provider
from tests.addons.test_cli import Capture, run

PAGE = (Path(__file__).parents[3] / "docs" / "adding-a-provider.md").read_text()
CLASS, TEST = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def deepseek(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Provider]]:
    """Steps 1 and 2: the one file."""
    module = ModuleType("aiclient_deepseek")
    exec(compile(CLASS, "aiclient_deepseek.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "aiclient_deepseek", module)
    catalogue.cache_clear()
    yield module.__dict__["DeepSeek"]
    catalogue.cache_clear()


def test_its_test_passes(deepseek: type[Provider]) -> None:
    found: dict[str, object] = {}
    exec(compile(TEST, "test_deepseek.py", "exec"), found)
    (test,) = (value for name, value in found.items() if name.startswith("test_"))
    assert callable(test)
    test()


def test_step_three_in_the_tree_makes_it_the_default(
    deepseek: type[Provider], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(addons.providers, "BUILT_IN", (*BUILT_IN, deepseek))
    monkeypatch.setenv("AICLIENT_OPENAI_API_KEY", "sk-made-up")
    monkeypatch.setenv("AICLIENT_OPENAI_BASE_URL", "https://api.deepseek.com")
    monkeypatch.setenv("AICLIENT_MODEL_PROVIDER", "deepseek")
    code, out, err = run(capsys, "route", "deepseek-chat", "--protocol", "chat")
    assert (code, err) == (0, "")
    assert out.split()[:4] == ["1.", "deepseek", "deepseek-chat", "deepseek:default"]

"""The plug-in in somebody's own test suite: recordings are tests there, and nothing else is any different."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.addons.replay.broken import RECORDINGS

GOOD = RECORDINGS / "openai-custom/chat_text"
BAD = RECORDINGS / "gemini-custom/responses_tool_call_whole"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pytest in a folder of its own, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "addons.pytest_plugin", "-p", "no:cacheprovider", "-q", "-rA", *words],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def damaged(folder: Path) -> None:
    shutil.copytree(BAD, folder)
    file = folder / "client_answer.json"
    file.write_text(file.read_text().replace("get_weather", "get_whether"))


def test_a_recording_is_a_test(tmp_path: Path) -> None:
    shutil.copytree(GOOD, tmp_path / "tests/chat_text")
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "PASSED tests/chat_text/exchange.json::chat_text" in ended.stdout


def test_a_recording_that_differs_fails_with_the_place_and_no_traceback(tmp_path: Path) -> None:
    damaged(tmp_path / "tests/call")
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "client answer: output[1].name" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert "pytest_plugin.py" not in ended.stdout


def test_a_recording_that_lacks_a_file_fails(tmp_path: Path) -> None:
    shutil.copytree(GOOD, tmp_path / "tests/chat_text")
    (tmp_path / "tests/chat_text/client_request.json").unlink()
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "no whole recording" in ended.stdout


def test_a_folder_elsewhere_is_added(tmp_path: Path) -> None:
    shutil.copytree(GOOD, tmp_path / "elsewhere/chat_text")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_own.py").write_text("def test_own(): pass\n")
    assert "1 passed" in run(tmp_path, "tests").stdout
    assert "2 passed" in run(tmp_path, "tests", "--aiclient-recordings", "elsewhere").stdout


def test_without_recordings_nothing_of_ours_is_imported(tmp_path: Path) -> None:
    """Somebody else's `exchange.json` is left alone, too."""
    (tmp_path / "exchange.json").write_text('{"schema": "theirs"}')
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    ours = {name for name in sys.modules if name.split('.')[0] in ('addons', 'converters', 'creds', 'mitmproxy')}\n"
        "    assert ours == {'addons', 'addons.pytest_plugin'}\n"
    )
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


def test_it_is_installed_with_us() -> None:
    from importlib.metadata import PackageNotFoundError, distribution

    root = Path(__file__).parents[2]
    text = (root / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\naiclient = "addons.pytest_plugin"' in text
    try:
        installed = {entry.name for entry in distribution("aiclient").entry_points if entry.group == "pytest11"}
    except PackageNotFoundError:
        pytest.skip("not installed")
    assert installed <= {"aiclient"}

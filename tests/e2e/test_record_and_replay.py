"""A real proxy records and dumps; `aiclient record` makes tests of that; all of it replays as it was."""

from pathlib import Path

import pytest

from addons.cli import main as aiclient
from tests.make_recordings import make

CASES = ["openai-custom/anthropic_thinking", "gemini-custom/responses_tool_call_whole", "routes/anthropic_failover"]


def test_what_a_proxy_records_and_dumps_replays_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(CASES, tmp_path / "made", tmp_path)
    capsys.readouterr()
    for place in ("made", "records", "dump.flow"):
        assert aiclient(["replay", str(tmp_path / place)]) == 0, place
        assert "3 exchanges replayed: 3 the same, 0 different" in capsys.readouterr().out

"""`aiclient models` against the fakes, without a running proxy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.proxy import ROOT

ROUTES = "fast=openai-custom:gpt-4.1,claude-custom:claude-haiku-4-5; local/*=openai-custom:*"
TABLE = """\
model                           asked                                                                      from
fast                            openai-custom:gpt-4.1, then claude-custom:claude-haiku-4-5                 route
local/*                         openai-custom:*                                                            route
claude-haiku-4-5                claude-custom                                                              listed by claude-custom
claude-opus-4-7                 claude-custom                                                              listed by claude-custom
claude-sonnet-4-5               claude-custom                                                              listed by claude-custom
gpt-4.1                         chat, anthropic, gemini: openai-custom; responses: openaiResponses-custom  listed by openai-custom, openaiResponses-custom
gpt-5.4                         chat, anthropic, gemini: openai-custom; responses: openaiResponses-custom  listed by openai-custom, openaiResponses-custom
o4-mini                         chat, anthropic, gemini: openai-custom; responses: openaiResponses-custom  listed by openai-custom, openaiResponses-custom
openai-custom:gpt-4.1           openai-custom:gpt-4.1                                                      listed by openai-custom
openai-custom:gpt-5.4           openai-custom:gpt-5.4                                                      listed by openai-custom
openai-custom:o4-mini           openai-custom:o4-mini                                                      listed by openai-custom
openaiResponses-custom:gpt-4.1  openaiResponses-custom:gpt-4.1                                             listed by openaiResponses-custom
openaiResponses-custom:gpt-5.4  openaiResponses-custom:gpt-5.4                                             listed by openaiResponses-custom
openaiResponses-custom:o4-mini  openaiResponses-custom:o4-mini                                             listed by openaiResponses-custom
"""


def models(tmp_path: Path, upstreams: Upstreams, *words: str) -> "subprocess.CompletedProcess[str]":
    """Gemini's provider is not there."""
    settings = {**upstreams.settings, "ROUTES": ROUTES, "GEMINI_BASE_URL": "http://127.0.0.1:9"}
    environment = os.environ | {f"AICLIENT_{name}": value for name, value in settings.items()}
    environment |= {"AICLIENT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "addons", "models", *words]
    return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_the_table_says_who_is_asked_and_who_gave_no_list(tmp_path: Path, upstreams: Upstreams) -> None:
    done = models(tmp_path, upstreams)
    assert (done.returncode, done.stdout) == (0, TABLE)
    reason = "the provider cannot be reached (ConnectError)"
    assert done.stderr == f"aiclient: gemini-custom gave no model list: {reason}\n"


@pytest.mark.slow
def test_programs_get_the_same_names_in_the_same_order(tmp_path: Path, upstreams: Upstreams) -> None:
    found = json.loads(models(tmp_path, upstreams, "--json").stdout)
    assert [row["name"] for row in found["models"]] == [line.split()[0] for line in TABLE.splitlines()[1:]]
    assert [row["provider"] for row in found["failed"]] == ["gemini-custom"]

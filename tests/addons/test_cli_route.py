"""`aiclient route`: the plan for a model, without asking anybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons import cli

type Capture = pytest.CaptureFixture[str]

CONFIGURED = """
openai_api_key = "sk-1"
claude_api_key = "sk-2"
[routes]
"fast" = ["openai-custom:gpt-5-mini", "gemini-custom:flash"]
"gone" = "gemini-custom"
[default_models]
openai-custom = "gpt-5"
"""


@pytest.fixture(autouse=True)
def configured(own_environment: Path) -> None:
    Path("aiclient.toml").write_text(CONFIGURED)


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = cli.main(["route", *words])
    out, err = capsys.readouterr()
    return code, out, err


def shown(capsys: Capture, *words: str) -> list[dict[str, Any]]:
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_a_chain_is_shown_once_where_every_protocol_has_the_same(capsys: Capture) -> None:
    code, out, err = run(capsys, "fast")
    assert (code, err) == (0, "")
    first, skipped = out.splitlines()
    assert first.split() == ["1.", "openai-custom", "gpt-5-mini", "openai-custom:default", "route", "fast"]
    assert skipped.startswith("  skipped gemini-custom:flash: provider gemini-custom has no account")


def test_protocols_that_differ_are_shown_apart_and_a_guess_is_called_one(capsys: Capture) -> None:
    out = run(capsys, "some-model")[1]
    lines = out.splitlines()
    assert lines[0::2] == ["chat:", "responses:", "anthropic:", "gemini:"]
    assert [line.split()[1] for line in lines[1::2]] == [
        "openai-custom",
        "openaiResponses-custom",
        "claude-custom",
        "openai-custom",
    ]
    assert out.count("(a guess: ") == 4
    grouped = run(capsys, "gpt-5")[1].splitlines()
    assert (grouped[0], grouped[2]) == ("chat, anthropic, gemini:", "responses:")


def test_one_protocol_can_be_asked_for(capsys: Capture) -> None:
    (found,) = shown(capsys, "gpt-5", "--protocol", "responses")
    assert found["protocols"] == ["responses"]
    assert [(each["provider"], each["model"], each["account"], each["certain"]) for each in found["candidates"]] == [
        ("openaiResponses-custom", "gpt-5", "openaiResponses-custom:default", True),
    ]


def test_programs_get_the_whole_plan(capsys: Capture) -> None:
    (found,) = shown(capsys, "fast")
    assert found["protocols"] == ["chat", "responses", "anthropic", "gemini"]
    assert found["candidates"] == [
        {
            "provider": "openai-custom",
            "model": "gpt-5-mini",
            "account": "openai-custom:default",
            "why": "route fast",
            "certain": True,
        }
    ]
    assert [each["target"] for each in found["skipped"]] == ["gemini-custom:flash"]


def test_a_provider_can_be_named_as_a_client_would(capsys: Capture) -> None:
    (found,) = shown(capsys, "fast", "--provider", "claude-custom")
    assert [(each["provider"], each["model"]) for each in found["candidates"]] == [("claude-custom", "fast")]
    assert "no account needed" in run(capsys, "fast", "--provider", "demo")[1]


def test_no_model_is_the_default_one(capsys: Capture) -> None:
    (found,) = shown(capsys, "", "--protocol", "chat")
    assert found["candidates"][0]["model"] == "gpt-5"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("claude-custom:default", "--protocol", "gemini"), "set default_models to claude-custom=MODEL"),
        (("gone",), "route gone leads nowhere"),
        (("claude-custom:default",), "set default_models to claude-custom=MODEL"),
        (("m", "--provider", "nobody"), "there is no provider 'nobody'"),
        (("m", "--provider", "gemini-custom", "--json"), "AICLIENT_GEMINI_API_KEY"),
    ],
)
def test_what_nothing_serves_is_one_line_and_code_1(capsys: Capture, words: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "")
    assert err.startswith("aiclient: ")
    assert said in err
    assert err.count("\n") == 1

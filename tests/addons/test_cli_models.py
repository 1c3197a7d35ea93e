"""`aiclient models`: the names that clients may write. Providers are asked by a stand-in."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from addons import cli, model_lists
from addons.providers.base import Provider
from converters.errors import Kind, UpstreamError
from converters.model_list import Model
from creds.account import Account

type Capture = pytest.CaptureFixture[str]

CONFIGURED = """
openai_api_key = "sk-1"
claude_api_key = "sk-2"
"""
ROUTED = """
[routes]
"fast" = ["openai-custom:gpt-5-mini", "claude-custom:claude-x"]
"local/*" = ["openai-custom:*", "claude-custom"]
[default_models]
claude-custom = "claude-x"
"""
REFUSED = UpstreamError(Kind.UNREACHABLE, "nobody there")
LISTS: Mapping[str, list[Model] | UpstreamError] = {
    "openai-custom": [Model("gpt-5-mini", input_limit=400_000, output_limit=128_000), Model("Common")],
    "openaiResponses-custom": [Model("gpt-5-mini")],
    "claude-custom": [Model("claude-x"), Model("Common")],
}


@pytest.fixture(autouse=True)
def lists(monkeypatch: pytest.MonkeyPatch, own_environment: Path) -> dict[str, list[Model] | UpstreamError]:
    """What each provider lists; may be changed."""
    given = dict(LISTS)

    async def ask(provider: Provider, account: Account) -> list[Model]:
        answer = given[provider.name]
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    monkeypatch.setattr(model_lists, "ask_provider", ask)
    Path("aiclient.toml").write_text(CONFIGURED)
    return given


def run(capsys: Capture, *words: str) -> tuple[int, list[str], str]:
    code = cli.main(["models", *words])
    out, err = capsys.readouterr()
    return code, [line.rstrip() for line in out.splitlines()], err


def shown(capsys: Capture, *words: str) -> dict[str, Any]:
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads("\n".join(out))
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [row["name"] for row in found["models"]]


def cells(lines: list[str]) -> list[tuple[str, ...]]:
    return [tuple(re.split(r"  +", line)) for line in lines]


def test_each_name_with_who_is_asked_and_where_it_is_from(capsys: Capture) -> None:
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    both = "listed by openai-custom, openaiResponses-custom"
    responses = "chat, anthropic, gemini: openai-custom; responses: openaiResponses-custom"
    assert cells(out) == [
        ("model", "asked", "from"),
        ("claude-custom:Common", "claude-custom:Common", "listed by claude-custom"),
        ("claude-x", "claude-custom", "listed by claude-custom"),
        (
            "Common",
            "chat, responses, gemini: openai-custom; anthropic: claude-custom",
            "listed by openai-custom, claude-custom",
        ),
        ("gpt-5-mini", responses, both),
        ("openai-custom:Common", "openai-custom:Common", "listed by openai-custom"),
        ("openai-custom:gpt-5-mini", "openai-custom:gpt-5-mini", "listed by openai-custom"),
        (
            "openaiResponses-custom:gpt-5-mini",
            "openaiResponses-custom:gpt-5-mini",
            "listed by openaiResponses-custom",
        ),
    ]


def test_routes_and_the_default_come_first_with_their_order(capsys: Capture) -> None:
    Path("aiclient.toml").write_text(CONFIGURED + ROUTED)
    assert cells(run(capsys)[1][1:4]) == [
        ("fast", "openai-custom:gpt-5-mini, then claude-custom:claude-x", "route"),
        ("local/*", "openai-custom:*, then claude-custom", "route"),
        ("default", "claude-custom:claude-x", "default_models"),
    ]


def test_programs_get_the_order_the_limits_and_who_failed(
    capsys: Capture, lists: dict[str, list[Model] | UpstreamError]
) -> None:
    lists["claude-custom"] = REFUSED
    Path("aiclient.toml").write_text(CONFIGURED + ROUTED)
    found = shown(capsys)
    assert names(found)[:3] == ["fast", "local/*", "default"]
    assert found["models"][0] == {
        "name": "fast",
        "asked": [
            {
                "protocols": ["chat", "responses", "anthropic", "gemini"],
                "candidates": [
                    {"provider": "openai-custom", "model": "gpt-5-mini"},
                    {"provider": "claude-custom", "model": "claude-x"},
                ],
            }
        ],
        "targets": [],
        "from": "route",
        "input_limit": 400_000,
        "output_limit": 128_000,
    }
    assert (found["models"][1]["asked"], found["models"][1]["targets"]) == ([], ["openai-custom:*", "claude-custom"])
    assert found["failed"] == [{"provider": "claude-custom", "error": "nobody there"}]


def test_a_provider_that_gives_no_list_is_named_and_the_others_are_shown(
    capsys: Capture, lists: dict[str, list[Model] | UpstreamError], caplog: pytest.LogCaptureFixture
) -> None:
    lists["openai-custom"] = REFUSED
    code, out, err = run(capsys)
    assert (code, err) == (0, "aiclient: openai-custom gave no model list: nobody there\n")
    assert [row[0] for row in cells(out[1:])] == [
        "claude-x",
        "Common",
        "gpt-5-mini",
        "openaiResponses-custom:gpt-5-mini",
    ]
    assert caplog.messages == []


def test_nobody_gives_a_list_and_there_is_no_route(
    capsys: Capture, lists: dict[str, list[Model] | UpstreamError]
) -> None:
    lists.update(dict.fromkeys(lists, REFUSED))
    code, out, err = run(capsys)
    assert (code, out) == (1, [])
    assert err.splitlines()[-1] == "aiclient: no provider that could be asked has a model"
    assert err.count("gave no model list: nobody there") == 3


def test_a_text_chooses_whatever_the_case(capsys: Capture) -> None:
    assert names(shown(capsys, "COMM")) == ["claude-custom:Common", "Common", "openai-custom:Common"]


def test_a_text_that_no_name_holds_gets_the_nearest(capsys: Capture) -> None:
    code, out, err = run(capsys, "gpt-5-mimi")
    assert (code, out) == (1, [])
    assert err == "aiclient: the list has no model 'gpt-5-mimi'; near to it: gpt-5-mini\n"


def test_a_named_provider_has_its_own_names_alone(capsys: Capture) -> None:
    Path("aiclient.toml").write_text(CONFIGURED + ROUTED)
    found = shown(capsys, "--provider", "claude-custom")
    assert names(found) == ["fast", "default", "claude-x", "Common"]
    assert found["models"][0]["asked"][0]["candidates"] == [{"provider": "claude-custom", "model": "claude-x"}]


def test_a_provider_that_is_not_there_gets_the_nearest(capsys: Capture) -> None:
    code, _, err = run(capsys, "--provider", "claude")
    assert code == 1
    assert "there is no provider 'claude'. Did you mean claude-custom?" in err


def test_a_provider_without_an_account_names_the_cure(capsys: Capture) -> None:
    code, _, err = run(capsys, "--provider", "gemini-custom")
    assert code == 1
    assert "provider gemini-custom has no account: set AICLIENT_GEMINI_API_KEY" in err


def test_a_provider_whose_api_has_no_list_is_told_apart(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, lists: dict[str, list[Model] | UpstreamError]
) -> None:
    monkeypatch.setattr("addons.cli_models.can_be_asked", lambda provider, account: provider.name != "claude-custom")
    found = {row["name"]: row["from"] for row in shown(capsys)["models"]}
    assert found["claude-x"] == "known of claude-custom"
    assert found["Common"] == "listed by openai-custom; known of claude-custom"


@pytest.mark.parametrize("words", [(), ("--provider", "demo")])
def test_without_an_account_there_is_the_demo(capsys: Capture, words: tuple[str, ...]) -> None:
    Path("aiclient.toml").write_text("")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert out[:2] == ["model          asked  from", "aiclient-demo  demo   built in"]
    assert out[2].startswith("no accounts: set OPENAI_API_KEY")


def test_with_a_replay_nobody_is_asked(capsys: Capture) -> None:
    Path("aiclient.toml").write_text('openai_api_key = "sk-1"\nreplay = "records"')
    code, _, err = run(capsys)
    assert code == 1
    assert "answers are replayed from records" in err

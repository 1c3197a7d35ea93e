"""`aiclient pool reset`."""

import asyncio
from pathlib import Path

import pytest

from addons import cli
from addons.account_pool import state_file
from addons.accounts import read_all
from addons.providers import catalogue
from addons.settings_sources import load
from creds.pool_outcome import Outcome, report
from creds.pool_state import PoolState
from creds.slot import SlotState

type Capture = pytest.CaptureFixture[str]

NOW = 1_700_000_000.0


@pytest.fixture
def pool() -> PoolState:
    """As a proxy that runs has it: one account rests, one model of another does, a third is stopped, the fourth is well."""
    table = "[[account]]\nprovider = '{}'\nlabel = '{}'\n{} = 'key-{}'\n"
    rows = [
        *(("openai-custom", name, "openai_api_key", name) for name in ("rests", "model", "well")),
        ("claude-custom", "stopped", "claude_api_key", "c"),
    ]
    Path("aiclient.toml").write_text("".join(table.format(*row) for row in rows))
    states = PoolState(state_file())
    states.use(member.slot for member in read_all(load(), catalogue()).members)
    for label, outcome in (
        ("openai-custom:rests", Outcome("auth", NOW, "m", wait=1e9)),
        ("openai-custom:model", Outcome("overloaded", NOW, "m", of_model=True, wait=1e9)),
        ("claude-custom:stopped", Outcome("forbidden", NOW, "m")),
    ):
        states.change(label, lambda state, outcome=outcome: report(state, outcome, NOW, 0.5))  # type: ignore[misc]
    assert asyncio.run(states.save())
    return states


def ill(pool: PoolState) -> list[str]:
    """What the proxy sees at its next request."""
    pool.look()
    return [label for label, state in pool.states.items() if (state.rest, state.stop, state.models) != (None, None, {})]


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = cli.main(["pool", "reset", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("words", "mended"),
    [
        ((), ["openai-custom:rests", "openai-custom:model", "claude-custom:stopped"]),
        (("openai-custom",), ["openai-custom:rests", "openai-custom:model"]),
        (("claude-custom:stopped",), ["claude-custom:stopped"]),
        (("openai-custom:rests", "claude-custom"), ["openai-custom:rests", "claude-custom:stopped"]),
    ],
)
def test_what_is_named_is_used_again_and_nothing_else(
    capsys: Capture, pool: PoolState, words: tuple[str, ...], mended: list[str]
) -> None:
    before = ill(pool)
    assert run(capsys, *words) == (0, "".join(f"{label} is used again\n" for label in mended), "")
    assert ill(pool) == [label for label in before if label not in mended]


def test_nothing_to_mend_is_said(capsys: Capture, pool: PoolState) -> None:
    stamp = state_file().stat().st_mtime_ns
    assert run(capsys, "openai-custom:well") == (0, "no account rests or is stopped\n", "")
    assert state_file().stat().st_mtime_ns == stamp
    assert len(ill(pool)) == 3


@pytest.mark.parametrize(
    ("word", "cure"),
    [("openai-custom:rest", "did you mean openai-custom:rests?"), ("zzz", "see `aiclient accounts`")],
)
def test_a_label_that_there_is_not_is_an_error_with_a_cure(
    capsys: Capture, pool: PoolState, word: str, cure: str
) -> None:
    code, out, err = run(capsys, word, "claude-custom")
    assert (code, out, err) == (1, "", f"aiclient: there is no account {word!r}; {cure}\n")
    assert len(ill(pool)) == 3


def test_without_accounts_there_is_nothing_to_mend(capsys: Capture) -> None:
    assert run(capsys)[:2] == (0, "no account rests or is stopped\n")
    assert not state_file().exists()


def test_a_file_that_cannot_be_written_is_an_error(
    capsys: Capture, pool: PoolState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("creds.pool_state.write_private", full)
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "cannot be kept" in err
    assert len(ill(pool)) == 3


def test_a_proxy_that_runs_keeps_what_is_its_own(capsys: Capture, pool: PoolState) -> None:
    label = "openai-custom:rests"
    pool.change(label, lambda state: SlotState(rest=state.rest, in_flight=3, turn=7.0))
    assert run(capsys)[0] == 0
    pool.look()
    assert (pool.states[label].rest, pool.states[label].in_flight, pool.states[label].turn) == (None, 3, 7.0)

"""The command `chaos`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from addons import cli, launch
from addons.chaos_plan import read_rates
from addons.cli_chaos import USUAL
from addons.settings import Settings
from addons.settings_sources import Loaded


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Loaded, dict[str, Any]]]:
    """Nothing is started; what would have been is noted here."""
    calls: list[tuple[Loaded, dict[str, Any]]] = []

    def serve(loaded: Loaded, flags: Mapping[str, str], **more: object) -> None:
        calls.append((loaded, {"flags": flags, **more}))

    monkeypatch.setattr(launch, "serve", serve)
    return calls


def settings_of(served: list[tuple[Loaded, dict[str, Any]]], *words: str) -> Settings:
    assert cli.main(["chaos", *words]) == 0
    return served[-1][0].settings


def test_every_fifth_answer_fails_and_clients_may_ask(served: list[tuple[Loaded, dict[str, Any]]]) -> None:
    settings = settings_of(served, "--port", "4000", "--", "-w", "x")
    assert settings.chaos.total == pytest.approx(0.2)
    assert (settings.chaos_header, settings.port) == (True, 4000)
    assert served[0][1]["flags"] == {"port": "4000", **USUAL}, "the proxy is told of it as well"
    assert served[0][1]["extra"] == ["-w", "x"]


def test_what_was_said_counts(served: list[tuple[Loaded, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(served, "--chaos", "cut=1", "--chaos-header", "false")
    assert (str(settings.chaos), settings.chaos_header) == ("cut=1", False)
    monkeypatch.setenv("AICLIENT_CHAOS", "reset=0.5")
    settings = settings_of(served)
    assert (str(settings.chaos), settings.chaos_header) == ("reset=0.5", True)


def test_a_table_of_the_file_counts(
    served: list[tuple[Loaded, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "aiclient.toml"
    file.write_text("[chaos]\n429 = 0.25\nstall = 0.5\n")
    monkeypatch.setenv("AICLIENT_CONFIG", str(file))
    assert settings_of(served).chaos == read_rates("429=0.25, stall=0.5")


def test_serve_has_no_faults(served: list[tuple[Loaded, dict[str, Any]]]) -> None:
    assert cli.main(["serve"]) == 0
    settings = served[0][0].settings
    assert (settings.chaos.rows, settings.chaos_header, settings.chaos_seed) == ((), False, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--chaos", "stal=0.1"), "--chaos = 'stal=0.1': there is no fault 'stal'; did you mean stall?"),
        (("--chaos-seed", "x"), "--chaos-seed = 'x': must be a whole number, or empty"),
        (("--chaos-place", "middle"), "--chaos-place = 'middle': must be 'client' or 'upstream'"),
    ],
)
def test_a_wrong_value_is_one_line(
    served: list[tuple[Loaded, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, str],
    message: str,
) -> None:
    assert cli.main(["chaos", *words]) == 1
    assert capsys.readouterr().err == f"aiclient: {message}\n"
    assert served == []


def test_config_shows_rates_as_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_CHAOS", "cut=0.25")
    assert cli.main(["config", "show", "--json"]) == 0
    assert '"cut": 0.25' in capsys.readouterr().out

"""`aiclient config`: import and schema. (What show and check print is tested with the other commands.)"""

import json
import stat
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from addons.settings import NAMES
from addons.settings_sources import load
from tests.addons.test_cli import Capture, run


def seed(path: Path, **keys: object) -> str:
    path.write_text(json.dumps(keys))
    return str(path)


def test_import_makes_a_private_file_and_says_what_is_left_out(capsys: Capture, tmp_path: Path) -> None:
    config = seed(
        tmp_path / "config.json", SERVER_PORT=4000, OPENAI_API_KEY="sk-abcdefghijkl", REQUIRED_API_KEY="123456"
    )
    code, out, err = run(capsys, "config", "import", config)
    assert (code, err) == (0, "")
    made = Path("aiclient.toml")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert "port = 4000" in made.read_text()
    first, count, keys = out.splitlines()
    assert first.startswith("not taken over: REQUIRED_API_KEY: ")
    assert count == f"aiclient.toml: 2 settings and 0 accounts, from {config}"
    assert keys.startswith("keys stand in aiclient.toml as they are")
    assert "sk-abc" not in out
    assert json.loads(run(capsys, "config", "--json")[1])["port"] == {"value": 4000, "from": "file aiclient.toml"}


def test_import_overwrites_nothing(capsys: Capture, tmp_path: Path) -> None:
    config = seed(tmp_path / "config.json", SERVER_PORT=4000)
    Path("aiclient.toml").symlink_to(tmp_path / "nowhere.toml")
    code, out, err = run(capsys, "config", "import", config)
    assert (code, out) == (1, "")
    assert err == "aiclient: aiclient.toml is there already: name another file with --out, or move it away\n"
    assert not (tmp_path / "nowhere.toml").exists()
    assert run(capsys, "config", "import", config, "--out", str(tmp_path / "new.toml"))[0] == 0
    assert (tmp_path / "new.toml").read_text().endswith("port = 4000\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import",), "takes config.json, and provider_pools.json"),
        (("import", "a", "b", "c"), "takes config.json, and provider_pools.json"),
        (("import", "nowhere.json"), "cannot read nowhere.json"),
        (("check", "a"), "config check takes no files"),
        (("show", "--out", "a"), "config show takes no files"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words_are_one_line(capsys: Capture, words: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, "config", *words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_half_a_character_is_no_reason_to_fail(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"PROMPT_LOG_BASE_NAME": "a\\ud800b"}')
    assert run(capsys, "config", "import", str(tmp_path / "config.json"))[0] == 0
    assert load().settings.prompt_log_base_name == "a?b"


def test_a_folder_that_cannot_be_written_is_one_line(capsys: Capture, tmp_path: Path) -> None:
    config = seed(tmp_path / "config.json", SERVER_PORT=4000)
    code, _, err = run(capsys, "config", "import", config, "--out", str(tmp_path / "no" / "x.toml"))
    assert code == 1
    assert "cannot write" in err


def test_schema_is_printed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICLIENT_PORT", "nonsense")  # needs no settings
    code, out, _ = run(capsys, "config", "schema")
    assert code == 0
    document = json.loads(out)
    Draft202012Validator.check_schema(document)
    assert set(document["properties"]) == {*NAMES, "account"}

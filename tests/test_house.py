"""The rules of the house that a reader would otherwise have to remember. Every failure names the file and the rule."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from addons.providers import BUILT_IN
from addons.settings import NAMES, Settings, written
from addons.settings_sources import flag, load, variable

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("addons", "converters", "creds")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST = 500

WIRES = {"openai_chat", "openai_responses", "anthropic", "gemini", "code_assist", "kiro"}
BUILDS_ON = {("code_assist", "gemini")}  # Code Assist is Gemini in an envelope
IMPURE = {
    *("mitmproxy", "httpx", "asyncio", "os", "time", "random", "logging", "secrets", "socket", "ssl", "subprocess"),
    *("threading", "multiprocessing", "pathlib", "tempfile", "uuid", "http", "urllib.request", "addons", "creds"),
}
PURE_ADDONS = (
    "addons/providers/",
    "addons/routing",
    "addons/candidates",
    "addons/setting",
    "addons/proxy_options",
    "addons/redact",
    "addons/alike",
    "addons/attempts",
    "addons/records/",
    "addons/dataset",
    "addons/replay/",
)
# relay is the one part that works inside mitmproxy's layers; the fast_*.py files take time out of the host itself.
HOST_INTERNALS = re.compile(r"addons/(relay(/\w+)?|fast_\w+)\.py")

NOT_OUR_WORDS = re.compile(r"session|handler|manager|helper|util|info|adapter|strategy", re.IGNORECASE)
# A module, or a folder of them, without a test file of its own, and what tests it instead.
TESTED_ELSEWHERE = {
    "addons/aiclient.py": "tests/e2e",  # the composition root: only a running proxy shows whether it is right
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    """Every imported name, dotted: `from a.b import c` gives `a.b` and `a.b.c`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def breaches(where: str, forbidden: set[str]) -> list[str]:
    return [
        f"{name_of(path)} imports {name}"
        for path in SOURCES
        if name_of(path).startswith(where)
        for name in imports_of(path)
        if within(name, forbidden)
    ]


def committed() -> list[Path]:
    """What a commit of this tree would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)


def test_the_rules_see_the_code() -> None:
    """A rule over an empty list would never fail."""
    assert {name_of(path).split("/")[0] for path in SOURCES} == set(PACKAGES)
    assert "addons.settings" in set(imports_of(Path(__file__)))


def test_converters_know_no_clock_no_network_and_no_other_package() -> None:
    assert breaches("converters/", IMPURE) == []


def test_converters_take_json_from_one_codec() -> None:
    outside = breaches("converters/", {"json", "pydantic_core", "pydantic", "orjson"})
    assert {breach.split()[0] for breach in outside} <= {
        "converters/json_codec.py",
        "converters/splice.py",
    }  # splice finds offsets alone


def test_one_wire_never_imports_another() -> None:
    found = [
        f"{name_of(path)} imports {name}"
        for path in SOURCES
        if (own := path.relative_to(ROOT).parts[1].removesuffix(".py")) in WIRES and path.parts[-2] != "addons"
        for name in imports_of(path)
        if name.startswith("converters.")
        and (other := name.split(".")[1]) in WIRES - {own}
        and (own, other) not in BUILDS_ON
    ]
    assert found == []


def test_accounts_know_neither_proxy_nor_protocols() -> None:
    assert breaches("creds/", {"mitmproxy", "converters", "addons"}) == []


@pytest.mark.parametrize("where", ["creds/pool.py", "creds/pool_outcome.py", "creds/slot.py"])
def test_the_pool_gets_clock_and_chance_as_arguments(where: str) -> None:
    assert breaches(where, {"time", "random", "secrets", "datetime"}) == []


@pytest.mark.parametrize("where", PURE_ADDONS)
def test_the_pure_part_of_addons_knows_no_proxy(where: str) -> None:
    assert breaches(where, {"mitmproxy", "httpx"}) == []


def test_the_internals_of_the_host_are_touched_in_few_files() -> None:
    found = [breach for breach in breaches("addons/", {"mitmproxy.proxy"}) if not HOST_INTERNALS.match(breach)]
    assert found == []


def test_imports_are_absolute() -> None:
    """The folder of the script heads `sys.path`, and it is executed under another name: relative imports break there."""
    assert [
        f"{name_of(path)} imports {name}" for path in SOURCES for name in imports_of(path) if name.startswith(".")
    ] == []


def test_no_module_of_addons_shadows_another() -> None:
    """mitmproxy puts the folder of `aiclient.py` at the head of `sys.path`."""
    own = {path.stem for path in (ROOT / "addons").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    taken = set(sys.stdlib_module_names) | packages_distributions().keys()
    assert "cli" in own
    assert own - {"__init__", "__main__"} & taken == set()


def test_names_use_our_words() -> None:
    classes = [
        f"{name_of(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and NOT_OUR_WORDS.search(node.name)
    ]
    assert classes + [name_of(path) for path in SOURCES if NOT_OUR_WORDS.search(path.stem)] == []


def test_files_stay_small() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_module_has_its_test_file() -> None:
    missing = []
    for path in SOURCES:
        name = name_of(path)
        elsewhere = any(name == key or name.startswith(key + "/") for key in TESTED_ELSEWHERE)
        if path.stem not in ("__init__", "__main__") and not elsewhere:
            test = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
            if not test.exists():
                missing.append(name)
    assert missing == []
    assert [name for pair in TESTED_ELSEWHERE.items() for name in pair if not (ROOT / name).exists()] == []


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(NAMES)
    for name, text in sections.items():
        default = written(Settings.model_fields[name].get_default())
        expected = (
            f"Default: {f'`{default}`' if default else 'empty'}. Flag `{flag(name)}`, environment `{variable(name)}`."
        )
        assert expected in text, name


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_example_loads(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    example = re.search(rf"Example: `({name} = .*)`$", page, re.MULTILINE)
    assert example
    text = re.sub(r'"(env|file):[^"]*"', '"plain"', example[1])
    (tmp_path / "aiclient.toml").write_text(text)
    (tmp_path / "prompt.md").write_text("Be brief.")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AICLIENT_CONFIG", str(tmp_path / "aiclient.toml"))
    assert getattr(load().settings, name) != Settings.model_fields[name].get_default()


def test_every_provider_has_a_heading_in_the_docs() -> None:
    found = " ".join(headings("providers.md"))
    assert [kind.name for kind in BUILT_IN if kind.name not in found] == []


def test_the_changelog_has_a_section_for_what_is_new() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## \[?(Unreleased|{re.escape(version)})", text, re.MULTILINE)


def test_nothing_of_a_machine_is_committed() -> None:
    """Registry hosts and paths of somebody's disk. The patterns are in pieces, so that this file is not found by itself."""
    registries = ["pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(org|com)", "deb" + r"\.debian"]
    homes = [r"(?<![\w.-])/" + folder for folder in (r"work/\w", r"root/\w", r"Users/\w", r"home/(?!linuxbrew)\w")]
    pattern = re.compile("|".join(registries + homes))
    found = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a recording of bytes
        found += [
            f"{name_of(path)}:{n}: {m[0]}" for n, line in enumerate(text.splitlines(), 1) if (m := pattern.search(line))
        ]
    assert found == []


def test_five_dependencies_and_all_of_them_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=;\[ ]", line)[0] for line in project["dependencies"]}
    assert names == {"mitmproxy", "httpx", "pydantic", "pydantic-settings", "google-auth"}
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names - locked == set()


def test_scripts_can_be_run() -> None:
    assert [name for name in ("run.sh", ".ci/run") if not (ROOT / name).stat().st_mode & 0o111] == []

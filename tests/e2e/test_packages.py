"""What is installed and started somewhere else: the container's build steps without a container, and a provider in a package of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import RIGHT, checked_answer, plain
from tests.e2e.proxy import ROOT, free_port
from tests.fakes.samples import CLIENT_KEY

LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
COPIED = [word for line in LINES if line.startswith("COPY ") for word in line.split()[1:-1]]


def said(instruction: str) -> str:
    """What the Dockerfile says last after such a word."""
    return next(line.partition(instruction)[2].strip() for line in reversed(LINES) if line.startswith(instruction))


def listed(instruction: str) -> list[str]:
    found = json.loads(said(instruction).partition("CMD ")[2] if instruction == "HEALTHCHECK" else said(instruction))
    return [str(word) for word in found]


@pytest.fixture(scope="module")
def clean() -> Mapping[str, str]:
    """An environment with nothing of this one, as a container's is."""
    kept = ("PATH", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory, clean: Mapping[str, str]) -> Path:
    """A new one with pip; the packages that we depend on are those that are here already."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    _run([sys.executable, "-I", "-m", "venv", str(folder)], folder.parent, clean)
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = _run([str(folder / "bin" / "python"), "-I", "-c", asked], folder, clean).strip()
    # Not as a folder whose .pth files count: one of them leads to this tree.
    (Path(place) / "present.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture(scope="module")
def installed(venv: Path, clean: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Dockerfile's own steps: what it copies, a wheel of it, the wheel installed. Gives that venv's Python."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    python = venv / "bin" / "python"
    pip = [str(python), "-I", "-m", "pip", "--quiet"]
    offline = ["--no-index", "--no-deps"]
    _run([*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), "."], source, clean)
    (wheel,) = wheels.glob("*.whl")
    _run([*pip, "install", *offline, str(wheel)], source, clean)
    return python


def _run(words: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def environment(clean: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As the Dockerfile sets it, but for what must be another one here: home and address."""
    home = tmp_path_factory.mktemp("volume")
    set_there = dict(line.removeprefix("ENV ").split("=", 1) for line in LINES if line.startswith("ENV "))
    own = {"AICLIENT_HOME": str(home), "HOME": str(home), "AICLIENT_HOST": "127.0.0.1"}
    assert own.keys() & set_there.keys() == {"AICLIENT_HOME", "AICLIENT_HOST"}
    return {**clean, **set_there, **own, "AICLIENT_PORT": str(free_port()), "AICLIENT_API_KEY": CLIENT_KEY}


@pytest.fixture(scope="module")
def served(installed: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL, started as the container is."""
    log = tmp_path_factory.mktemp("log") / "output.txt"
    words = [str(installed), *listed("ENTRYPOINT")[1:], *listed("CMD")]
    with log.open("wb") as output:
        process = subprocess.Popen(words, cwd=environment["HOME"], env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 30
        while _check(installed, environment) != 0:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{environment['AICLIENT_PORT']}"
    finally:
        process.terminate()
        assert process.wait(25) == 0


def _check(python: Path, environment: Mapping[str, str]) -> int:
    """The exit code of the image's own health check."""
    words = [str(python), *listed("HEALTHCHECK")[1:]]
    return subprocess.run(words, env=environment, capture_output=True, timeout=20, check=False).returncode


def test_the_wheel_is_what_runs_and_not_this_tree(installed: Path, environment: Mapping[str, str]) -> None:
    words = [str(installed), "-P", "-c", "import addons, converters, creds; print(addons.__file__, creds.__file__)"]
    printed = _run(words, Path("/"), environment)
    assert [Path(path).is_relative_to(installed.parents[1]) for path in printed.split()] == [True, True]


def test_it_serves(served: str, web: httpx.Client) -> None:
    asked = plain("chat", "aiclient-demo", "Hi")
    answer = web.post(f"{served}/demo{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    assert checked_answer("chat", answer.content).text


def test_the_health_check_fails_where_nothing_listens(installed: Path, environment: Mapping[str, str]) -> None:
    assert _check(installed, {**environment, "AICLIENT_PORT": str(free_port())}) != 0


def test_the_image_does_not_start_without_a_key(installed: Path, environment: Mapping[str, str]) -> None:
    bare = {name: text for name, text in environment.items() if name != "AICLIENT_API_KEY"}
    words = [str(installed), *listed("ENTRYPOINT")[1:], *listed("CMD")]
    ran = subprocess.run(
        words,
        env={**bare, "AICLIENT_HOST": "0.0.0.0"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "set api_key (AICLIENT_API_KEY) first" in ran.stderr


def test_nothing_but_what_is_copied_goes_to_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(line[1:] for line in rules if line.startswith("!")) == sorted(COPIED)


def test_both_stages_stand_on_one_named_system() -> None:
    assert [line.split()[1] for line in LINES if line.startswith("FROM ")] == ["${PYTHON}"] * 2
    assert re.fullmatch(r"python:3\.1[2-9](\.\d+)?-slim-[a-z]+", said("ARG PYTHON="))


def test_the_image_and_compose_are_without_privileges() -> None:
    assert said("USER ") not in ("", "0", "root")
    (service,) = YAML(typ="safe").load(ROOT / "compose.yaml")["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["ports"] == ["127.0.0.1:3000:3000"]
    assert [volume.partition(":")[2] for volume in service["volumes"]] == [said("VOLUME ")]
    assert service["environment"]["AICLIENT_API_KEY"].startswith("${AICLIENT_API_KEY:?")
    assert said("ENV AICLIENT_HOME=") == said("VOLUME ")


def test_a_provider_of_a_package_of_its_own_serves(
    venv: Path,
    clean: Mapping[str, str],
    start: Launch,
    upstreams: Upstreams,
    web: httpx.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/examples, installed as a person would; its entry point is all that leads to it."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(ROOT / "docs" / "examples" / "aiclient-example", source)
    words = [
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
        str(source),
    ]
    pip = [str(venv / "bin" / "python"), "-I", "-m", "pip"]
    _run([*pip, *words], tmp_path, clean)
    monkeypatch.setenv("PYTHONPATH", str(target))
    fake = upstreams.of("openai-custom")
    with monkeypatch.context() as patch:
        patch.setattr(fake, "own_headers", fake.own_headers | {"x-example-source"})
        proxy = start("example", {**upstreams.settings, "MODEL_PROVIDER": "example"})
        asked = plain("anthropic", "gpt-4.1-text", "Hi")
        answer = web.post(f"{proxy.url}/example{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    assert checked_answer("anthropic", answer.content).text == "Hello, world!"
    sent = fake.requests[-1]
    assert sent.header("x-example-source") == "aiclient"
    assert sent.json["max_tokens"] == 400
    assert "max_completion_tokens" not in sent.json

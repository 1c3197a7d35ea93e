"""What a conversation repeats, system prompt and tools: written once, also where it is remembered how."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from addons.records import record as record_module
from addons.records.objects import Objects
from addons.records.record import RecordMaker
from addons.redact import Redactor
from converters.json_codec import Json, JsonObject, loads
from tests.addons.records.samples import anthropic_body, attempt, exchange, whole_answer

SYSTEM = "You are brief, and call the tool named turnipgarden. " * 20
TOOL = {
    "name": "t",
    "description": "Grows a parsnipgarden. " * 40,
    "input_schema": {"type": "object", "properties": {}},
}


@pytest.fixture(params=[True, False], ids=["objects", "inline"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Objects | None:
    return Objects(tmp_path / "objects") if request.param else None


def calls() -> Iterator[bytes]:
    said: list[JsonObject] = []
    while True:
        said += [{"role": "user", "content": f"{len(said)}"}, {"role": "assistant", "content": "go on"}]
        yield anthropic_body(system=SYSTEM, tools=[TOOL], messages=[*said, {"role": "user", "content": "?"}])


def conversation(maker: RecordMaker, body: bytes, store: Objects | None, secret: str = "") -> JsonObject:
    """With system prompt and tools put in their places."""
    facts = replace(exchange(body=body, attempts=[attempt(body, whole_answer())]), secrets=(secret,) if secret else ())
    record = loads(maker.line(facts))
    assert isinstance(record, dict)
    talk = record["conversation"]
    assert isinstance(talk, dict)
    return {name: _content(talk[name], store) for name in ("system", "tools")}


def _content(written: Json, store: Objects | None) -> Json:
    if store is None:
        assert isinstance(written, list)
        return written
    assert isinstance(written, dict)
    return loads(store.get(str(written["ref"])))


@pytest.mark.parametrize("word", ["turnipgarden", "parsnipgarden"])
def test_a_secret_that_comes_up_later_goes_from_them_too(word: str, store: Objects | None) -> None:
    maker, bodies = RecordMaker(Redactor(), store, b"salt"), calls()
    before = [conversation(maker, next(bodies), store) for _ in range(8)]
    assert all(word in str(each) for each in before)
    after = conversation(maker, next(bodies), store, secret=word)
    assert word not in str(after)
    assert "[redacted:known]" in str(after)


def test_they_are_written_out_once(store: Objects | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client repeats both with each call."""
    written = list[str]()
    for name in ("system_of", "tools_of"):
        real = getattr(record_module, name)
        monkeypatch.setattr(record_module, name, lambda of, name=name, real=real: (written.append(name), real(of))[1])
    maker, bodies = RecordMaker(Redactor(), store, b"salt"), calls()
    told = [conversation(maker, next(bodies), store) for _ in range(12)]
    assert all(each == told[0] for each in told)
    assert written.count("system_of") == 1
    assert written.count("tools_of") <= 5, "until there is enough of a history to be remembered"


def test_objects_that_somebody_removed_are_written_again(tmp_path: Path) -> None:
    store, bodies = Objects(tmp_path / "objects"), calls()
    maker = RecordMaker(Redactor(), store, b"salt")
    before = [conversation(maker, next(bodies), store) for _ in range(8)][-1]
    for path in store.paths():
        path.unlink()
    (tmp_path / "objects").rename(tmp_path / "moved")
    maker.look()
    assert conversation(maker, next(bodies), store) == before

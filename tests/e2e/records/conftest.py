"""Proxies that keep records, and what they wrote, read as a user of ours would read it."""

import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import zstandard

from addons.records.reader import Records
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.pools.stage import Stage
from tests.e2e.proxy import ROOT, Proxy

SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "record.schema.json").read_text()))
SECONDS = 10  # for a thread to have written what happened

type Record = Any


@dataclass
class Written:
    """A proxy and its folder of records."""

    proxy: Proxy

    @property
    def home(self) -> Path:
        return self.proxy.log.parent

    @property
    def folder(self) -> Path:
        return self.home / "aiclient" / "records"

    @property
    def records(self) -> Records:
        return Records(self.folder)

    @property
    def ids(self) -> list[str]:
        return [str(record["id"]) for record in self.records.each()]

    def of(self, answer: httpx.Response) -> Record:
        """The valid record of an exchange that is over, or will be at once."""
        return self.find(lambda record: record["id"] == answer.headers["x-request-id"])

    def find(self, fits: Any) -> Record:
        until = time.monotonic() + SECONDS
        while True:
            found = [record for record in self.records.each() if fits(record)]
            if found or time.monotonic() > until:
                break
            time.sleep(0.05)
        (record,) = found
        SCHEMA.validate(next(r for r in self.records.each(resolve=False) if r["id"] == record["id"]))
        return record


@pytest.fixture(scope="session")
def kept(start: Launch, upstreams: Upstreams) -> Written:
    """Default settings, and transcripts on the console."""
    return Written(start("records", {**upstreams.settings, "LOG_PROMPTS": "console"}))


@pytest.fixture(scope="session")
def pool_stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield (stage := Stage(stack))
        assert stage.violations == []


def everything_in(folder: Path) -> Mapping[str, bytes]:
    """The content of every file, by its path in the folder, and of every stream in a record; compressed files are not looked into."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    packed = [(name, text) for name, content in found.items() for text in re.findall(rb'"zstd":"([^"]+)"', content)]
    unpacked = zstandard.ZstdDecompressor().decompress
    streams = {f"{name} stream {number}": unpacked(b64decode(text)) for number, (name, text) in enumerate(packed)}
    return found | streams

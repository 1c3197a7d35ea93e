"""The files of a dataset on disk. They hold what people said: only their owner may read them."""

import importlib
import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self, override

from addons.dataset_export.formats.base import Column
from converters.json_codec import JsonObject, dumps

_ROWS, _BYTES = 5000, 32 << 20  # of a row group: at most, and about
_OPEN = 16  # files at once


class NotInstalled(Exception):
    """A package of an extra is missing. The message names the cure."""


class Files(Protocol):
    """write: a row, into a split and of a day (YYYY-MM-DD). close: all is on disk after it."""

    def write(self, row: JsonObject, split: str, day: str) -> None: ...
    def close(self) -> None: ...


def private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


class JsonLines(Files):
    """FOLDER/train.jsonl and so on: one row a line."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        self._open: dict[str, IO[bytes]] = {}

    @override
    def write(self, row: JsonObject, split: str, day: str = "") -> None:
        if split not in self._open:
            self._open[split] = private_file(self._folder / f"{split}.jsonl")
        self._open[split].write(dumps(row) + b"\n")

    @override
    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Parquet(Files):
    """FOLDER/day=2026-11-23/part-00000.parquet and so on, compressed with zstd. Raises NotInstalled without pyarrow."""

    def __init__(self, folder: Path, columns: Mapping[str, Column]) -> None:
        try:
            arrow, self._parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
        except ImportError as e:
            raise NotInstalled("parquet needs pyarrow: pip install 'aiclient[parquet]'") from e
        self._folder, self._arrow = folder, arrow
        kinds = {"string": arrow.string(), "int64": arrow.int64(), "float64": arrow.float64(), "bool": arrow.bool_()}
        self._schema = arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._writers: OrderedDict[str, Any] = OrderedDict()  # by day, the one longest unused first
        self._rows: dict[str, list[JsonObject]] = {}
        self._sizes: dict[str, int] = {}
        self._parts: dict[str, int] = {}

    @override
    def write(self, row: JsonObject, split: str, day: str) -> None:
        row["split"] = split
        self._rows.setdefault(day, []).append(row)
        self._sizes[day] = self._sizes.get(day, 0) + sum(len(v) for v in row.values() if isinstance(v, str))
        if len(self._rows[day]) >= _ROWS or self._sizes[day] >= _BYTES:
            self._flush(day)

    def _flush(self, day: str) -> None:
        self._writer(day).write_table(self._arrow.Table.from_pylist(self._rows.pop(day), schema=self._schema))
        self._sizes.pop(day)
        while len(self._writers) > _OPEN:
            self._writers.popitem(last=False)[1].close()

    def _writer(self, day: str) -> Any:
        if day not in self._writers:
            number = self._parts[day] = self._parts.get(day, -1) + 1
            path = private_folder(self._folder / f"day={day}") / f"part-{number:05}.parquet"
            private_file(path).close()
            self._writers[day] = self._parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._writers.move_to_end(day)
        return self._writers[day]

    @override
    def close(self) -> None:
        for day in list(self._rows):
            self._flush(day)
        for writer in self._writers.values():
            writer.close()

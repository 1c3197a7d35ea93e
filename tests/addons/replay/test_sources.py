"""Where exchanges come from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from addons.replay.captured import Captured, Unplayed
from addons.replay.sources import Found, NoSource, exchanges, recordings_in
from tests.addons.records import samples
from tests.addons.replay.broken import RECORDINGS


def no_dump(path: Path) -> Iterator[Found]:
    raise NoSource(f"{path.name} is no dump")
    yield


def ids(*paths: Path, id_: str | None = None) -> list[str]:
    return [found.id for found in exchanges(paths, no_dump, id_)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three records; one file of two is compressed."""
    maker = samples.maker(tmp_path)
    lines = [maker.line(samples.exchange(number)) for number in (1, 2, 3)]
    (tmp_path / "2026-11-22.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines[0] + lines[1]))
    (tmp_path / "2026-11-23.jsonl").write_bytes(lines[2])
    return tmp_path


ALL = [f"req_{number:024x}" for number in (1, 2, 3)]


def test_a_folder_of_records_is_read_in_order(folder: Path) -> None:
    assert ids(folder) == ALL


def test_files_are_read_alone_compressed_or_not(folder: Path) -> None:
    assert ids(folder / "2026-11-22.jsonl.zst") == ALL[:2]
    assert ids(folder / "2026-11-23.jsonl") == ALL[2:]


def test_an_id_may_be_its_beginning(folder: Path) -> None:
    assert ids(folder, id_=ALL[1]) == ALL[1:2]
    assert ids(folder, folder / "2026-11-23.jsonl", id_="0" * 23 + "3") == [ALL[2], ALL[2]]


def test_lists_of_a_conversation_come_from_the_store(folder: Path) -> None:
    [found] = exchanges([folder / "2026-11-23.jsonl"], no_dump)
    assert isinstance(found, Captured)
    talk = found.record["conversation"]
    assert isinstance(talk, dict)
    assert isinstance(talk["tools"], list)


def test_a_torn_line_is_told(folder: Path) -> None:
    with (folder / "2026-11-23.jsonl").open("ab") as file:
        file.write(b'{"schema": "aiclient.rec')
    for path in (folder, folder / "2026-11-23.jsonl"):
        *_, last = exchanges([path], no_dump)
        assert isinstance(last, Unplayed)
        assert "cut short" in last.reason


def test_a_record_that_lacks_a_leg_is_told(folder: Path) -> None:
    shutil.rmtree(folder / "objects")
    assert all(isinstance(found, Unplayed) and found.id in ALL for found in exchanges([folder], no_dump))


def test_recordings_are_found_below_a_folder() -> None:
    assert RECORDINGS / "openai-custom/chat_text" in recordings_in(RECORDINGS)
    assert recordings_in(RECORDINGS / "openai-custom/chat_text") == [RECORDINGS / "openai-custom/chat_text"]
    [one] = exchanges([RECORDINGS / "openai-custom/chat_text"], no_dump)
    [same] = exchanges([RECORDINGS / "openai-custom/chat_text/exchange.json"], no_dump)
    assert one == same


def test_a_recording_that_lacks_a_file_is_told(tmp_path: Path) -> None:
    shutil.copytree(RECORDINGS / "openai-custom/chat_text", tmp_path / "case")
    (tmp_path / "case/client_request.json").unlink()
    [found] = exchanges([tmp_path], no_dump)
    assert isinstance(found, Unplayed)


def test_any_other_file_is_for_the_reader_of_dumps(tmp_path: Path) -> None:
    (tmp_path / "flows.mitm").write_bytes(b"")
    with pytest.raises(NoSource, match=r"flows\.mitm is no dump"):
        ids(tmp_path / "flows.mitm")


def test_what_holds_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoSource, match="holds no records and no recordings"):
        ids(tmp_path)
    with pytest.raises(NoSource, match="is not there"):
        ids(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["2026-11-23.jsonl", "2026-11-23.jsonl.zst"])
def test_a_file_that_holds_no_line_is_told(tmp_path: Path, name: str) -> None:
    """Empty, or no longer what zstd has written."""
    (tmp_path / name).write_bytes(b"" if name.endswith("jsonl") else b"damaged")
    [found] = exchanges([tmp_path / name], no_dump)
    assert isinstance(found, Unplayed)
    assert found.reason == "it holds no records"

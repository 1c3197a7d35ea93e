"""Where records are, and the salt that is kept with them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from addons.record_folder import records_folder, salt_of
from addons.settings import Settings


def test_records_are_in_our_home_unless_a_folder_is_named(own_environment: Path, tmp_path: Path) -> None:
    assert records_folder(Settings()) == own_environment / "records"
    assert records_folder(Settings(record_dir=str(tmp_path))) == tmp_path
    assert records_folder(Settings(record_dir="~/x")) == Path.home() / "x"


def test_the_salt_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    first = salt_of(folder)
    assert len(first) == 32
    assert salt_of(folder) == first != salt_of(tmp_path / "other")
    assert (folder / "salt").stat().st_mode & 0o777 == 0o600


def test_a_salt_that_is_too_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(b"x")
    assert len(salt_of(tmp_path)) == 32


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file")
    with pytest.raises(OSError, match="records"):
        salt_of(tmp_path / "records")


def test_who_comes_at_the_same_time_gets_the_same_salt(tmp_path: Path) -> None:
    """Also who saw no file, and had one of its own in hand when another one was there."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: salt_of(tmp_path / "records"), range(64)))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["salt"]

"""The object store."""

import hashlib
from pathlib import Path

import pytest

from addons.records.objects import Objects, reference


def test_content_is_found_by_its_hash(tmp_path: Path) -> None:
    name = Objects(tmp_path / "objects").put(b"[1]")
    assert name == "sha256:" + hashlib.sha256(b"[1]").hexdigest() == reference(b"[1]")
    assert Objects(tmp_path / "objects").get(name) == b"[1]"


def test_the_same_content_is_written_once(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    path = objects.path(objects.put(b"[1]"))
    path.write_bytes(b"touched")
    objects.put(b"[1]")
    Objects(tmp_path).put(b"[1]")
    assert path.read_bytes() == b"touched"


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    path = objects.path(objects.put(b"[1]"))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_damaged_content_is_refused(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    name = objects.put(b"[1]")
    objects.path(name).write_bytes(b"[2]")
    with pytest.raises(ValueError, match="damaged"):
        objects.get(name)


@pytest.mark.parametrize("name", ["sha256:../../etc", "sha256:" + "A" * 64, "", "sha256:" + "0" * 63])
def test_what_is_no_reference_leads_nowhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no reference"):
        Objects(tmp_path).get(name)


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    objects = Objects(tmp_path / "objects")
    for _ in range(2):  # nothing is remembered as stored
        with pytest.raises(OSError, match="objects"):
            objects.put(b"[1]")

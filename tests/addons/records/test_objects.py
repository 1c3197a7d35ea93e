"""The object store."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from addons.records import objects as module
from addons.records.objects import GRACE, Objects, reference

ROOT = Path(__file__).resolve().parents[3]


def test_content_is_found_by_its_hash(tmp_path: Path) -> None:
    name = Objects(tmp_path / "objects").put(b"[1]")
    assert name == "sha256:" + hashlib.sha256(b"[1]").hexdigest() == reference(b"[1]")
    assert Objects(tmp_path / "objects").get(name) == b"[1]"


def test_the_same_content_is_written_once(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    path = objects.path(objects.put(b"[1]"))
    path.write_bytes(b"[2]")
    objects.put(b"[1]")
    Objects(tmp_path).put(b"[1]")
    assert path.read_bytes() == b"[2]"


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


def test_one_that_a_power_cut_left_short_is_written_again(tmp_path: Path) -> None:
    name = Objects(tmp_path).put(b"content")
    Objects(tmp_path).path(name).write_bytes(b"")
    store = Objects(tmp_path)
    with pytest.raises(ValueError, match="damaged"):
        store.get(name)
    assert store.put(b"content") == name
    assert store.get(name) == b"content"


def test_what_a_process_left_that_died_while_it_wrote_is_removed(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    path = store.path(store.put(b"content"))
    drafts = [path.with_name(f"{path.name}.{letter * 12}") for letter in "ab"]
    for draft in drafts:
        draft.write_bytes(b"cont")
    os.utime(drafts[0], (1000, 1000))
    store.remove_unused(2000)
    assert sorted(path.parent.iterdir()) == [path, drafts[1]]


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


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def test_what_no_record_has_named_since_is_removed(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    old, new = (aged(objects.path(objects.put(content)), days) for content, days in ((b"[1]", 20), (b"[2]", 5)))
    (tmp_path / "objects" / "note.json").write_text("somebody's own")
    assert objects.remove_unused(time.time() - 10 * 86400) == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert objects.remove_unused(time.time() - 10 * 86400) == 0
    assert not objects.remove(old, time.time())


def put_before(objects: Objects, content: bytes, seconds: float) -> Path:
    """What was stored so long ago, by an `Objects` that remembers it."""
    then = time.time() - seconds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: then)
        path = objects.path(objects.put(content))
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("same", [True, False], ids=["in this process", "in another"])
def test_an_object_that_is_named_again_is_young_again(tmp_path: Path, same: bool) -> None:
    """Also after this process slept: clocks that stand still then do not count."""
    objects = Objects(tmp_path)
    path = put_before(objects, b"[1]", 20 * 86400)
    (objects if same else Objects(tmp_path)).put(b"[1]")
    assert objects.remove_unused(time.time() - 60) == 0
    assert path.exists()


def test_an_object_that_was_removed_when_it_was_old_is_written_again(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    path = put_before(objects, b"[1]", GRACE + 60)
    assert Objects(tmp_path).remove_unused(time.time() - GRACE) == 1
    assert not objects.keeps(reference(b"[1]"))
    objects.put(b"[1]")
    assert path.read_bytes() == b"[1]"


@pytest.mark.parametrize("part", range(1, 10))
def test_what_is_kept_stays_for_half_an_hour_without_another_look(tmp_path: Path, part: int) -> None:
    """Whenever it is named, a record has time to be written: what is removed was not named for an hour."""
    objects, name = Objects(tmp_path), reference(b"[1]")
    path = put_before(objects, b"[1]", part * GRACE / 8)
    assert objects.keeps(name)
    assert time.time() - path.stat().st_mtime <= GRACE / 2
    assert objects.remove_unused(time.time() - GRACE / 2 - 1) == 0


def test_what_is_kept_is_looked_at_once_in_a_while_and_not_each_time(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    path = objects.path(name := objects.put(b"[1]"))
    path.unlink()
    assert objects.keeps(name), "nobody removes what is young"
    assert not Objects(tmp_path).keeps(name)


def test_a_look_forgets_what_was_in_a_folder_that_is_another_now(tmp_path: Path) -> None:
    """Gone, made anew (its number may be the same), or with folders of it gone; also if it was made since the last look."""
    folder = tmp_path / "objects"
    objects = Objects(folder)
    name = objects.put(b"[1]")
    for look_before in (False, True):
        for folder_again in (False, True):
            objects.put(b"[1]")
            if look_before:
                objects.look()
                objects.put(b"[1]")
            assert objects.keeps(name)
            shutil.rmtree(folder)
            if folder_again:
                Objects(folder).put(b"[2]")
            objects.look()
            assert not objects.keeps(name)
    objects.put(b"[1]")
    objects.look()
    objects.put(b"[1]")
    shutil.rmtree(objects.path(name).parent)
    objects.look()
    assert not objects.keeps(name)


def test_what_is_remembered_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of objects that are all new."""
    monkeypatch.setattr(module, "_MOST_YOUNG", 5)
    objects = Objects(tmp_path)
    for number in range(12):
        objects.put(b"[%d]" % number)
        assert len(objects._young) <= 5


@pytest.mark.skipif(sys.platform == "win32", reason="one process alone writes there")
def test_what_another_process_is_about_to_name_is_not_removed(tmp_path: Path) -> None:
    """It has the lock, and gives it back when the object is young."""
    objects = Objects(tmp_path)
    path = aged(objects.path(objects.put(b"[1]")), 20)
    removed: list[bool] = []
    with objects._locked():
        removing = threading.Thread(target=lambda: removed.append(Objects(tmp_path).remove(path, time.time() - 60)))
        removing.start()
        removing.join(0.1)
        assert removed == []
        os.utime(path)
    removing.join(5)
    assert removed == [False]
    assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="one process alone writes there")
def test_what_another_process_removes_right_before_it_is_named_is_written_anew(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    path = aged(objects.path(objects.put(b"[1]")), 20)
    with objects._locked():
        naming = threading.Thread(target=lambda: Objects(tmp_path).put(b"[1]"))
        naming.start()
        naming.join(0.1)
        assert naming.is_alive()
        path.unlink()
    naming.join(5)
    assert path.read_bytes() == b"[1]"


@pytest.mark.skipif(sys.platform == "win32", reason="one process alone writes there")
def test_a_process_that_died_with_the_lock_holds_up_nobody(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from addons.records.objects import Objects\n"
        "lock = Objects(Path(sys.argv[1]))._locked(); lock.__enter__(); print('held', flush=True); time.sleep(60)\n"
    )
    objects = Objects(tmp_path)
    path = aged(objects.path(objects.put(b"[1]")), 20)
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=environ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        child.send_signal(signal.SIGKILL)
    assert objects.remove(path, time.time())

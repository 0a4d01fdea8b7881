"""A file is whole or as it was, and one process at a time works on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread, Timer

import pytest

from tunesmith.atomic import file_lock, folder_atomically, is_locked, write_atomically
from tunesmith.errors import RunError


def test_a_failed_write_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tunesmith.atomic.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space") as caught:
        write_atomically(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_makes_folders_and_writes_bytes(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b", b"\x00")
    assert (tmp_path / "a" / "b").read_bytes() == b"\x00"


def test_a_folder_is_there_whole_and_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    for name in ("old", "new"):
        with folder_atomically(target) as scratch:
            (scratch / name).write_text(name)
            (scratch / name).chmod(0o600)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert (target / "new").stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_folder_leaves_the_old_one_and_no_debris(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with folder_atomically(target) as scratch:
        (scratch / "old").touch()
    with pytest.raises(FileNotFoundError), folder_atomically(target) as scratch:
        (scratch / "new" / "file").touch()
    assert list(tmp_path.iterdir()) == [target]
    assert (target / "old").exists()


HOLDER = """
import sys
from pathlib import Path
from tunesmith.atomic import file_lock

with file_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock of ``tmp_path / "lock"``."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_lock_of_another_process_is_an_error_at_once(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(RunError, match="busy"), file_lock(tmp_path / "lock", RunError("busy")):
        pass


def test_a_killed_process_releases_its_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert is_locked(tmp_path / "lock")
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path / "lock")
    with file_lock(tmp_path / "lock", RunError("busy")):
        assert (tmp_path / "lock").exists()


def test_without_an_error_the_lock_is_waited_for(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    assert holder.stdin is not None
    Timer(0.2, holder.stdin.close).start()
    with file_lock(tmp_path / "lock"):
        assert holder.wait() == 0


def test_a_lock_is_not_reentrant_and_is_released_in_another_thread(tmp_path: Path) -> None:
    busy = RunError("busy")
    lock = ExitStack()
    lock.enter_context(file_lock(tmp_path / "lock", busy))
    with pytest.raises(RunError, match="busy"), file_lock(tmp_path / "lock", busy):
        pass
    thread = Thread(target=lock.close)
    thread.start()
    thread.join()
    with file_lock(tmp_path / "lock", busy):
        pass

"""A file is whole or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.atomic import write_atomically


def test_a_failed_write_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tunesmith.atomic.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_makes_folders_and_writes_bytes(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b", b"\x00")
    assert (tmp_path / "a" / "b").read_bytes() == b"\x00"

"""Bytes in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tunesmith import scratch
from tunesmith.scratch import Scratch


@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_bytes_are_read_back(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(scratch, "IN_MEMORY", in_memory)
    file = Scratch()
    file.write(4, b"later")
    file.write(0, b"soon")
    assert (file.read(0, 9), file.read(4, 5)) == (b"soonlater", b"later")


def test_an_error_names_the_folder_of_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scratch, "IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OSError, match="gone"):
        Scratch().write(0, b"more than one")

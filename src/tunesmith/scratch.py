"""Scratch: bytes that take no memory, because they are in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path

from tunesmith.atomic import naming

IN_MEMORY = 2**23
"""Bytes up to which there is no file."""


class Scratch:
    """A file without a name. It is gone with this object, or with the process."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # see below
        weakref.finalize(self, self._file.close)

    def write(self, place: int, content: bytes) -> None:
        """Write ``content`` from the byte ``place`` on.

        Raises:
            OSError: the disk is full; the error names the folder of temporary files.
        """
        with naming(Path(tempfile.gettempdir())):
            self._file.seek(place)
            self._file.write(content)

    def read(self, place: int, size: int) -> bytes:
        """Return ``size`` bytes from the byte ``place`` on."""
        with naming(Path(tempfile.gettempdir())):
            self._file.seek(place)
            return self._file.read(size)

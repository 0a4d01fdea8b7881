"""Keeps two processes from working on one thing."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.errors import TunesmithError


@contextmanager
def held(path: Path, busy: TunesmithError) -> Iterator[None]:
    """Hold the lock file ``path``, which is made where it is missing.

    It is a lock of the operating system (POSIX): a process that was killed holds nothing.

    Raises:
        TunesmithError: ``busy``, where another process holds it.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        yield

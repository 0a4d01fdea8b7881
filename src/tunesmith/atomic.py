"""Atomic writes, and a lock between processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tunesmith.errors import TunesmithError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the operating system name ``path``; that of a write names no file."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` so that no reader ever sees half of it.

    Raises:
        OSError: the disk is full or the folder is not writable; ``path`` is as it was, and the
            error names it.
    """
    with replaced_atomically(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replaced_atomically(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes ``path`` at the end; after an error it is gone.

    Raises:
        OSError: as :func:`write_atomically`.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files that only the owner reads; a run directory is meant to be shared.
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


@contextmanager
def folder_atomically(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``path`` at the end; after an error it is gone.

    A folder that is at ``path`` already is replaced.

    Raises:
        OSError: the disk is full or the folder is not writable; the error names ``path``.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield scratch
        with naming(path):
            # mkdtemp and some libraries make files that only the owner reads.
            for made in (scratch, *scratch.rglob("*")):
                made.chmod(0o755 if made.is_dir() else 0o644)
            shutil.rmtree(path, ignore_errors=True)
            scratch.replace(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def file_lock(path: Path, busy: TunesmithError | None = None) -> Iterator[None]:
    """Hold the lock of the file ``path``, which is created if it is missing and never removed.

    The operating system keeps the lock: it is released when the process ends, however it ends.

    Args:
        path: the lock file; its folder exists.
        busy: raised if another process holds the lock; without it, wait until the lock is free.

    Raises:
        TunesmithError: ``busy``.
        OSError: the file cannot be opened.
    """
    from filelock import FileLock, Timeout

    # A lock may be released in another thread than the one that took it.
    lock = FileLock(path, blocking=busy is None, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        assert busy is not None  # noqa: S101  # a lock that waits has no time limit
        raise busy from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock of ``path``; True if it cannot be tried."""
    if not path.exists():
        return False
    try:
        with file_lock(path, TunesmithError()):
            return False
    except (TunesmithError, OSError):
        return True

"""A directory with a record: how it is made, read, changed and locked. Runs and sweeps are such."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pydantic import ValidationError

from tunesmith.atomic import file_lock, is_locked, write_atomically
from tunesmith.errors import RunError, first_problem, unreadable
from tunesmith.records import Record

LOCK = ".lock"
SCHEMA_VERSION = 1


class StoredRecord(Record):
    """The record of a directory."""

    schema_version: int = SCHEMA_VERSION
    status: str
    """``running`` while a process works in the directory."""


R = TypeVar("R", bound=StoredRecord)


class RecordDirectory(Generic[R]):
    """A directory and its record, of a kind ``noun``. One process at a time works in it."""

    noun: str
    file_name: str

    def __init__(self, directory: Path, record: R) -> None:
        self.directory = directory
        self._record = record

    @property
    def record(self) -> R:
        """The record as it is now."""
        return self._record

    @classmethod
    def at(
        cls,
        directory: Path,
        record: R,
        begin: Callable[[Path], Mapping[str, Any]] = lambda directory: {},
    ) -> Self:
        """Make ``directory``, which must not exist, and write the first record.

        Args:
            directory: its path.
            record: the first record.
            begin: writes other first files, and returns changes of the record.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        made = cls(directory, record)
        directory.mkdir(parents=True)
        try:
            made.update(**begin(directory))
        except OSError:
            shutil.rmtree(directory)
            raise
        return made

    def write(self) -> None:
        """Write the record, whole or not at all; raises ``OSError`` as :meth:`at`."""
        write_atomically(self.directory / self.file_name, self.record.to_json() + "\n")

    def update(self, **changes: Any) -> None:
        """Change fields of the record and write it."""
        self._record = self.record.model_copy(update=changes)
        self.write()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the directory; raises ``RunError`` if another process holds it."""
        busy = RunError(f"{self.directory}: another process works on this {self.noun}; wait for it")
        with file_lock(self.directory / LOCK, busy):
            yield


def new_name(created_at: datetime, *parts: str) -> str:
    """Return a name for a new directory that no other one has."""
    return "-".join([created_at.strftime("%Y%m%d-%H%M%S"), *parts, secrets.token_hex(2)])


def slug_of(name: str) -> str:
    """Return ``name`` as a part of the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]


def read_record(file: Path, kind: type[R], noun: str) -> R:
    """Read the record in ``file``. If its work was killed, it is ``interrupted``.

    Raises:
        RunError: it cannot be read, is no record of ``kind``, or has another version.
    """
    try:
        record = kind.from_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(unreadable(error, file)) from None
    except ValidationError as error:
        raise RunError(
            f"{file}: not a {noun} record of this version: {first_problem(error)}"
        ) from None
    if record.schema_version != SCHEMA_VERSION:
        raise RunError(
            f"{file}: schema version {record.schema_version}; this tunesmith reads {SCHEMA_VERSION}"
        )
    if record.status == "running" and not is_locked(file.with_name(LOCK)):
        # Its process was killed, and could not record that.
        record = record.model_copy(update={"status": "interrupted"})
    return record

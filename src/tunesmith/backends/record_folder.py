"""A folder of records, one JSON file each, in the store of a backend."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.errors import BackendError, NotFoundError
from tunesmith.records import Record

R = TypeVar("R", bound=Record)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class RecordFolder(Generic[R]):
    """Reads and writes the records of one kind. The name of a file is the id of its record."""

    def __init__(self, folder: Path, kind: type[R], noun: str) -> None:
        """Use ``folder``, which is made at its first use. ``noun`` names a record in messages."""
        self._folder, self._kind, self._noun = folder, kind, noun

    def put(self, record_id: str, record: R) -> None:
        """Write a record."""
        write_atomically(self._file(record_id), record.to_json())

    def get(self, record_id: str) -> R:
        """Return a record.

        Raises:
            NotFoundError: no such record, or ``record_id`` is no id.
            BackendError: its file is damaged.
        """
        # Ids come from records and from the service: they must never be paths out of the store.
        if _ID.fullmatch(record_id):
            with suppress(FileNotFoundError):
                text = self._file(record_id).read_text("utf-8")
                try:
                    return self._kind.from_json(text)
                except ValidationError as error:
                    raise BackendError(
                        f"{self._noun} {record_id!r} in the store {self._folder.parent} is "
                        f"damaged: {error}"
                    ) from error
        raise NotFoundError(
            f"no {self._noun} {record_id!r} in the store {self._folder.parent}; "
            "it was removed, or made in another store (--option store=DIR)"
        )

    def all(self) -> list[R]:
        """Return all records, sorted by id."""
        return [self.get(path.stem) for path in sorted(self._folder.glob("[!.]*.json"))]

    def remove(self, record_id: str) -> None:
        """Delete a record, if it is there."""
        if _ID.fullmatch(record_id):
            self._file(record_id).unlink(missing_ok=True)

    def _file(self, record_id: str) -> Path:
        return self._folder / f"{record_id}.json"

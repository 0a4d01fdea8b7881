"""The files of batches: uploaded by clients, or written with the answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith.atomic import write_atomically
from tunesmith_emulator.database import BatchFileRow, Database, new_id
from tunesmith_emulator.envelope import not_found, wrong_field, wrong_parameter
from tunesmith_emulator.files import Files
from tunesmith_emulator.listing import Part, Window, read_after
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import milliseconds

JSON = dict[str, Any]
Order = Literal["asc", "desc"]
INPUT, OUTPUT = "batch", "batch_output"
_KEPT = timedelta(days=30)
"""The real service deletes a file then (recorded); here it only shows the day."""


class BatchFiles:
    """The files of all projects and spaces."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def upload(self, scope: ProjectScope, filename: str, purpose: str, content: bytes) -> JSON:
        """Keep a client's file.

        Raises:
            ServiceError: 400, it has another purpose, or is empty.
        """
        if purpose != INPUT:
            raise wrong_field("purpose", f"purpose must be {INPUT!r}, not {purpose[:40]!r}.")
        if not content:
            raise wrong_field("file", "file is empty; send one request on each line.")
        row = self.add(scope, filename[:255], purpose, content)
        with self._database.session() as session:
            session.add(row)
        return view(row)

    def add(self, scope: ProjectScope, name: str, purpose: str, content: bytes) -> BatchFileRow:
        """Write the bytes of a new file, and return its row, which is not stored yet."""
        ident = f"file-{new_id()}"
        write_atomically(self._files.attachment(ident), content)
        return BatchFileRow(
            id=ident,
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=name,
            purpose=purpose,
            size=len(content),
        )

    def discard(self, row: BatchFileRow) -> None:
        """Delete the bytes of a file whose row is not stored."""
        self._files.attachment(row.id).unlink(missing_ok=True)

    def get(self, scope: ProjectScope, file_id: str) -> JSON:
        """Return a file without its bytes."""
        with self._database.session() as session:
            return view(_row(session, scope, file_id))

    def content(self, scope: ProjectScope, file_id: str) -> bytes:
        """Return the bytes of a file."""
        with self._database.session() as session:
            row = _row(session, scope, file_id)
        return self._files.attachment(row.id).read_bytes()

    def delete(self, scope: ProjectScope, file_id: str) -> JSON:
        """Delete a file. A batch that runs has its requests already."""
        with self._database.session() as session:
            session.delete(_row(session, scope, file_id))
        self._files.attachment(file_id).unlink(missing_ok=True)
        return {"id": file_id, "object": "file", "deleted": True}

    def listed(
        self, scope: ProjectScope, purpose: str | None, order: Order, after: str | None, limit: int
    ) -> Part[JSON]:
        """Return files in the order of their creation, behind the file ``after``.

        Raises:
            ServiceError: 400, ``after`` is no file of this list.
        """
        query = select(BatchFileRow).where(BatchFileRow.within(scope))
        if purpose is not None:
            query = query.where(BatchFileRow.purpose == purpose)
        with self._database.session() as session:
            last = None if after is None else session.get(BatchFileRow, after)
            if after is not None and (last is None or last.scope != scope):
                raise wrong_parameter("after", f"after: {after[:80]!r} is no file of this list.")
            part = read_after(
                session,
                query,
                (BatchFileRow.created_at, BatchFileRow.id),
                None if last is None else (last.created_at, last.id),
                Window(0, limit),
                newest_first=order == "desc",
            )
        return part.map(view)


def view(row: BatchFileRow) -> JSON:
    """Return a file as the service shows it; its times are milliseconds (recorded)."""
    return {
        "id": row.id,
        "object": "file",
        "bytes": row.size,
        "created_at": milliseconds(row.created_at),
        "expires_at": milliseconds(row.created_at + _KEPT),
        "filename": row.name,
        "purpose": row.purpose,
    }


def _row(session: Session, scope: ProjectScope, file_id: str) -> BatchFileRow:
    row = session.get(BatchFileRow, file_id)
    if row is None or row.scope != scope:
        raise not_found("file", file_id)
    return row

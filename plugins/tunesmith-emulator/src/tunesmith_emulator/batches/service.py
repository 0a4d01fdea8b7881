"""Batches: accepted and stored at once, run by the runner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.batches.answering import Answer
from tunesmith_emulator.batches.files import INPUT, BatchFiles
from tunesmith_emulator.batches.runner import Runner
from tunesmith_emulator.database import BatchRow, Database, new_id
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field, wrong_parameter
from tunesmith_emulator.fields import Body, text
from tunesmith_emulator.listing import Part, Window, read_after
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import milliseconds

JSON = dict[str, Any]
_HOURS = {"h": 1, "d": 24}


class BatchBody(Body):
    """The body that makes a batch."""

    input_file_id: str = text()
    endpoint: Literal["/v1/chat/completions"] = Field(
        description="must be '/v1/chat/completions', the only one that is emulated"
    )
    completion_window: str = Field(
        pattern=r"^[1-9]\d{0,2}[hd]$", description="must be a number of hours or days, e.g. 24h"
    )
    metadata: dict[str, str] | None = Field(None, description="must have texts as values")


class Batches:
    """The batches of all projects and spaces.

    Args:
        database: has them.
        files: has their files.
        answer: answers one request.
    """

    def __init__(self, database: Database, files: BatchFiles, answer: Answer) -> None:
        self._database = database
        self._files = files
        self.runner = Runner(database, files, answer)

    def create(self, scope: ProjectScope, body: Mapping[str, Any]) -> JSON:
        """Accept a batch.

        Raises:
            ServiceError: 400, names the field; 404, there is no such file.
        """
        asked = BatchBody.read(body)
        purpose = self._files.get(scope, asked.input_file_id)["purpose"]
        if purpose != INPUT:
            raise wrong_field("input_file_id", f"input_file_id names a file of {purpose!r}.")
        row = BatchRow(
            id=f"batch-{new_id()}",
            scope_kind=scope.kind,
            scope_id=scope.id,
            name="",
            input_file_id=asked.input_file_id,
            endpoint=asked.endpoint,
            completion_window=asked.completion_window,
            notes=asked.metadata,
        )
        with self._database.session() as session:
            session.add(row)
        self.runner.wake(row.id)
        return _view(row)

    def get(self, scope: ProjectScope, batch_id: str) -> JSON:
        """Return a batch."""
        with self._database.session() as session:
            return _view(_row(session, scope, batch_id))

    def listed(self, scope: ProjectScope, after: str | None, limit: int) -> Part[JSON]:
        """Return batches, newest first, behind the batch ``after``.

        Raises:
            ServiceError: 400, ``after`` is no batch of this list.
        """
        query = select(BatchRow).where(BatchRow.within(scope))
        with self._database.session() as session:
            last = None if after is None else session.get(BatchRow, after)
            if after is not None and (last is None or last.scope != scope):
                raise wrong_parameter("after", f"after: {after[:80]!r} is no batch of this list.")
            key = BatchRow.created_at, BatchRow.id
            known = None if last is None else (last.created_at, last.id)
            window = Window(0, limit)
            part = read_after(session, query, key, known, window, newest_first=True)
        return part.map(_view)

    def cancel(self, scope: ProjectScope, batch_id: str) -> JSON:
        """Cancel a batch; the answers so far are kept.

        Raises:
            ServiceError: 404; 409, it has ended already.
        """
        found = self.get(scope, batch_id)
        if not self.runner.states.cancel(batch_id):
            message = f"Batch {batch_id!r} is {found['status']} and cannot be cancelled."
            raise ServiceError(409, "batch_ended", message)
        return self.get(scope, batch_id)


def _view(row: BatchRow) -> JSON:
    hours = int(row.completion_window[:-1]) * _HOURS[row.completion_window[-1]]
    errors = {"object": "list", "data": row.errors} if row.errors else None
    told = {
        "errors": errors,
        "output_file_id": row.output_file_id,
        "error_file_id": row.error_file_id,
        **row.times,
        "metadata": row.notes,
    }
    return {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "input_file_id": row.input_file_id,
        "completion_window": row.completion_window,
        "status": row.state,
        "created_at": milliseconds(row.created_at) // 1000,
        "expires_at": milliseconds(row.created_at + timedelta(hours=hours)) // 1000,
        "request_counts": {"total": row.total, "completed": row.completed, "failed": row.failed},
        **{name: value for name, value in told.items() if value is not None},
    }


def _row(session: Session, scope: ProjectScope, batch_id: str) -> BatchRow:
    row = session.get(BatchRow, batch_id)
    if row is None or row.scope != scope:
        raise not_found("batch", batch_id)
    return row

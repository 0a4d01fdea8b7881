"""The states of a batch, and the changes of state in the database."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlalchemy import select

from tunesmith_emulator.database import BatchFileRow, BatchRow, Database, utc_now
from tunesmith_emulator.times import milliseconds

UNDER_WAY = ("validating", "in_progress")
_UNENDED = (*UNDER_WAY, "cancelling")


class States:
    """Changes batches, one change at a time: a client and the runner may want two at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()

    def unended(self) -> Sequence[str]:
        """Return the batches that an earlier process left, oldest first."""
        query = select(BatchRow.id).where(BatchRow.state.in_(_UNENDED))
        with self._database.session() as session:
            return session.scalars(query.order_by(BatchRow.created_at)).all()

    def begin(self, batch_id: str, total: int) -> bool:
        """Begin with the requests of a batch; return whether it is still wanted."""
        with self._lock, self._database.session() as session:
            row = session.get(BatchRow, batch_id)
            if row is None or row.state not in UNDER_WAY:
                return False
            row.total, row.completed, row.failed = total, 0, 0
            _enter(row, "in_progress")
            return True

    def count(self, batch_id: str, completed: int, failed: int) -> bool:
        """Keep the number of answers so far; return whether more are wanted."""
        with self._lock, self._database.session() as session:
            row = session.get(BatchRow, batch_id)
            if row is None:
                return False
            row.completed, row.failed = completed, failed
            return row.state == "in_progress"

    def cancel(self, batch_id: str) -> bool:
        """Ask a batch to end; return whether it had not ended yet."""
        with self._lock, self._database.session() as session:
            row = session.get_one(BatchRow, batch_id)
            if row.state not in UNDER_WAY:
                return False
            _enter(row, "cancelling")
            return True

    def fail(self, batch_id: str, errors: list[dict[str, object]]) -> None:
        """End a batch whose file is wrong."""
        with self._lock, self._database.session() as session:
            row = session.get(BatchRow, batch_id)
            if row is not None:
                row.errors = errors
                _enter(row, "failed")

    def end(self, batch_id: str, output: BatchFileRow | None, error: BatchFileRow | None) -> bool:
        """End a batch with its files; return whether it was still there."""
        with self._lock, self._database.session() as session:
            row = session.get(BatchRow, batch_id)
            if row is None:
                return False
            session.add_all(file for file in (output, error) if file is not None)
            row.output_file_id = None if output is None else output.id
            row.error_file_id = None if error is None else error.id
            _enter(row, "cancelled" if row.state == "cancelling" else "completed")
            return True


def _enter(row: BatchRow, state: str) -> None:
    row.state = state
    row.times = {**row.times, f"{state}_at": milliseconds(utc_now()) // 1000}

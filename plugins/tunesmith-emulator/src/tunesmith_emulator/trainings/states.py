"""The states of a training, and the changes of state in the database."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy import update as change

from tunesmith_emulator.database import Database, TrainingRow, utc_now

WAITING = ("queued", "pending", "running", "storing")
"""States before the end. After a restart, trainings in these states continue."""
ENDED = ("completed", "failed", "canceled")


def state_of(database: Database, training_id: str) -> str | None:
    """Return the state of a training, or None if it does not exist."""
    with database.session() as session:
        row = session.get(TrainingRow, training_id)
        return None if row is None else row.state


def update(database: Database, training_id: str, **values: Any) -> None:
    """Change a training. Does nothing if it was deleted meanwhile."""
    with database.session() as session:
        row = session.get(TrainingRow, training_id)
        if row is not None:
            for name, value in values.items():
                setattr(row, name, value)


def leave_queue(database: Database, training_id: str, state: str) -> bool:
    """Move a training that is queued to ``state``; return whether it was queued.

    It is one SQL statement, so that a worker and a client never both succeed.
    """
    queued = TrainingRow.id == training_id, TrainingRow.state == "queued"
    with database.session() as session:
        moved = session.execute(change(TrainingRow).where(*queued).values(state=state))
        return cast("CursorResult[Any]", moved).rowcount == 1


def end(database: Database, training_id: str, state: str, failure: str | None = None) -> None:
    """Put a training into a final state."""
    update(database, training_id, state=state, failure=failure, message="", completed_at=utc_now())

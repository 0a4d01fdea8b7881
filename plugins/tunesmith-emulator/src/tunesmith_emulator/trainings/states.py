"""The states of a training, and how a row of the database moves between them."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy import update as change

from tunesmith_emulator.database import Database, TrainingRow, utc_now

WAITING = ("queued", "pending", "running", "storing")
"""States that are not the end; after a restart such a training is taken up again."""
ENDED = ("completed", "failed", "canceled")


def state_of(database: Database, training_id: str) -> str | None:
    """Return the state of a training, None where there is none."""
    with database.session() as session:
        row = session.get(TrainingRow, training_id)
        return None if row is None else row.state


def update(database: Database, training_id: str, **values: Any) -> None:
    """Change a training; does nothing where it was deleted meanwhile."""
    with database.session() as session:
        row = session.get(TrainingRow, training_id)
        if row is not None:
            for name, value in values.items():
                setattr(row, name, value)


def leave_queue(database: Database, training_id: str, state: str) -> bool:
    """Move a training that is queued to ``state``; return whether it was queued.

    In one statement: either the worker takes it or a client cancels it.
    """
    queued = TrainingRow.id == training_id, TrainingRow.state == "queued"
    with database.session() as session:
        moved = session.execute(change(TrainingRow).where(*queued).values(state=state))
        return cast("CursorResult[Any]", moved).rowcount == 1


def end(database: Database, training_id: str, state: str, failure: str | None = None) -> None:
    """Put a training into a final state."""
    update(database, training_id, state=state, failure=failure, message="", completed_at=utc_now())

"""The background worker. It runs trainings one after another, and continues after a restart."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from tunesmith_emulator.database import RETRY_SECONDS, Database, TrainingRow, utc_now
from tunesmith_emulator.trainings.states import WAITING, end, leave_queue, state_of, update
from tunesmith_emulator.trainings.tuning import Canceled, Interrupted, Tuning
from tunesmith_emulator.translation import failure_of

log = logging.getLogger("tunesmith_emulator")


class Worker:
    """Runs trainings in one thread: one at a time per device."""

    def __init__(self, database: Database, tuning: Tuning) -> None:
        self._database = database
        self._tuning = tuning
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._cancelled: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="trainings", daemon=True)

    def start(self) -> None:
        """Start the thread. It also continues the unfinished trainings of an earlier process."""
        with self._database.session() as session:
            left = session.scalars(select(TrainingRow).where(TrainingRow.state.in_(WAITING)))
            for row in left.all():
                row.state = "queued"
        self._thread.start()

    def stop(self) -> None:
        """Interrupt the running training at its last checkpoint, and end the thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look for new trainings now."""
        self._wake.set()

    def cancel(self, training_id: str, timeout: float = 60.0) -> None:
        """Cancel a training and wait, at most ``timeout`` seconds, until it has ended."""
        if leave_queue(self._database, training_id, "canceled"):
            update(self._database, training_id, completed_at=utc_now())
            return
        self._cancelled.add(training_id)
        self._wake.set()
        deadline = time.monotonic() + timeout
        while state_of(self._database, training_id) in WAITING and time.monotonic() < deadline:
            time.sleep(0.02)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                row = self._next()
                if row is None:
                    self._wake.wait(1.0)
                    self._wake.clear()
                else:
                    self._train(row)
            except DatabaseError as error:  # the training is still queued
                log.error("trainings wait: state.sqlite: %s", error.orig)
                self._stopping.wait(RETRY_SECONDS)

    def _next(self) -> TrainingRow | None:
        query = select(TrainingRow).where(TrainingRow.state == "queued")
        with self._database.session() as session:
            return session.scalars(query.order_by(TrainingRow.created_at).limit(1)).first()

    def _train(self, row: TrainingRow) -> None:
        if not leave_queue(self._database, row.id, "pending"):
            return  # cancelled meanwhile
        try:
            self._tuning.run(row, lambda: self._check_stop(row.id))
        except Interrupted:
            pass  # its state stays, and the next start continues it
        except Canceled:
            self._end(row.id, "canceled")
        except Exception as error:  # noqa: BLE001  # no error of a backend may end the worker
            self._end(row.id, "failed", failure_of(error, f"training {row.id}"))
        finally:
            self._cancelled.discard(row.id)

    def _end(self, training_id: str, state: str, failure: str | None = None) -> None:
        while True:
            try:
                end(self._database, training_id, state, failure)
            except DatabaseError as error:
                # Clients that follow it must see an end, as soon as the database takes one.
                log.error("training %s waits: state.sqlite: %s", training_id, error.orig)
                if not self._stopping.wait(RETRY_SECONDS):
                    continue
            return

    def _check_stop(self, training_id: str) -> None:
        if training_id in self._cancelled:
            raise Canceled
        if self._stopping.is_set():
            raise Interrupted

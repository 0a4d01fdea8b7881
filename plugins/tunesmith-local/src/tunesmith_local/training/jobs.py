"""Tuning jobs: running in this process, or finished and read from the store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tunesmith.backend import TuningJob
from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.errors import TuningError
from tunesmith.records import (
    EpochLoss,
    JobStatus,
    LearningCurve,
    StepLoss,
    TunedModel,
    TuningEvent,
)
from tunesmith_local.methods.prepared import Prepared
from tunesmith_local.store import JobRecord, Store
from tunesmith_local.training.training import Training


class LocalJob(ThreadJob):
    """A job in a thread of this process, whose events and status are also on disk.

    Attributes:
        record: the job as the store holds it.
        training: the training loop, once it runs; None for a method without a gradient.
        held: locks the job against other processes until it is closed.
    """

    def __init__(
        self,
        record: JobRecord,
        store: Store,
        work: Callable[[LocalJob], TunedModel],
        events: Sequence[TuningEvent],
        prepared: Prepared | None,
    ) -> None:
        """Prepare the job of ``record``.

        Args:
            record: the job.
            store: gets events and status.
            work: trains; it runs in the thread of the job.
            events: those of an earlier process.
            prepared: the encoded rows, if they are at hand.
        """
        super().__init__(record.id, lambda _: work(self), curve=self._losses, events=events)
        self.record = record
        self.training: Training | None = None
        self.held = ExitStack()
        self._store = store
        self._prepared = prepared

    def take_prepared(self) -> Prepared | None:
        """Return the encoded rows and let them go, so that a finished job keeps no rows."""
        prepared, self._prepared = self._prepared, None
        return prepared

    def show(self, training: Training) -> None:
        """Take the losses from ``training``."""
        self.training = training

    def stop_if_asked(self) -> None:
        """Raise :class:`JobStopped` if the job was asked to stop."""
        if self.stop_requested.is_set():
            raise JobStopped

    def emit(self, event: TuningEvent) -> None:
        """Append an event, here and on disk."""
        self._store.add_event(self.id, event)
        if event.status is not None:
            update = {"status": event.status, "error": event.message}
            self.record = self.record.model_copy(update=update)
            self._store.put_job(self.record)
        super().emit(event)

    def _losses(self) -> LearningCurve:
        return LearningCurve() if self.training is None else self.training.curve


class StoredJob(TuningJob):
    """A finished job of any process."""

    def __init__(self, record: JobRecord, store: Store) -> None:
        """Show the job of ``record``."""
        self.id = record.id
        self._record = record
        self._store = store

    def status(self) -> JobStatus:
        """Return the status."""
        return self._record.status

    def events(self, start: int = 0) -> Sequence[TuningEvent]:
        """Return the events from the ``start``-th on."""
        return tuple(self._store.events(self.id)[start:])

    def result(self) -> TunedModel:
        """Return the tuned model.

        Raises:
            TuningError: the job has none.
        """
        if self._record.model_id is None:
            raise TuningError(
                f"job {self.id} is {self._record.status}; it has no tuned model. "
                f"{self._record.error}".rstrip()
            )
        return self._store.model(self._record.model_id)

    def cancel(self) -> None:
        """Do nothing: it is finished."""

    def learning_curve(self) -> LearningCurve:
        """Return the losses of a completed job; of another one, those of its events."""
        if self._record.model_id is not None:
            return self.result().curve
        return _curve_of(self._store.events(self.id))


def until(events: Sequence[TuningEvent], step: int) -> list[TuningEvent]:
    """Return the events up to a checkpoint; the steps after it are repeated, with new events."""
    return list(itertools.takewhile(lambda e: e.kind != "step" or (e.step or 0) <= step, events))


def _curve_of(events: Sequence[TuningEvent]) -> LearningCurve:
    return LearningCurve(
        steps=tuple(
            StepLoss(step=e.step, epoch=e.epoch, loss=e.loss)
            for e in events
            if e.kind == "step" and None not in (e.step, e.epoch, e.loss)
        ),
        epochs=tuple(
            EpochLoss(epoch=e.epoch, loss=e.loss, validation_loss=e.validation_loss)
            for e in events
            if e.kind == "epoch" and None not in (e.epoch, e.loss)
        ),
    )

"""A tuning under way."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from tunesmith.errors import BackendTimeoutError
from tunesmith.records import FINISHED, JobStatus, LearningCurve, TunedModel, TuningEvent


class TuningJob(ABC):
    """A tuning under way, found again by its id from another process."""

    id: str

    @abstractmethod
    def status(self) -> JobStatus:
        """Return the status now."""

    @abstractmethod
    def events(self, start: int = 0) -> Sequence[TuningEvent]:
        """Return the events so far, from the ``start``-th on.

        Every epoch of the learning curve is an event of kind ``epoch``: a service that fronts the
        backend has nothing else to tell its clients while the tuning runs.
        """

    @abstractmethod
    def result(self) -> TunedModel:
        """Return the tuned model of a completed job.

        Raises:
            TuningError: the job failed, was cancelled or is not finished.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Stop the job; does nothing once it is finished."""

    @abstractmethod
    def learning_curve(self) -> LearningCurve:
        """Return the losses so far."""

    def wait(
        self,
        on_event: Callable[[TuningEvent], None] | None = None,
        *,
        timeout: float | None = None,
        poll_seconds: float = 0.05,
        on_poll: Callable[[], None] | None = None,
    ) -> TunedModel:
        """Wait for the end, at most ``timeout`` seconds, and return the tuned model.

        Args:
            on_event: called in this thread, once for each event, in order.
            timeout: None waits for ever.
            poll_seconds: between two looks.
            on_poll: called after each look at an unfinished job; an error that it raises ends the
                wait, and the job itself continues.

        Raises:
            TuningError: the job failed or was cancelled.
            OSError: it failed because a file could not be written or read.
            BackendTimeoutError: ``timeout`` is over; the job itself continues.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = 0
        while True:
            finished = self.status() in FINISHED
            for event in self.events(seen):
                seen += 1
                if on_event:
                    on_event(event)
            if finished:
                return self.result()
            if deadline is not None and time.monotonic() > deadline:
                raise BackendTimeoutError(f"job {self.id} is not finished after {timeout} s")
            if on_poll:
                on_poll()
            time.sleep(poll_seconds)

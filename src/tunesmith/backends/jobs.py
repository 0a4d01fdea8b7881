"""A tuning job in a thread of this process, for backends that tune here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tunesmith.backend import TuningJob
from tunesmith.errors import TunesmithError, TuningError, reason_of
from tunesmith.records import FINISHED, JobStatus, LearningCurve, TunedModel, TuningEvent


class JobStopped(Exception):  # noqa: N818  # a signal between the job and its work, not an error
    """Raised by the work itself when it finds :attr:`ThreadJob.stop_requested` set."""


class ThreadJob(TuningJob):
    """Runs ``work`` in a daemon thread.

    ``work(job)`` calls :meth:`emit` as it goes, raises :class:`JobStopped` soon after
    :attr:`stop_requested` is set, and returns the tuned model. ``curve`` gives the losses so far.
    """

    def __init__(
        self,
        job_id: str,
        work: Callable[[ThreadJob], TunedModel],
        *,
        curve: Callable[[], LearningCurve] = LearningCurve,
        events: Sequence[TuningEvent] = (),
    ) -> None:
        self.id = job_id
        self.stop_requested = threading.Event()
        self._work = work
        self._curve = curve
        self._events = list(events)
        self._status: JobStatus = "queued"
        self._stopped_as: JobStatus = "cancelled"
        self._result: TunedModel | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"tuning-{job_id}", daemon=True)

    def start(self) -> ThreadJob:
        """Start the thread and return the job."""
        self._thread.start()
        return self

    def emit(self, event: TuningEvent) -> None:
        """Append an event; lists are read from other threads without a lock (append is atomic)."""
        self._events.append(event)

    def status(self) -> JobStatus:
        """Return the status now."""
        return self._status

    def events(self, start: int = 0) -> Sequence[TuningEvent]:
        """Return the events from the ``start``-th on."""
        return tuple(self._events[start:])

    def result(self) -> TunedModel:
        """Return the tuned model, or raise the error that ended the job."""
        if self._result is not None:
            return self._result
        if isinstance(self._error, TunesmithError | OSError):
            raise self._error
        if self._error is not None:
            raise TuningError(f"job {self.id} failed: {self._error}") from self._error
        raise TuningError(f"job {self.id} is {self._status}; it has no tuned model")

    def cancel(self) -> None:
        """Ask the work to stop and wait until it has."""
        self._stop("cancelled")

    def interrupt(self) -> None:
        """Stop the work at its last checkpoint, to be resumed later."""
        self._stop("interrupted")

    def learning_curve(self) -> LearningCurve:
        """Return the losses so far."""
        return self._curve()

    def _stop(self, status: JobStatus) -> None:
        if self._status in FINISHED:
            return
        self._stopped_as = status
        self.stop_requested.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._enter("running")
            self._result = self._work(self)
            self._enter("completed")
        except JobStopped:
            self._end(self._stopped_as)
        except BaseException as error:  # noqa: BLE001  # kept, and raised again by result()
            self._result, self._error = None, error
            self._end("failed", reason_of(error))

    def _end(self, status: JobStatus, message: str = "") -> None:
        try:
            self._enter(status, message)
        except OSError:
            # On a full disk too, whoever waits must learn that the job ended.
            ThreadJob.emit(self, TuningEvent(kind="status", status=status, message=message))
            self._status = status

    def _enter(self, status: JobStatus, message: str = "") -> None:
        # The event first: a reader of a finished status must find its event in the list.
        self.emit(TuningEvent(kind="status", status=status, message=message))
        self._status = status

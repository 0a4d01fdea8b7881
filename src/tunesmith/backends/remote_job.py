"""A tuning job at a service, followed by polling, for backends whose service tunes.

A backend subclasses :class:`RemoteJob` and translates the requests and answers of its service. This
module decides when to ask, passes each event on once, cancels, and keeps the record with which
another process finds the job.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from tunesmith.backend import TuningJob
from tunesmith.clock import now
from tunesmith.errors import (
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    TunesmithError,
    TuningError,
)
from tunesmith.labels import LabelSet
from tunesmith.records import FINISHED, JobStatus, Record, TunedModel, TuningEvent
from tunesmith.spec import TuningSpec

FIRST_LOOK, LONGEST_LOOK = 0.2, 5.0
"""The shortest and the longest time between two requests, in seconds. See :func:`longer`."""
UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)
"""The time of an event for which the service gives none."""
_ENDED = FINISHED - {"interrupted"}


class RemoteJobRecord(Record):
    """A submitted tuning. Its id is the id of the service's job. A backend adds its own fields."""

    id: str
    base_model: str
    method: dict[str, Any]
    """``name`` and hyper-parameters, defaults included."""
    labels: LabelSet
    rows: int
    status: JobStatus = "queued"
    error: str = ""
    events: tuple[TuningEvent, ...] = ()
    """Kept once the job has ended."""
    model: TunedModel | None = None


R = TypeVar("R", bound=RemoteJobRecord)


@dataclass(frozen=True, slots=True)
class Look:
    """What a service tells about a job. A time is None if the service gives none."""

    status: JobStatus
    model: Callable[[], TunedModel]
    """Makes the tuned model of a completed job. Called after all events are told."""
    created_at: datetime | None = None
    ran: bool = False
    """Whether it is known to have begun, whatever its status is now."""
    running_at: datetime | None = None
    events: Sequence[TuningEvent] = ()
    """Those that were not told before, oldest first: steps, epochs and notes."""
    ended_at: datetime | None = None
    error: str = ""
    """Why the job has ended without a model."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Further fields for the record of a job that has ended."""


class RemoteJob(TuningJob, Generic[R]):
    """A job. Its data are at most five seconds old; a finished one is read from its record."""

    noun: ClassVar[str] = "job"
    product: ClassVar[str] = "tuned model"
    """The service's words for the job and for its result, in messages."""
    stop_seconds: ClassVar[float] = 120.0
    """The longest time that a job takes to stop."""

    def __init__(self, record: R, keep: Callable[[R], None]) -> None:
        """Follow the job of ``record``; ``keep`` writes the record of one that has ended."""
        self.id = record.id
        self._record = record
        self._keep = keep
        self._events = list(record.events)
        self._pause, self._next_look = FIRST_LOOK, 0.0

    @abstractmethod
    def _ask(self) -> Look:
        """Ask the service about the job.

        Raises:
            BackendError: the service does not answer, or no longer has the job.
        """

    @abstractmethod
    def _ask_to_cancel(self) -> None:
        """Ask the service to cancel the job. It may end later."""

    def status(self) -> JobStatus:
        """Return the status. The service is asked at most every few seconds."""
        if self._record.status not in FINISHED and time.monotonic() >= self._next_look:
            self.look()
        return self._record.status

    def events(self, start: int = 0) -> Sequence[TuningEvent]:
        """Return the events so far, from the ``start``-th on."""
        self.status()
        return tuple(self._events[start:])

    def result(self) -> TunedModel:
        """Return the tuned model of a completed job.

        Raises:
            TuningError: it failed, was cancelled or interrupted, or is not finished; the message
                has the service's reason.
        """
        self.status()
        record = self._record
        if record.model is None:
            reason = f": {record.error}" if record.error else ""
            raise TuningError(
                f"{self.noun} {self.id} is {record.status}; it has no {self.product}{reason}"
            )
        return record.model

    def cancel(self) -> None:
        """Cancel the job, and wait until it has ended.

        Raises:
            BackendError: the service does not cancel the job, which goes on.
            BackendTimeoutError: the job does not end.
        """
        if self.status() in _ENDED:
            return
        try:
            self._ask_to_cancel()
        except BackendError:
            # Services refuse to cancel a job that has ended since the last look.
            if self.look() not in _ENDED:
                raise
            return
        self._follow_until(_ENDED, "was cancelled and does not end")

    def look(self) -> JobStatus:
        """Ask the service now."""
        look = self._ask()
        self._next_look = time.monotonic() + self._pause
        self._pause = longer(self._pause)
        self._tell(look)
        update: dict[str, Any] = {"status": look.status}
        if look.status in FINISHED:
            update |= {"error": look.error, "events": tuple(self._events), **look.kept}
        if look.status == "completed":
            update["model"] = look.model()
        self._record = self._record.model_copy(update=update)
        if look.status in FINISHED:
            self._keep(self._record)
        return look.status

    def _look_soon(self) -> None:
        self._pause, self._next_look = FIRST_LOOK, 0.0

    def _follow_until(self, ends: frozenset[str], problem: str) -> None:
        """Wait until the status is one of ``ends``; ``problem`` is the error if it never is."""
        deadline = time.monotonic() + self.stop_seconds
        self._look_soon()
        while self.look() not in ends:
            if time.monotonic() > deadline:
                raise BackendTimeoutError(f"{self.noun} {self.id} {problem}")
            time.sleep(self._pause)

    def _tell(self, look: Look) -> None:
        """Append the new events. Earlier events never change."""
        told = {event.status for event in self._events}
        if "queued" not in told:
            self._enter("queued", look.created_at)
        if "running" not in told and (look.ran or look.status in ("running", "completed")):
            self._enter("running", look.running_at)
        for event in look.events:
            self._append(event)
        if look.status in FINISHED and look.status not in told:
            self._enter(look.status, look.ended_at, look.error)

    def _enter(self, status: JobStatus, when: datetime | None, message: str = "") -> None:
        at = when or UNKNOWN_TIME
        self._append(TuningEvent(time=at, kind="status", status=status, message=message))

    def _append(self, event: TuningEvent) -> None:
        # If the service gives no time or an earlier one, take the time of the last event.
        last = self._events[-1].time if self._events else UNKNOWN_TIME
        at = max(event.time, last)
        at = now() if at == UNKNOWN_TIME else at
        self._events.append(event.model_copy(update={"time": at}))


def longer(pause: float) -> float:
    """Return the pause after ``pause``, in seconds: it grows up to :data:`LONGEST_LOOK`."""
    return min(pause * 1.5, LONGEST_LOOK)


def described(spec: TuningSpec, job_id: str, rows: int) -> dict[str, Any]:
    """Return the fields of a new :class:`RemoteJobRecord`, ``rows`` being those for training."""
    method = {"name": spec.method.name, **spec.method.model_dump(mode="json")}
    return {
        "id": job_id,
        "base_model": spec.base_model,
        "method": method,
        "labels": spec.labels,
        "rows": rows,
    }


def find_record(
    get: Callable[[str], R], job_id: str, state: Callable[[str], str | None], noun: str
) -> R:
    """Return the record of a job.

    Args:
        get: reads it from the store.
        job_id: as the user gave it.
        state: asks the service for its state; None if it has no such job.
        noun: the service's word for a job.

    Raises:
        NotFoundError: it is not in the store; the message tells whether the service has it.
    """
    try:
        return get(job_id)
    except NotFoundError as error:
        raise NotFoundError(f"{error}. {_elsewhere(noun, state(job_id))}") from None


def _elsewhere(noun: str, state: str | None) -> str:
    if state is None:
        return f"The service has no such {noun} either"
    return (
        f"The service has the {noun} ({state}), but not its labels. They are only in the store of "
        "the process that submitted it"
    )


@contextmanager
def undone_on_error(undo: Callable[[], None]) -> Iterator[None]:
    """Call ``undo``, e.g. to delete uploads, if the block fails. Errors of ``undo`` are dropped."""
    try:
        yield
    except TunesmithError:
        with suppress(TunesmithError):
            undo()
        raise

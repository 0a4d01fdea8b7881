"""A fine-tuning job at the provider, followed by polling."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from tunesmith.backend import TuningJob
from tunesmith.errors import BackendError, BackendTimeoutError, TuningError
from tunesmith.records import FINISHED, JobStatus, LearningCurve, TunedModel, TuningEvent
from tunesmith_openai.catalog import BACKEND
from tunesmith_openai.connection import Connection
from tunesmith_openai.metrics import Metrics
from tunesmith_openai.store import JobRecord, Store

FIRST_LOOK, LONGEST_LOOK = 0.2, 5.0
"""The shortest and the longest time between two requests, in seconds. It grows."""
_CANCEL_SECONDS = 120.0
PAUSED = "paused"
_STATUSES: dict[str, JobStatus] = {
    "validating_files": "queued",
    "queued": "queued",
    "running": "running",
    PAUSED: "interrupted",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


class OpenAIJob(TuningJob):
    """A job. Its data are at most five seconds old; a finished one is read from the store."""

    def __init__(self, record: JobRecord, connection: Connection, store: Store) -> None:
        self.id = record.id
        self._record = record
        self._connection = connection
        self._store = store
        self._events = list(record.events)
        self._metrics = Metrics()
        self._seen: set[str] = set()
        """Ids of the provider's events that this process has read, for their losses too."""
        self._told = set(record.told)
        self._pause = FIRST_LOOK
        self._next_look = 0.0

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
            TuningError: it failed, was cancelled or paused, or is not finished.
        """
        self.status()
        if self._record.model is None:
            reason = f": {self._record.error}" if self._record.error else ""
            raise TuningError(f"job {self.id} is {self._record.status}; it has no model{reason}")
        return self._record.model

    def cancel(self) -> None:
        """Cancel the job, and wait until it has ended.

        Raises:
            BackendTimeoutError: the job does not end.
        """
        if self.status() in FINISHED and self._record.status != "interrupted":
            return
        self._ask_to("cancel")
        self._follow_until(FINISHED - {"interrupted"}, "was cancelled and does not end")

    def pause(self) -> None:
        """Pause the job, and wait until it stands still. ``Tuner.resume`` continues it.

        Raises:
            BackendError: the provider does not pause jobs, or not this one now.
        """
        if self.status() in FINISHED:
            return
        self._ask_to("pause")
        self._follow_until(FINISHED, "was asked to pause and does not")

    def go_on(self) -> None:
        """Continue a paused job; does nothing if it is not paused."""
        if self._record.status == "interrupted" and self.look() == "interrupted":
            self._ask_to("resume")
            self._record = self._record.model_copy(update={"status": "queued"})
            self._pause, self._next_look = FIRST_LOOK, 0.0

    def learning_curve(self) -> LearningCurve:
        """Return the losses so far."""
        self.status()
        model = self._record.model
        return self._metrics.curve() if model is None else model.curve

    def look(self) -> JobStatus:
        """Ask the service now."""
        client = self._connection.client
        with self._connection.call(f"asking for job {self.id}"):
            job = client.fine_tuning.jobs.retrieve(self.id)
            new = self._new_events()
        self._next_look = time.monotonic() + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_LOOK)
        self._take(job, new)
        return self._record.status

    def _ask_to(self, action: str) -> None:
        jobs = self._connection.client.fine_tuning.jobs
        ask = {"cancel": jobs.cancel, "pause": jobs.pause, "resume": jobs.resume}[action]
        try:
            with self._connection.call(f"asking to {action} job {self.id}"):
                ask(self.id)
        except BackendError:
            # The job may have ended in between, which is no failure.
            if self.look() not in FINISHED:
                raise

    def _follow_until(self, ends: frozenset[str], problem: str) -> None:
        deadline = time.monotonic() + _CANCEL_SECONDS
        self._pause = FIRST_LOOK
        while self.look() not in ends:
            if time.monotonic() > deadline:
                raise BackendTimeoutError(f"job {self.id} {problem}")
            time.sleep(self._pause)

    def _new_events(self) -> list[FineTuningJobEvent]:
        """Return the events since the last look, oldest first. The service lists the newest first.

        Events of one second may come in any order, so a page is read to its end.
        """
        listed, new = self._connection.client.fine_tuning.jobs.list_events(self.id, limit=100), []
        for page in listed.iter_pages():
            fresh = [event for event in page.data if event.id not in self._seen]
            new += fresh
            if len(fresh) < len(page.data):
                break
        self._seen |= {event.id for event in new}
        return new[::-1]

    def _take(self, job: FineTuningJob, new: Sequence[FineTuningJobEvent]) -> None:
        status = _STATUSES.get(str(job.status), "running")
        told = {event.status for event in self._events}
        if "queued" not in told:
            self._append(job.created_at, kind="status", status="queued")
        if "running" not in told and (status in ("running", "completed") or new):
            self._append(None, kind="status", status="running")
        self._metrics.epochs_asked = _number(job.hyperparameters.n_epochs)
        for event in new:
            self._tell(event)
        self._tell_epochs(status in FINISHED and status != "interrupted")
        if status in FINISHED and status not in told:
            self._append(job.finished_at, kind="status", status=status, message=_failure(job))
        self._keep(job, status)

    def _keep(self, job: FineTuningJob, status: JobStatus) -> None:
        update: dict[str, Any] = {"status": status}
        if status in FINISHED:
            update |= {
                "error": _failure(job),
                "events": tuple(self._events),
                "told": tuple(sorted(self._told)),
            }
        if status == "completed":
            update["model"] = self._model(job)
        self._record = self._record.model_copy(update=update)
        if status in FINISHED:
            self._store.jobs.put(self.id, self._record)

    def _tell(self, event: FineTuningJobEvent) -> None:
        data = event.data if isinstance(event.data, Mapping) else {}
        step = self._metrics.read(data) if event.type == "metrics" else None
        if event.id in self._told:
            return
        self._told.add(event.id)
        if step is None:
            self._append(event.created_at, kind="note", message=event.message)
        else:
            self._append(
                event.created_at,
                kind="step",
                step=step.step,
                epoch=step.epoch,
                loss=step.loss,
                total_steps=self._metrics.total_steps,
            )

    def _tell_epochs(self, ended: bool) -> None:
        known = {event.epoch for event in self._events if event.kind == "epoch"}
        for epoch in self._metrics.epochs(ended):
            if epoch.epoch not in known:
                values = epoch.model_dump()
                self._append(None, kind="epoch", **values)

    def _append(self, when: int | None, **fields: Any) -> None:
        last = self._events[-1].time if self._events else None
        # If the service gives no time or an earlier one, take the time of the last event.
        at = datetime.fromtimestamp(when, UTC) if when else last or datetime.now(UTC)
        self._events.append(TuningEvent(time=max(at, last) if last else at, **fields))

    def _model(self, job: FineTuningJob) -> TunedModel:
        if not job.fine_tuned_model:
            raise TuningError(f"job {self.id} is completed, but names no model")
        record = self._record
        return TunedModel(
            id=job.fine_tuned_model,
            backend=BACKEND,
            base_model=record.base_model,
            method=record.method,
            labels=record.labels,
            job_id=record.id,
            # The service's time, so that all processes make the same record.
            created_at=datetime.fromtimestamp(job.finished_at or job.created_at, UTC),
            curve=self._metrics.curve(ended=True),
            details={
                "rows": record.rows,
                "files": list(record.files),
                "result_files": list(job.result_files or ()),
                "hyperparameters": job.hyperparameters.model_dump(mode="json"),
                "trained_tokens": job.trained_tokens,
                "checkpoints": self._checkpoints(),
                "notes": [],
            },
        )

    def _checkpoints(self) -> list[dict[str, Any]]:
        """Return the checkpoints, oldest first; none if the service keeps none."""
        try:
            with self._connection.call(f"asking for the checkpoints of job {self.id}"):
                found = list(self._connection.client.fine_tuning.jobs.checkpoints.list(self.id))
        except BackendError:
            return []
        return [
            {
                "step": one.step_number,
                "model": one.fine_tuned_model_checkpoint,
                **one.metrics.model_dump(mode="json", exclude_none=True, exclude={"step"}),
            }
            for one in sorted(found, key=lambda one: one.step_number)
        ]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _failure(job: FineTuningJob) -> str:
    error = job.error
    return (error.message or "") if error is not None else ""

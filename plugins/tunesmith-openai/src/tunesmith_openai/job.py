"""A fine-tuning job at the provider, followed by polling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from tunesmith.backends.remote_job import UNKNOWN_TIME, Look, RemoteJob
from tunesmith.errors import BackendError, TuningError
from tunesmith.records import FINISHED, JobStatus, LearningCurve, TunedModel, TuningEvent
from tunesmith_openai.catalog import BACKEND
from tunesmith_openai.connection import Connection
from tunesmith_openai.metrics import Metrics
from tunesmith_openai.store import JobRecord, Store

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


class OpenAIJob(RemoteJob[JobRecord]):
    """A job. It can also be paused."""

    product: ClassVar[str] = "model"

    def __init__(self, record: JobRecord, connection: Connection, store: Store) -> None:
        super().__init__(record, lambda ended: store.jobs.put(ended.id, ended))
        self._connection = connection
        self._metrics = Metrics()
        self._seen: set[str] = set()
        """Ids of the provider's events that this process has read, for their losses too."""
        self._told = set(record.told)

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
            self._look_soon()

    def learning_curve(self) -> LearningCurve:
        """Return the losses so far."""
        self.status()
        model = self._record.model
        return self._metrics.curve() if model is None else model.curve

    def _ask(self) -> Look:
        client = self._connection.client
        with self._connection.call(f"asking for job {self.id}"):
            job = client.fine_tuning.jobs.retrieve(self.id)
            new = self._new_events()
        status = _STATUSES.get(str(job.status), "running")
        self._metrics.epochs_asked = _number(job.hyperparameters.n_epochs)
        told = [event for each in new if (event := self._read(each)) is not None]
        epochs = self._epochs(status in FINISHED and status != "interrupted")
        return Look(
            status,
            lambda: self._model(job),
            created_at=_moment(job.created_at),
            ran=bool(new),
            events=[*told, *epochs],
            ended_at=_moment(job.finished_at),
            error=_failure(job),
            kept={"told": tuple(sorted(self._told))},
        )

    def _ask_to_cancel(self) -> None:
        self._ask_to("cancel")

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

    def _read(self, event: FineTuningJobEvent) -> TuningEvent | None:
        """Take the losses of an event of the provider; return what is to be told of it."""
        data = event.data if isinstance(event.data, Mapping) else {}
        step = self._metrics.read(data) if event.type == "metrics" else None
        if event.id in self._told:
            return None
        self._told.add(event.id)
        at = _moment(event.created_at) or UNKNOWN_TIME
        if step is None:
            return TuningEvent(time=at, kind="note", message=event.message)
        total = self._metrics.total_steps
        return TuningEvent(time=at, kind="step", total_steps=total, **step.model_dump())

    def _epochs(self, ended: bool) -> list[TuningEvent]:
        known = {event.epoch for event in self._events if event.kind == "epoch"}
        return [
            TuningEvent(time=UNKNOWN_TIME, kind="epoch", **epoch.model_dump())
            for epoch in self._metrics.epochs(ended)
            if epoch.epoch not in known
        ]

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


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None

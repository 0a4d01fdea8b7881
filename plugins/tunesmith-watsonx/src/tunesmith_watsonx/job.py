"""A tuning at the service, followed by polling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from ibm_watsonx_ai.foundation_models.prompt_tuner import PromptTuner

from tunesmith.backends.remote_job import UNKNOWN_TIME, Look, RemoteJob
from tunesmith.errors import TuningError
from tunesmith.records import FINISHED, JobStatus, LearningCurve, TunedModel, TuningEvent
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.metrics import epoch_times, losses, moment
from tunesmith_watsonx.service_warnings import warnings_in
from tunesmith_watsonx.store import JobRecord, Store

BACKEND = "watsonx"
_KNOWN = ("diagnosis", "stand_in_method")
"""Warnings of the emulator that a run gives by itself."""
_STATUSES: dict[str, JobStatus] = {
    "queued": "queued",
    "pending": "queued",
    "running": "running",
    "storing": "running",
    "completed": "completed",
    "failed": "failed",
    "error": "failed",
    "canceled": "cancelled",
}

Details = Mapping[str, Any]
"""A training as the service describes it."""


class WatsonxJob(RemoteJob[JobRecord]):
    """A training."""

    noun: ClassVar[str] = "training"

    def __init__(self, record: JobRecord, connection: Connection, store: Store) -> None:
        super().__init__(record, store.put_job)
        self._connection = connection
        self._curve = record.model.curve if record.model else LearningCurve()

    def learning_curve(self) -> LearningCurve:
        """Return the mean loss of each epoch so far; the service has no step losses."""
        self.status()
        return self._curve

    def _ask(self) -> Look:
        client = self._connection.client
        with self._connection.call(f"asking for training {self.id}"):
            details: Details = client.training.get_details(self.id)
        state = details["entity"]["status"]
        status = _STATUSES.get(str(state.get("state")), "running")
        metrics = state.get("metrics") or ()
        if status == "completed" and any("context" in metric for metric in metrics):
            metrics = self._kept_apart()
        self._curve = losses(metrics)
        times = epoch_times(metrics)
        return Look(
            status,
            lambda: self._model(details),
            created_at=moment(details["metadata"].get("created_at")),
            ran=bool(times) or "running_at" in state,
            running_at=moment(state.get("running_at")),
            events=self._epochs(times, status in FINISHED),
            ended_at=ended_at(details),
            error="" if status == "completed" else _reason(state),
        )

    def _ask_to_cancel(self) -> None:
        client = self._connection.client
        with self._connection.call(f"cancelling training {self.id}"):
            client.training.cancel(self.id)

    def _kept_apart(self) -> Sequence[Any]:
        """Return the metrics that the service wrote into the project's storage."""
        tuner = PromptTuner(name=self.id, task_id="classification")
        tuner._client, tuner.id = self._connection.client, self.id
        with self._connection.call(f"reading the metrics of training {self.id}"):
            details = tuner.get_run_details(include_metrics=True)
        metrics: Sequence[Any] = details["entity"]["status"].get("metrics") or ()
        return metrics

    def _epochs(self, times: Sequence[datetime | None], ended: bool) -> list[TuningEvent]:
        # The mean of the last epoch changes until the next one begins or the training ends.
        whole = len(times) if ended else max(len(times) - 1, 0)
        done = sum(event.kind == "epoch" for event in self._events)
        epochs = list(zip(self._curve.epochs, times, strict=True))[done:whole]
        return [
            TuningEvent(time=at or UNKNOWN_TIME, kind="epoch", epoch=one.epoch, loss=one.loss)
            for one, at in epochs
        ]

    def _model(self, details: Details) -> TunedModel:
        record, entity = self._record, details["entity"]
        if not entity.get("model_id"):
            raise TuningError(f"training {self.id} is completed, but names no tuned model")
        notes = list(record.notes)
        notes += [
            str(warning.get("message"))
            for warning in warnings_in(details)
            if warning.get("id") not in _KNOWN
        ]
        if not self._curve.epochs:
            notes.append("the service gave no losses with the training")
        return TunedModel(
            id=str(entity["model_id"]),
            backend=BACKEND,
            base_model=record.base_model,
            stand_in=record.stand_in,
            method=record.method,
            labels=record.labels,
            job_id=record.id,
            # The service's time, so that all processes make the same record.
            created_at=ended_at(details) or self._events[-1].time,
            curve=self._curve,
            details={"rows": record.rows, "asset_id": record.asset_id, "notes": notes},
        )


def ended_at(details: Details) -> datetime | None:
    """Return the end of the training, or None if the service gives no time."""
    state, metadata = details["entity"]["status"], details["metadata"]
    known = (state.get("completed_at"), metadata.get("modified_at"), metadata.get("created_at"))
    return next(filter(None, map(moment, known)), None)


def _reason(state: Mapping[str, Any]) -> str:
    errors = (state.get("failure") or {}).get("errors") or ()
    told = [str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in errors]
    message = state.get("message")
    if not told and message:
        told = [str(message.get("text", message)) if isinstance(message, dict) else str(message)]
    return "; ".join(told)

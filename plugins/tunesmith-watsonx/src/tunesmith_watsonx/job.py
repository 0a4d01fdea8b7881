"""A tuning at the service, followed by polling."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ibm_watsonx_ai.foundation_models.prompt_tuner import PromptTuner

from tunesmith.backend import TuningJob
from tunesmith.clock import now
from tunesmith.errors import BackendTimeoutError, TuningError
from tunesmith.records import (
    FINISHED,
    JobStatus,
    LearningCurve,
    TunedModel,
    TuningEvent,
)
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.metrics import epoch_times, losses, moment
from tunesmith_watsonx.service_warnings import warnings_in
from tunesmith_watsonx.store import JobRecord, Store

BACKEND = "watsonx"
FIRST_LOOK, LONGEST_LOOK = 0.2, 5.0
"""The shortest and the longest time between two requests, in seconds. It grows."""
_CANCEL_SECONDS = 120.0
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


class WatsonxJob(TuningJob):
    """A training. Its data are at most five seconds old; a finished one is read from the store."""

    def __init__(self, record: JobRecord, connection: Connection, store: Store) -> None:
        self.id = record.id
        self._record = record
        self._connection = connection
        self._store = store
        self._events = list(record.events)
        self._curve = record.model.curve if record.model else LearningCurve()
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
        """Return the tuned model of a completed training.

        Raises:
            TuningError: it failed, was cancelled or is not finished; the message has the reason.
        """
        self.status()
        if self._record.model is None:
            reason = f": {self._record.error}" if self._record.error else ""
            raise TuningError(
                f"training {self.id} is {self._record.status}; it has no tuned model{reason}"
            )
        return self._record.model

    def cancel(self) -> None:
        """Cancel the training, and wait until it has ended.

        Raises:
            BackendTimeoutError: the training does not end.
        """
        if self.status() in FINISHED:
            return
        client = self._connection.client
        with self._connection.call(f"cancelling training {self.id}"):
            client.training.cancel(self.id)
        deadline = time.monotonic() + _CANCEL_SECONDS
        self._pause = FIRST_LOOK
        while self.look() not in FINISHED:
            if time.monotonic() > deadline:
                raise BackendTimeoutError(f"training {self.id} was cancelled and does not end")
            time.sleep(self._pause)

    def learning_curve(self) -> LearningCurve:
        """Return the mean loss of each epoch so far; the service has no step losses."""
        self.status()
        return self._curve

    def look(self) -> JobStatus:
        """Ask the service now."""
        client = self._connection.client
        with self._connection.call(f"asking for training {self.id}"):
            details: Details = client.training.get_details(self.id)
        self._next_look = time.monotonic() + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_LOOK)
        self._take(details)
        return self._record.status

    def _take(self, details: Details) -> None:
        state = details["entity"]["status"]
        status = _STATUSES.get(str(state.get("state")), "running")
        metrics = state.get("metrics") or ()
        if status == "completed" and any("context" in metric for metric in metrics):
            metrics = self._kept_apart()
        self._curve = losses(metrics)
        self._tell(status, details, epoch_times(metrics))
        update: dict[str, Any] = {"status": status}
        if status in FINISHED:
            update["error"] = "" if status == "completed" else _reason(state)
            update["events"] = tuple(self._events)
        if status == "completed":
            update["model"] = self._model(details)
        self._record = self._record.model_copy(update=update)
        if status in FINISHED:
            self._store.put_job(self._record)

    def _kept_apart(self) -> Sequence[Any]:
        """Return the metrics that the service wrote into the project's storage."""
        tuner = PromptTuner(name=self.id, task_id="classification")
        tuner._client, tuner.id = self._connection.client, self.id
        with self._connection.call(f"reading the metrics of training {self.id}"):
            details = tuner.get_run_details(include_metrics=True)
        metrics: Sequence[Any] = details["entity"]["status"].get("metrics") or ()
        return metrics

    def _tell(self, status: JobStatus, details: Details, times: Sequence[datetime | None]) -> None:
        """Append the new events. Earlier events never change."""
        state, metadata = details["entity"]["status"], details["metadata"]
        told = {event.status for event in self._events}
        if "queued" not in told:
            self._append(metadata.get("created_at"), kind="status", status="queued")
        ran = status in ("running", "completed") or bool(times) or "running_at" in state
        if ran and "running" not in told:
            self._append(state.get("running_at"), kind="status", status="running")
        # The mean of the last epoch changes until the next one begins or the training ends.
        whole = len(times) if status in FINISHED else len(times) - 1
        done = sum(event.kind == "epoch" for event in self._events)
        for epoch, when in list(zip(self._curve.epochs, times, strict=True))[done : max(whole, 0)]:
            self._append(when, kind="epoch", epoch=epoch.epoch, loss=epoch.loss)
        if status in FINISHED and status not in told:
            message = "" if status == "completed" else _reason(state)
            self._append(ended_at(details), kind="status", status=status, message=message)

    def _append(self, when: Any, **fields: Any) -> None:
        at = when if isinstance(when, datetime) else moment(when)
        last = self._events[-1].time if self._events else None
        # If the service gives no time or an earlier one, take the time of the last event.
        at = at or last or now()
        self._events.append(TuningEvent(time=max(at, last) if last else at, **fields))

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

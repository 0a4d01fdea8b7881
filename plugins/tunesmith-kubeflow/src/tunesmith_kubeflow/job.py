"""A tuning on the cluster, followed by polling its TrainJob, its log and its folder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from kubeflow.trainer.constants.constants import (
    TRAINJOB_COMPLETE,
    TRAINJOB_CREATED,
    TRAINJOB_FAILED,
)
from kubeflow.trainer.types.types import TrainJob

from tunesmith.backend import Backend
from tunesmith.backends.record_folder import RecordFolder
from tunesmith.backends.remote_job import UNKNOWN_TIME, Look, RemoteJob
from tunesmith.records import EpochLoss, LearningCurve, StepLoss, TunedModel, TuningEvent
from tunesmith_kubeflow.connection import Connection
from tunesmith_kubeflow.errors import UnreachableError
from tunesmith_kubeflow.folder import JobFolder, Outcome
from tunesmith_kubeflow.log_lines import Read, read
from tunesmith_kubeflow.serving import our_model
from tunesmith_kubeflow.store import JobRecord

_LAST_LINES = 5
"""Lines of the log in a message."""
_LONGEST_LINE = 300
"""Characters of such a line."""


class KubeflowJob(RemoteJob[JobRecord]):
    """A job. Its outcome in the folder decides; the cluster only tells whether it still runs."""

    noun: ClassVar[str] = "TrainJob"

    def __init__(
        self,
        record: JobRecord,
        connection: Connection,
        jobs: RecordFolder[JobRecord],
        serving: Backend,
    ) -> None:
        """Follow the job of ``record``; ``serving`` gets the tuned model."""
        super().__init__(record, lambda kept: jobs.put(kept.id, kept))
        self._connection = connection
        self._serving = serving
        self._told = 0
        """The number of the next event of the tuning."""
        self._troubles: set[str] = set()
        self._answered: float | None = None
        """When the cluster answered last, by the monotonic clock."""

    def learning_curve(self) -> LearningCurve:
        """Return the losses so far."""
        self.status()
        model = self._record.model
        return _curve(self._events) if model is None else model.curve

    def _ask(self) -> Look:
        try:
            look = self._look()
        except UnreachableError:
            patience = self._connection.options.patience_seconds
            if self._answered is None or time.monotonic() - self._answered > patience:
                raise
            return Look(self._record.status, self._model)
        self._answered = time.monotonic()
        return look

    def _ask_to_cancel(self) -> None:
        # In the store before it happens: otherwise a later process takes it for a failure.
        self._record = self._record.model_copy(update={"cancelling": True})
        self._keep(self._record)
        self._connection.delete(self.id)

    def _look(self) -> Look:
        job = self._connection.job(self.id)
        log = Read() if job is None else read(self._connection.log(job))
        if job is None or log.ended or job.status in (TRAINJOB_COMPLETE, TRAINJOB_FAILED):
            return self._end(job, log)
        created = job.creation_timestamp
        if log.events or any(step.status == "Running" for step in job.steps):
            events = tuple(self._new(log.events))
            return Look("running", self._model, created, ran=True, events=events)
        waits = tuple(self._new_troubles()) if job.status == TRAINJOB_CREATED else ()
        return Look("queued", self._model, created, events=waits)

    def _end(self, job: TrainJob | None, log: Read) -> Look:
        folder = JobFolder(self._record.url)
        outcome = folder.outcome()
        created = None if job is None else job.creation_timestamp
        found = dict(enumerate(folder.events())) if outcome is not None else log.events
        ran = bool(found) or outcome is not None
        look = Look("failed", self._model, created, ran=ran, events=tuple(self._new(found)))
        if outcome is not None:
            error = self._failure(outcome)
            return replace(look, status=outcome.status, ended_at=outcome.ended_at, error=error)
        if self._record.cancelling:
            return replace(look, status="cancelled")
        if job is None:
            return replace(look, error=self._removed())
        return replace(look, error=self._without_outcome(job, log))

    def _failure(self, outcome: Outcome) -> str:
        if outcome.status == "completed":
            return ""
        return f"{outcome.error} (more: {self._connection.remedy(self.id, 'logs')})"

    def _removed(self) -> str:
        return (
            f"it was removed from namespace {self._connection.namespace!r} before it ended, and "
            f"{self._record.url} has no outcome; submit the tuning again"
        )

    def _without_outcome(self, job: TrainJob, log: Read) -> str:
        """Return why a TrainJob that has ended has no outcome."""
        lines = [line.strip()[:_LONGEST_LINE] for line in log.others if line.strip()]
        last = " | ".join(lines[-_LAST_LINES:]) or "(empty)"
        if log.ended or job.status == TRAINJOB_COMPLETE:
            why = (
                f"it is complete, but {self._record.url} has no outcome: the container and this "
                "machine must reach the same folder (option artifacts)"
            )
        elif "No module named" in last and "tunesmith" in last:
            why = (
                f"the image {self._record.image!r} lacks tunesmith-kubeflow; give an image that "
                "has it (option image), or install it there (option packages)"
            )
        else:
            why = (
                "the container ended without an outcome; if its log has no reason, give more memory"
            )
        more = [self._connection.remedy(self.id, verb) for verb in ("logs", "describe")]
        return f"{why}. The end of its log: {last}. More: {'; '.join(more)}"

    def _new(self, events: Mapping[int, TuningEvent]) -> Iterator[TuningEvent]:
        for number in sorted(events):
            if number >= self._told:
                self._told = number + 1
                yield events[number]

    def _new_troubles(self) -> Iterator[TuningEvent]:
        for trouble in self._connection.troubles(self.id):
            told = f"the cluster: {trouble.reason}: {trouble.message}"
            if told not in self._troubles:
                self._troubles.add(told)
                yield TuningEvent(time=UNKNOWN_TIME, kind="note", message=told)

    def _model(self) -> TunedModel:
        with tempfile.TemporaryDirectory(prefix="tunesmith-") as scratch:
            JobFolder(self._record.url).fetch_adapter(Path(scratch))
            return our_model(self._serving.tuner.adopt(Path(scratch)), self.id)


def _curve(events: list[TuningEvent]) -> LearningCurve:
    steps = [
        StepLoss(step=event.step, epoch=event.epoch, loss=event.loss)
        for event in events
        if event.kind == "step" and event.step and event.epoch and event.loss is not None
    ]
    epochs = [
        EpochLoss(epoch=event.epoch, loss=event.loss, validation_loss=event.validation_loss)
        for event in events
        if event.kind == "epoch" and event.epoch and event.loss is not None
    ]
    return LearningCurve(steps=tuple(steps), epochs=tuple(epochs))

"""A job on its way: checked, tuned by the backend, and its model served.

Each job has a thread that follows it. When it tunes is the backend's decision, and so is how a
stopped tuning goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Literal

from tunesmith.atomic import write_atomically
from tunesmith.backend import TuningJob
from tunesmith.backends.jobs import ThreadJob
from tunesmith.clock import now
from tunesmith.dataset import Dataset
from tunesmith.errors import BackendError, TuningError, io_problem
from tunesmith.labels import LabelSet
from tunesmith.records import Row, TunedModel, TuningEvent
from tunesmith.spec import TuningSpec
from tunesmith_emulator.openai_api.files import RESULTS, Files
from tunesmith_emulator.openai_api.ledger import Ledger
from tunesmith_emulator.openai_api.requests import name_of_model
from tunesmith_emulator.openai_api.store import Failure, JobRecord, Store, Told
from tunesmith_emulator.openai_api.views import results_of
from tunesmith_emulator.translation import failure_of
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.service import Service

log = logging.getLogger("tunesmith_emulator")
Stop = Literal["paused", "cancelled"]
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a job, and the labels that its answers make."""

    train: Dataset
    validation: Dataset | None
    labels: LabelSet


@dataclass(frozen=True, slots=True)
class Workplace:
    """The objects that every follower of a job uses."""

    service: Service
    store: Store
    files: Files
    ledger: Ledger
    data: Callable[[JobRecord], Data]
    """Reads the rows of a job."""
    stopping: Event


class _Stopped(Exception):  # noqa: N818  # a signal, not an error
    """The server stops; the job goes on at its next start."""


class _Asked(Exception):  # noqa: N818  # a signal, not an error
    """A client wants the job to stop."""


class Follower:
    """Follows one job in a thread."""

    def __init__(self, job_id: str, place: Workplace) -> None:
        """Start the thread."""
        self._id = job_id
        self._place = place
        self._asked: Stop | None = None
        self._tuning: TuningJob | None = None
        self._thread = Thread(target=self._run, name=f"job-{job_id}", daemon=True)
        self._thread.start()

    def events(self) -> Sequence[TuningEvent]:
        """Return the backend's events so far."""
        return () if self._tuning is None else self._tuning.events()

    def stop(self, state: Stop) -> None:
        """Pause or cancel the job, and wait until it has ended, which may be in another state."""
        self._asked = state
        self._thread.join()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._publish(self._tuned())
        except _Stopped:
            return
        except _Asked:
            self._end_as_asked()
        except Exception as error:  # noqa: BLE001  # whoever follows the job must see its end
            self._fail(error)

    def _tuned(self) -> TunedModel:
        self._tuning = job = self._begun(self._place.ledger.get(self._id))
        try:
            return job.wait(self._take, on_poll=self._check)
        except _Asked:
            if self._asked == "cancelled":
                job.cancel()
            elif isinstance(job, ThreadJob):
                job.interrupt()
            if job.status() == "completed":  # it was faster
                return job.result()
            raise

    def _begun(self, record: JobRecord) -> TuningJob:
        backend, base_model = self._place.service.backend, self._place.service.base_model
        if record.base_model != base_model:
            raise TuningError(
                f"the job tunes {record.base_model!r}, and the server was started again with "
                f"{base_model!r}; create the job again"
            )
        if record.tuning_id is None:
            return self._submitted(record)
        if not backend.capabilities(base_model).resumable:
            raise TuningError(
                f"the server was stopped during this tuning, and backend {backend.name!r} cannot "
                "resume it; create the job again"
            )
        return backend.tuner.resume(record.tuning_id)

    def _submitted(self, record: JobRecord) -> TuningJob:
        data, tuner = self._place.data(record), self._place.service.backend.tuner
        spec = TuningSpec.from_values(
            {
                "name": record.suffix or "fine-tuning",
                "base_model": record.base_model,
                "method": record.method,
                "labels": data.labels,
                "seed": record.seed,
            },
            source=f"job {record.id}",
        )
        train = data.train.rows
        validation = None if data.validation is None else data.validation.rows
        prepared = tuner.check(spec, train, validation)
        self._check()
        parts = [part for part in (data.train, data.validation) if part is not None]
        notes = (Told(message=note) for part in parts for note in part.notes)
        queued = Told(message="Files validated, moving job to queued state")
        if prepared is None:  # then the backend may have no such parameter
            job = tuner.submit(spec, train, validation)
        else:
            job = tuner.submit(spec, train, validation, prepared=prepared)
        self._place.ledger.change(self._id, *notes, queued, status="queued", tuning_id=job.id)
        return job

    def _take(self, event: TuningEvent) -> None:
        if event.status == "running" and self._place.ledger.get(self._id).status == "queued":
            started = Told(message="Fine-tuning job started")
            self._place.ledger.change(self._id, started, status="running")

    def _check(self) -> None:
        if self._place.stopping.is_set():
            raise _Stopped
        if self._asked is not None:
            raise _Asked

    def _publish(self, model: TunedModel) -> None:
        place, record = self._place, self._place.ledger.get(self._id)
        name = name_of_model(record.model, record.suffix, record.id)
        deployment = place.service.backend.deployer.deploy(model, record.id)
        path = place.store.model_of(record.id)
        write_atomically(path, deployment.to_json())
        place.service.add(name, str(path.relative_to(place.store.root)))
        events = self.events()
        metrics = results_of(events, record.validation_file is not None)
        results = place.files.add("step_metrics.csv", RESULTS, metrics)
        place.ledger.change(
            self._id,
            Told(message=f"New fine-tuned model created: {name}"),
            Told(message="The job has successfully completed"),
            status="succeeded",
            finished_at=now(),
            events=tuple(events),
            fine_tuned_model=name,
            result_files=(results.id,),
            trained_tokens=self._tokens(record),
        )

    def _tokens(self, record: JobRecord) -> int | None:
        """Return the tokens that the tuning read: those of the rows, in each epoch."""
        service = self._place.service
        epochs = record.hyperparameters["n_epochs"]
        if not service.shared.capabilities(service.base_model).tokenize or epochs == "auto":
            return None
        try:
            rows: Sequence[Row] = self._place.data(record).train.rows
        except Refusal:  # its file was deleted
            return None
        texts = [text for row in rows for text in (row.input, str(row.output))]
        found = service.backend.predictor.tokenize(service.base_model, texts)
        return int(epochs) * sum(map(len, found))

    def _end_as_asked(self) -> None:
        told = Told(message=f"Fine-tuning job {self._asked}")
        finished = now() if self._asked == "cancelled" else None
        self._end(told, status=self._asked, finished_at=finished)

    def _fail(self, error: Exception) -> None:
        untuned = self._tuning is None and not isinstance(error, BackendError)
        code = "invalid_training_file" if untuned else "tuning_failed"
        if isinstance(error, Refusal):
            message = error.message
        else:
            message = failure_of(error, f"job {self._id}")
        failure = Failure(code=code, message=message, param="training_file" if untuned else None)
        told = Told(message=f"The job failed: {message}", level="error")
        self._end(told, status="failed", finished_at=now(), error=failure)

    def _end(self, told: Told, **values: object) -> None:
        while True:
            try:
                self._place.ledger.change(self._id, told, events=tuple(self.events()), **values)
            except (OSError, BackendError) as error:
                # Whoever follows it must see an end, as soon as the disk takes one.
                reason = io_problem(error) if isinstance(error, OSError) else error
                log.error("job %s waits: %s", self._id, reason)
                if not self._place.stopping.wait(_RETRY_SECONDS):
                    continue
            return

"""The tuner: from an experiment and rows to a tuned model in the store."""

from __future__ import annotations

import itertools
import shutil
import threading
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.backend import Backend, Tuner, TuningJob
from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.errors import ExperimentError, TuningError
from tunesmith.labels import LabelSet
from tunesmith.methods import GradientTuning, Method
from tunesmith.pipeline.checks import check_submission
from tunesmith.records import (
    EpochLoss,
    JobStatus,
    LearningCurve,
    Row,
    StepLoss,
    TunedModel,
    TuningEvent,
)
from tunesmith_local.catalog import BACKEND, Catalog
from tunesmith_local.engine.answers import Rule
from tunesmith_local.engine.encoding import encode_answer
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.probe_answers import check_parameters
from tunesmith_local.methods.probe_fitting import encode_rows, fit_probe
from tunesmith_local.methods.settings import LinearProbe
from tunesmith_local.methods.tunable import Savable, Tunable
from tunesmith_local.methods.tunables import METHODS, start
from tunesmith_local.model.chat_templates import template_of
from tunesmith_local.model.loading import BaseLM, model_summary
from tunesmith_local.options import LocalOptions
from tunesmith_local.serving.adapter import save_tuned
from tunesmith_local.store import JobRecord, Store
from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.preparation import Prepared, prepare
from tunesmith_local.training.training import Training, TrainingResult

if TYPE_CHECKING:
    from tunesmith.spec import TuningSpec


class LocalJob(ThreadJob):
    """A job in a thread of this process, whose events and status are also on disk."""

    def __init__(self, record: JobRecord, tuner: LocalTuner, events: Sequence[TuningEvent]) -> None:
        """Prepare the job of ``record``; ``events`` are those of an earlier process."""
        super().__init__(record.id, tuner.work, curve=self._losses, events=events)
        self.record = record
        self.training: Training | None = None
        self.held = ExitStack()
        """Releases the job for other processes."""
        self._tuner = tuner

    def emit(self, event: TuningEvent) -> None:
        """Append an event, here and on disk."""
        store = self._tuner.store
        store.add_event(self.id, event)
        if event.status is not None:
            update = {"status": event.status, "error": event.message}
            self.record = self.record.model_copy(update=update)
            store.put_job(self.record)
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
        """Return the losses of a completed job; of another one, what its events tell."""
        if self._record.model_id is not None:
            return self.result().curve
        return _told(self._store.events(self.id))


@dataclass(frozen=True)
class _Made:
    """A tuned model that is not on disk yet, and how it reads and writes."""

    weights: Savable
    template: str
    max_input_tokens: int
    rule: Rule = "continued"


class LocalTuner(Tuner):
    """Tunes in threads of this process."""

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        options: LocalOptions,
        backend: Backend,
        texts: TextCache,
    ) -> None:
        """Use the models of ``catalog`` and ``store``; hold to what ``backend`` declares."""
        self.store = store
        self._backend = backend
        self._catalog = catalog
        self._options = options
        self._texts = texts
        self._jobs: dict[str, LocalJob] = {}
        self._turn = threading.Lock()

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> TuningJob:
        """Check everything, then start; see :meth:`tunesmith.backend.Tuner.submit`."""
        del prepared  # its check prepares nothing
        self.check(spec, train, validation)
        record = _job_record(spec)
        self.store.add_job(record, train, validation)
        return self._start(record)

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> None:
        """Read the base model and encode all rows, as a tuning does; no forward pass is made."""
        check_submission(spec, self._backend, train, validation)
        base, method = self._catalog.read(spec.base_model), spec.method
        if isinstance(method, LinearProbe):
            check_parameters(spec.generation)
            encode_rows(base, method, spec.labels, train, validation)
            longest = _longest_label(base, spec.labels)
        else:
            prepared = _prepare(base, _job_record(spec), train, validation)
            longest = prepared.longest_answer
        _check_room(spec, longest)

    def resume(self, job_id: str) -> TuningJob:
        """Go on from the last checkpoint; see :meth:`tunesmith.backend.Tuner.resume`.

        A completed or cancelled job is returned as it is; any other one goes on.

        Raises:
            NotFoundError: no such job in this store.
            BackendError: another process works on it.
        """
        live = self._jobs.get(job_id)
        if live is not None and live.status() not in ("failed", "interrupted"):
            return live
        record = self.store.job(job_id)
        if record.status in ("completed", "cancelled"):
            return StoredJob(record, self.store)
        return self._start(record)

    def export(self, model: TunedModel, directory: Path) -> None:
        """Copy the PEFT adapter of ``model`` into ``directory``.

        Raises:
            NotFoundError: the store no longer has the model.
        """
        self.store.model(model.id)
        shutil.copytree(self.store.model_folder(model.id), directory, dirs_exist_ok=True)

    def close(self) -> None:
        """Stop the running jobs at their last optimizer step."""
        for job in self._jobs.values():
            job.interrupt()

    def _start(self, record: JobRecord) -> LocalJob:
        held = ExitStack()
        held.enter_context(self.store.locked(record.id))
        reached = CheckpointStore.reached(self._checkpoints(record.id))
        events = _until(self.store.events(record.id), reached)
        self.store.put_events(record.id, events)
        job = LocalJob(record, self, events)
        job.held = held
        self._jobs[record.id] = job
        job.start()
        return job

    def _checkpoints(self, job_id: str) -> Path:
        return self.store.job_folder(job_id) / "checkpoints"

    def work(self, job: ThreadJob) -> TunedModel:
        """Tune; runs in the thread of ``job``."""
        assert isinstance(job, LocalJob)  # noqa: S101  # this tuner starts no other
        with job.held:
            self._wait_for_turn(job)
            try:
                base, method = self._catalog.load(job.record.base_model), _method(job.record)
                if isinstance(method, LinearProbe):
                    return self._fit(job, base, method)
                prepared = _prepare(base, job.record, *self.store.rows(job.id))
                tunable, result = self._train(job, base, prepared)
                details = _details(base, prepared, tunable, result)
                limit, rule = prepared.method.max_input_tokens, prepared.rule
                made = _Made(tunable, prepared.template, limit, rule)
                return self._keep(job, made, result.curve, details)
            finally:
                self._turn.release()

    def _wait_for_turn(self, job: LocalJob) -> None:
        while not self._turn.acquire(timeout=0.05):
            if job.stop_requested.is_set():
                raise JobStopped

    def _train(
        self, job: LocalJob, base: BaseLM, prepared: Prepared
    ) -> tuple[Tunable, TrainingResult]:
        reached = CheckpointStore.reached(self._checkpoints(job.id))
        if reached:
            job.emit(TuningEvent(kind="note", message=f"goes on after step {reached}"))
        job.training = Training(
            tunable=start(base, prepared.method, prepared.seed, self._texts),
            examples=prepared.train,
            method=prepared.method,
            seed=prepared.seed,
            validation=prepared.validation,
            checkpoints=CheckpointStore(self._checkpoints(job.id), prepared.signature),
            checkpoint_seconds=self._options.checkpoint_seconds,
            on_event=job.emit,
            should_stop=job.stop_requested.is_set,
        )
        return job.training.tunable, job.training.run()

    def _fit(self, job: LocalJob, base: BaseLM, method: LinearProbe) -> TunedModel:
        def stop_if_asked() -> None:
            if job.stop_requested.is_set():
                raise JobStopped

        record, (train, held_out) = job.record, self.store.rows(job.id)
        fitted = fit_probe(
            base, method, record.labels, record.seed, train, held_out, before_batch=stop_if_asked
        )
        stop_if_asked()
        details = {**model_summary(base), **fitted.facts, "notes": list(fitted.notes)}
        made = _Made(fitted, template_of(base, method), method.max_input_tokens)
        return self._keep(job, made, LearningCurve(), details)

    def _keep(
        self,
        job: LocalJob,
        made: _Made,
        curve: LearningCurve,
        details: dict[str, Any],
    ) -> TunedModel:
        record = job.record
        model = TunedModel(
            # The id of the job: finishing it twice, after a crash, makes one model.
            id=record.id,
            backend=BACKEND,
            base_model=record.base_model,
            method=record.method,
            labels=record.labels,
            job_id=record.id,
            location=f"models/{record.id}",
            curve=curve,
            details=details,
        )
        folder = self.store.model_folder(model.id)
        shutil.rmtree(folder, ignore_errors=True)
        save_tuned(made.weights, made.template, made.max_input_tokens, folder, made.rule)
        self.store.put_model(model)
        # Completed on disk before the checkpoints go, or a crash here would start all over.
        job.record = record.model_copy(update={"model_id": model.id, "status": "completed"})
        self.store.put_job(job.record)
        shutil.rmtree(self._checkpoints(job.id), ignore_errors=True)
        return model


def _prepare(
    base: BaseLM, record: JobRecord, train: Sequence[Row], validation: Sequence[Row] | None
) -> Prepared:
    method = _method(record)
    assert isinstance(method, GradientTuning)  # noqa: S101  # the callers look
    return prepare(base, method, record.labels, record.seed, train, validation)


def _longest_label(base: BaseLM, labels: LabelSet) -> int:
    return max(len(encode_answer(base.tokenizer, labels.surface(label))) for label in labels)


def _check_room(spec: TuningSpec, longest: int) -> None:
    room = spec.generation.max_new_tokens
    if room is not None and room < longest:
        raise ExperimentError(
            f"generation.max_new_tokens is {room}, but the longest label and its end are "
            f"{longest} tokens for {spec.base_model!r}; raise it"
        )


def _job_record(spec: TuningSpec) -> JobRecord:
    return JobRecord(
        id=str(uuid.uuid4()),
        base_model=spec.base_model,
        method={"name": spec.method.name, **spec.method.model_dump(mode="json")},
        labels=spec.labels,
        seed=spec.seed,
    )


def _method(record: JobRecord) -> Method:
    settings = dict(record.method)
    known: dict[str, type[Method]] = {method.name: method for method in METHODS}
    return known[settings.pop("name")].model_validate(settings)


def _details(
    base: BaseLM, prepared: Prepared, tunable: Tunable, result: TrainingResult
) -> dict[str, Any]:
    notes = [*prepared.notes, *tunable.notes]
    if not base.padding_exact:
        notes.append("padding is not exact for this base model: only equal lengths share a batch")
    return {
        **model_summary(base),
        **tunable.facts,
        "trained_parameters": sum(p.numel() for p in tunable.parameters.values()),
        "rows": len(prepared.train),
        "answer_tokens": prepared.rule,
        **({"template": prepared.template} if prepared.method.chat else {}),
        "optimizer_steps": result.steps,
        "stopped_early": result.stopped_early,
        "truncated_rows": prepared.truncated_rows,
        "padding_exact": base.padding_exact,
        "prefix_shared": base.prefix_exact,
        "notes": notes,
    }


def _told(events: Sequence[TuningEvent]) -> LearningCurve:
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


def _until(events: Sequence[TuningEvent], step: int) -> list[TuningEvent]:
    # Steps after the checkpoint are done, and told, again.
    return list(itertools.takewhile(lambda e: e.kind != "step" or (e.step or 0) <= step, events))

"""The tuner: from a spec and rows to a tuned model in the store."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.atomic import naming
from tunesmith.backend import Backend, Tuner, TuningJob
from tunesmith.pipeline.checks import check_submission
from tunesmith.records import Row, TunedModel
from tunesmith_local.catalog import BACKEND, Catalog
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.adapter import save_tuned
from tunesmith_local.methods.method import Trained
from tunesmith_local.methods.prepared import Prepared
from tunesmith_local.methods.registry import artifact_of, method_of, settings_of
from tunesmith_local.model.loading import BaseLM, model_summary
from tunesmith_local.options import LocalOptions
from tunesmith_local.store import JobRecord, Store
from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.job_run import CHECKPOINTS, JobRun
from tunesmith_local.training.jobs import LocalJob, StoredJob, until
from tunesmith_local.training.ranks import Ranks
from tunesmith_local.training.team import check_devices, together

if TYPE_CHECKING:
    from tunesmith.spec import TuningSpec


@dataclass(frozen=True, eq=False)
class Preparation:
    """The result of a check: rows that are encoded, for one spec and these rows alone."""

    tuner: LocalTuner
    spec: TuningSpec
    train: tuple[Row, ...]
    validation: tuple[Row, ...] | None
    prepared: Prepared

    def fits(
        self,
        tuner: LocalTuner,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
    ) -> bool:
        """Return whether it was made by ``tuner`` for an equal spec and equal rows."""
        return (
            self.tuner is tuner
            and _decisive(self.spec) == _decisive(spec)
            and self.train == tuple(train)
            and self.validation == (None if validation is None else tuple(validation))
        )


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
        """Use the models of ``catalog`` and ``store``; ``backend`` declares the capabilities."""
        self.store = store
        self.texts = texts
        self._backend = backend
        self._catalog = catalog
        self._options = options
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
        if not (isinstance(prepared, Preparation) and prepared.fits(self, spec, train, validation)):
            prepared = self.check(spec, train, validation)
        record = _job_record(spec)
        self.store.add_job(record, train, validation)
        return self._start(record, prepared.prepared)

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> Preparation:
        """Read the base model and encode all rows, as a tuning does; no forward pass is made."""
        check_submission(spec, self._backend, train, validation)
        check_devices(self._options)
        base, method = self._catalog.read(spec.base_model), method_of(spec.method)
        method.check_generation(spec.generation)
        prepared = method.prepare(base, spec.method, spec.labels, spec.seed, train, validation)
        held_out = None if validation is None else tuple(validation)
        return Preparation(self, spec, tuple(train), held_out, prepared)

    def resume(self, job_id: str) -> TuningJob:
        """Resume from the last checkpoint; see :meth:`tunesmith.backend.Tuner.resume`.

        A completed or cancelled job is returned unchanged; any other one is resumed.

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
        return self._start(record, None)

    def export(self, model: TunedModel, directory: Path) -> None:
        """Copy the files of ``model`` into ``directory``.

        Raises:
            NotFoundError: the store no longer has the model.
            OSError: a file cannot be written; the error names it.
        """
        self.store.model(model.id)
        folder = self.store.model_folder(model.id)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            copied = directory / file.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            with naming(copied):
                shutil.copyfile(file, copied)

    def adopt(self, folder: Path) -> TunedModel:
        """See ``Tuner.adopt``. The base model is checked when the model is deployed."""
        return self.store.adopt(folder, str(folder))

    def close(self) -> None:
        """Stop the running jobs at their last optimizer step."""
        for job in self._jobs.values():
            job.interrupt()

    def _start(self, record: JobRecord, prepared: Prepared | None) -> LocalJob:
        held = ExitStack()
        held.enter_context(self.store.locked(record.id))
        reached = CheckpointStore.reached(self._checkpoints(record.id))
        events = until(self.store.events(record.id), reached)
        self.store.put_events(record.id, events)
        job = LocalJob(record, self.store, self._work, events, prepared)
        job.held = held
        self._jobs[record.id] = job
        job.start()
        return job

    def _checkpoints(self, job_id: str) -> Path:
        return self.store.job_folder(job_id) / CHECKPOINTS

    def _work(self, job: LocalJob) -> TunedModel:
        with job.held:
            self._wait_for_turn(job)
            try:
                base = self._catalog.load(job.record.base_model)
                method = method_of(settings_of(job.record.method))
                prepared = job.take_prepared() or self._prepared_again(base, job.record)
                with together(self._options, self.store, job.record) as ranks:
                    trained = method.train(base, prepared, self._run(job, ranks))
                return self._keep(job, base, prepared, trained)
            finally:
                self._turn.release()

    def _run(self, job: LocalJob, ranks: Ranks) -> JobRun:
        return JobRun(
            folder=self.store.job_folder(job.id),
            texts=self.texts,
            ranks=ranks,
            checkpoint_seconds=self._options.checkpoint_seconds,
            emit=job.emit,
            should_stop=job.stop_requested.is_set,
            began=job.show,
        )

    def _prepared_again(self, base: BaseLM, record: JobRecord) -> Prepared:
        settings, rows = settings_of(record.method), self.store.rows(record.id)
        method = method_of(settings)
        prepared: Prepared = method.prepare(base, settings, record.labels, record.seed, *rows)
        return prepared

    def _wait_for_turn(self, job: LocalJob) -> None:
        while not self._turn.acquire(timeout=0.05):
            job.stop_if_asked()

    def _keep(
        self, job: LocalJob, base: BaseLM, prepared: Prepared, trained: Trained
    ) -> TunedModel:
        record = job.record
        model = TunedModel(
            # The id of the job: finishing it twice, after a crash, makes one model.
            id=record.id,
            backend=BACKEND,
            base_model=record.base_model,
            method=record.method | {choice.setting: choice.value for choice in trained.choices},
            labels=record.labels,
            job_id=record.id,
            location=f"models/{record.id}",
            curve=trained.curve,
            choices=tuple(trained.choices),
            details={
                **model_summary(base),
                **trained.details,
                "artifact": asdict(artifact_of(settings_of(record.method))),
            },
        )
        folder = self.store.model_folder(model.id)
        shutil.rmtree(folder, ignore_errors=True)
        limit, rule = prepared.max_input_tokens, prepared.rule
        save_tuned(trained.weights, prepared.template, limit, folder, rule)
        self.store.put_model(model)
        # Completed on disk before the checkpoints go, or a crash here would start all over.
        job.record = record.model_copy(update={"model_id": model.id, "status": "completed"})
        self.store.put_job(job.record)
        shutil.rmtree(self._checkpoints(job.id), ignore_errors=True)
        return model


def _decisive(spec: TuningSpec) -> tuple[object, ...]:
    """Return the fields of a spec that decide a preparation: all but its name."""
    settings = spec.method.model_dump()
    return spec.base_model, spec.method.name, settings, spec.labels, spec.generation, spec.seed


def _job_record(spec: TuningSpec) -> JobRecord:
    return JobRecord(
        id=str(uuid.uuid4()),
        base_model=spec.base_model,
        method={"name": spec.method.name, **spec.method.model_dump(mode="json")},
        labels=spec.labels,
        seed=spec.seed,
    )

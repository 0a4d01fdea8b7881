"""The tuner: checks here, writes the job to its folder, and creates a TrainJob."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from tunesmith.backend import Backend, Tuner
from tunesmith.backends.record_folder import RecordFolder
from tunesmith.backends.remote_job import described, undone_on_error
from tunesmith.errors import BackendError, ExperimentError, NotFoundError, first_problem
from tunesmith.pipeline.checks import check_rows, check_submission
from tunesmith.records import Row, TunedModel
from tunesmith.runs.provenance import own_version
from tunesmith.spec import TuningSpec
from tunesmith_kubeflow.connection import Connection
from tunesmith_kubeflow.folder import Job, JobFolder
from tunesmith_kubeflow.job import KubeflowJob
from tunesmith_kubeflow.manifest import manifest
from tunesmith_kubeflow.options import KubeflowOptions
from tunesmith_kubeflow.serving import our_model
from tunesmith_kubeflow.store import JobRecord

_ID = re.compile(r"tunesmith-[0-9a-f]{12}")
"""The name of a TrainJob: pods and hosts get longer names, of at most 63 characters."""


@dataclass(frozen=True)
class Checked:
    """A submission that was checked; the result of ``KubeflowTuner.check``."""

    spec: TuningSpec
    train: tuple[Row, ...]
    validation: tuple[Row, ...] | None

    @classmethod
    def of(
        cls, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None
    ) -> Checked:
        """Return the submission of these arguments."""
        return cls(spec, tuple(train), None if validation is None else tuple(validation))


class KubeflowTuner(Tuner):
    """The tuner on the cluster."""

    def __init__(
        self,
        options: KubeflowOptions,
        connected: Callable[[str | None], Connection],
        jobs: RecordFolder[JobRecord],
        serving: Backend,
        backend: Backend,
    ) -> None:
        """Tune with ``options``.

        Args:
            options: the cluster, the container and the place of the artifacts.
            connected: returns the connection to a namespace; None is that of the options.
            jobs: the jobs of the store.
            serving: checks submissions and gets the tuned models.
            backend: declares the capabilities.
        """
        self._options = options
        self._connected = connected
        self._jobs = jobs
        self._serving = serving
        self._backend = backend

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> KubeflowJob:
        """Check everything, write the job, and create a TrainJob.

        If it cannot be created, the folder of the job is removed.
        """
        if prepared != Checked.of(spec, train, validation):
            self.check(spec, train, validation)
        connection = self._connected(None)
        name = f"tunesmith-{uuid.uuid4().hex[:12]}"
        url = f"{self._options.place}/{name}"
        runtime = connection.runtime()
        image = self._options.image or runtime.trainer.image
        record = JobRecord(
            **described(spec, name, len(train)),
            namespace=connection.namespace,
            url=url,
            image=image,
        )
        job = Job(version=own_version(), spec=spec_values(spec), record=record)
        folder = JobFolder(url)
        # First the record: whatever happens then, the job is found again.
        self._jobs.put(name, record)
        with undone_on_error(partial(self._undo, folder, name)):
            folder.put_job(job, train, validation)
            connection.create(manifest(name, url, image, self._options), runtime)
        return KubeflowJob(record, connection, self._jobs, self._serving)

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> Checked:
        """Check as the backend does that will tune in the pod. Starts nothing."""
        _ = self._options.place  # raises if it is missing
        check_submission(spec, self._backend, train, validation)
        check_rows(spec.labels, train, validation or ())
        place = Path(spec.base_model)
        if place.is_file() or (place / "config.json").is_file():
            raise ExperimentError(
                f"base_model: {spec.base_model} is a file or folder of this machine, which the "
                "pods do not have; give the name of a model of the hub, or of one in the image "
                "(TUNESMITH_MODELS there and here)"
            )
        self._serving.tuner.check(spec, train, validation)
        return Checked.of(spec, train, validation)

    def resume(self, job_id: str) -> KubeflowJob:
        """Follow a job again, from the store or, if it is not there, from the artifacts.

        Raises:
            NotFoundError: it is in neither.
        """
        try:
            record = self._jobs.get(job_id)
        except NotFoundError as error:
            found = self._elsewhere(job_id)
            if found is None:
                raise NotFoundError(f"{error}{self._hint()}") from None
            self._jobs.put(job_id, found)
            record = found
        job = KubeflowJob(record, self._connected(record.namespace), self._jobs, self._serving)
        job.status()
        return job

    def export(self, model: TunedModel, directory: Path) -> None:
        """Copy the files of ``model`` into ``directory``."""
        self._serving.tuner.export(model, directory)

    def adopt(self, folder: Path) -> TunedModel:
        """See ``Tuner.adopt``."""
        return our_model(self._serving.tuner.adopt(folder))

    def _undo(self, folder: JobFolder, name: str) -> None:
        self._jobs.remove(name)
        folder.remove()

    def _elsewhere(self, job_id: str) -> JobRecord | None:
        """Return the record of a job that another machine submitted, if the artifacts have it."""
        # An id is never a path out of the artifacts.
        if self._options.artifacts is None or not _ID.fullmatch(job_id):
            return None
        folder = JobFolder(f"{self._options.artifacts}/{job_id}")
        text = folder.job_text()
        if text is None:
            return None
        try:
            record = Job.from_json(text).record
        except ValidationError as error:
            raise BackendError(
                f"{folder.url}: the job is damaged: {first_problem(error)}"
            ) from None
        # The folder may have another URL on this machine.
        return record.model_copy(update={"url": folder.url})

    def _hint(self) -> str:
        if self._options.artifacts is None:
            return "; the option artifacts finds the jobs of other machines"
        return f"; {self._options.artifacts} has no such job either"


def spec_values(spec: TuningSpec) -> dict[str, object]:
    """Return the fields of a spec as JSON values. An experiment's data stay here."""
    return spec.model_dump(mode="json", include=set(TuningSpec.model_fields))

"""Fine-tuning jobs: checked and kept when they are created, then followed."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from tunesmith.dataset import Dataset
from tunesmith.errors import DatasetError
from tunesmith.methods import Method
from tunesmith.records import Deployment, TuningEvent
from tunesmith_emulator.openai_api.files import Files
from tunesmith_emulator.openai_api.following import Data, Follower, Stop, Workplace
from tunesmith_emulator.openai_api.ledger import Ledger
from tunesmith_emulator.openai_api.requests import NewJob, choose
from tunesmith_emulator.openai_api.store import WAITING, JobRecord, Store, Told, new_id
from tunesmith_emulator.trainings.rows import labels_of, read_rows
from tunesmith_serve.refusals import Problem, Refusal, wrong
from tunesmith_serve.service import Service

MAX_ROWS = 10_000
"""Rows that a job may have."""


class Jobs:
    """The jobs of one server.

    Args:
        service: has the base model and the backend, and serves the tuned models.
        store: keeps the jobs.
        files: have the rows.
        method: of all jobs.
        seed: of a job that names none.
    """

    def __init__(
        self, service: Service, store: Store, files: Files, method: Method, seed: int
    ) -> None:
        self._service = service
        self._store = store
        self._files = files
        self._method = method
        self._seed = seed
        self._ledger = Ledger(store)
        self._followers: dict[str, Follower] = {}
        self._stopping = Event()
        self._place = Workplace(service, store, files, self._ledger, self._data_of, self._stopping)

    def start(self) -> None:
        """Go on with the jobs of an earlier process."""
        for record in reversed(self._ledger.all()):
            if record.status in WAITING:
                self._follow(record)

    def stop(self) -> None:
        """Leave the jobs, which go on at the next start. The backend is closed afterwards."""
        self._stopping.set()
        for follower in self._followers.values():
            follower.join()

    def create(self, body: NewJob) -> JobRecord:
        """Check a job and start it.

        Raises:
            Refusal: 400 or 404, names the field that is wrong.
        """
        self._check_model(body.model)
        data = self._data(body.training_file, body.validation_file)
        asked, place = body.asked()
        chosen = choose(self._method, asked, place, len(data.train.rows))
        settings = chosen.method.model_dump(mode="json", exclude_unset=True)
        job_id = new_id("ftjob")
        record = JobRecord(
            id=job_id,
            model=body.model,
            base_model=self._service.base_model,
            training_file=body.training_file,
            validation_file=body.validation_file,
            method={"name": chosen.method.name, **settings},
            hyperparameters=chosen.hyperparameters,
            seed=self._seed if body.seed is None else body.seed,
            suffix=body.suffix or "",
            metadata=body.metadata,
            told=(
                Told(message=f"Created fine-tuning job: {job_id}"),
                Told(message=f"Validating training file: {body.training_file}"),
            ),
        )
        self._follow(self._ledger.add(record))
        return record

    def get(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            Refusal: 404, there is none.
        """
        return self._ledger.get(job_id)

    def all(self) -> list[JobRecord]:
        """Return the jobs, the newest first."""
        return self._ledger.all()

    def events(self, job_id: str) -> tuple[JobRecord, Sequence[TuningEvent]]:
        """Return a job, and the backend's events about it; see :meth:`get`."""
        record, follower = self._ledger.get(job_id), self._followers.get(job_id)
        live = record.status in WAITING and follower is not None
        return record, follower.events() if live and follower is not None else record.events

    def pause(self, job_id: str) -> JobRecord:
        """Pause a job at its last optimizer step.

        Raises:
            Refusal: 404; 400, it is not under way, or the backend cannot go on with it.
        """
        backend = self._service.backend
        if not self._service.shared.capabilities(self._service.base_model).resumable:
            raise Refusal(400, f"backend {backend.name!r} does not resume a job; cancel it instead")
        return self._stopped(job_id, "paused")

    def resume(self, job_id: str) -> JobRecord:
        """Go on with a paused job.

        Raises:
            Refusal: 404; 400, it is not paused.
        """
        record = self._ledger.get(job_id)
        if record.status != "paused":
            raise _unfit(record, "only a paused job is resumed")
        state = "validating_files" if record.tuning_id is None else "queued"
        told = Told(message="Fine-tuning job resumed")
        record = self._ledger.change(job_id, told, status=state)
        self._follow(record)
        return record

    def cancel(self, job_id: str) -> JobRecord:
        """End a job for good.

        Raises:
            Refusal: 404; 400, it has ended already.
        """
        return self._stopped(job_id, "cancelled")

    def delete_model(self, name: str) -> None:
        """Serve the model of a job no more.

        Raises:
            Refusal: 404, no job made it, or it is deleted.
        """
        self._service.remove(name)
        for record in self._ledger.all():
            path = self._store.model_of(record.id)
            if record.fine_tuned_model == name and path.is_file():
                deployment = Deployment.from_json(path.read_text("utf-8"))
                self._service.backend.deployer.undeploy(deployment)
                path.unlink()

    def _follow(self, record: JobRecord) -> None:
        self._followers[record.id] = Follower(record.id, self._place)

    def _stopped(self, job_id: str, state: Stop) -> JobRecord:
        record, follower = self._ledger.get(job_id), self._followers.get(job_id)
        if record.status == state:
            raise _unfit(record, f"it was {state} before")
        if record.status in WAITING and follower is not None:
            follower.stop(state)
            record = self._ledger.get(job_id)
        if record.status == "paused" and state == "cancelled":
            told = Told(message="Fine-tuning job cancelled")
            record = self._ledger.change(job_id, told, status=state, finished_at=told.time)
        if record.status != state:
            raise _unfit(record, f"it cannot be {state}")
        return record

    def _check_model(self, name: str) -> None:
        try:
            prompt = self._service.model(name)
        except Refusal as error:
            message = f"model: {error.message}"
            problem = Problem(("model",), message)
            raise Refusal(404, message, problems=(problem,), code=error.code) from None
        if prompt is not None:
            raise wrong(
                f"{name!r} is fine-tuned already; name its base model", "model", code="unsupported"
            )

    def _data_of(self, record: JobRecord) -> Data:
        return self._data(record.training_file, record.validation_file)

    def _data(self, training_file: str, validation_file: str | None) -> Data:
        """Read the rows of a job.

        Raises:
            Refusal: 400, names the field of the file that is wrong.
        """
        train = self._rows(training_file, "training_file")
        try:
            labels = labels_of(train)
        except ValueError as error:
            raise wrong(str(error), "training_file", code="invalid_training_file") from None
        if validation_file is None:
            return Data(train, None, labels)
        field, code = "validation_file", "invalid_validation_file"
        if not self._service.shared.capabilities(self._service.base_model).validation:
            name = self._service.backend.name
            raise wrong(f"backend {name!r} takes none; leave it out", field, code="unsupported")
        validation = self._rows(validation_file, field)
        for number, row in enumerate(validation.rows, 1):
            if row.output not in labels:
                text = f"row {number} has the answer {row.output!r:.60}, which no training row has"
                raise wrong(text, field, code=code)
        return Data(train, validation, labels)

    def _rows(self, file_id: str, field: str) -> Dataset:
        name, path = self._files.for_tuning(file_id, field)
        try:
            return read_rows(name, path, MAX_ROWS)
        except DatasetError as error:
            raise wrong(str(error), field, code=f"invalid_{field}") from None


def _unfit(record: JobRecord, why: str) -> Refusal:
    return Refusal(400, f"job {record.id} is {record.status}; {why}", code="invalid_job_state")

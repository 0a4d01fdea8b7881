"""The store: jobs, deployments, and resources to delete later.

    STORE/jobs/ID.json         a tuning: labels, method, uploaded rows, the tuned model
    STORE/deployments/ID.json  a deployment
    STORE/assets/ID            an uploaded file without a job

The service keeps the rest, but not the labels. Without the store a training cannot be resumed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.errors import BackendError, NotFoundError
from tunesmith.labels import LabelSet
from tunesmith.records import Deployment, JobStatus, Record, TunedModel, TuningEvent

R = TypeVar("R", bound=Record)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class JobRecord(Record):
    """A submitted tuning. Its id is the id of the training."""

    id: str
    asset_id: str
    """The uploaded rows."""
    base_model: str
    stand_in: str | None = None
    method: dict[str, Any]
    """``name`` and hyper-parameters, defaults included."""
    labels: LabelSet
    rows: int
    notes: tuple[str, ...] = ()
    status: JobStatus = "queued"
    error: str = ""
    events: tuple[TuningEvent, ...] = ()
    model: TunedModel | None = None


class Store:
    """Reads and writes the store. It lists the jobs and deployments that this instance wrote."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which is made at its first use."""
        self.root = root
        self.own_jobs: set[str] = set()
        self.own_deployments: set[str] = set()

    def put_job(self, job: JobRecord) -> None:
        """Write a job, which includes its uploaded rows."""
        self.own_jobs.add(job.id)
        write_atomically(self._file("jobs", job.id), job.to_json())
        self.remove_asset(job.asset_id)

    def job(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            NotFoundError: no such job in this store.
        """
        return self._read(JobRecord, "jobs", job_id, "tuning job")

    def jobs(self) -> list[JobRecord]:
        """Return all jobs."""
        return [self.job(name) for name in self._names("jobs")]

    def remove_job(self, job_id: str) -> None:
        """Delete a job."""
        self._file("jobs", job_id).unlink(missing_ok=True)

    def put_asset(self, asset_id: str) -> None:
        """Note an uploaded file."""
        path = self.root / "assets" / asset_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def assets(self) -> list[str]:
        """Return the uploaded files without a job."""
        return sorted(path.name for path in (self.root / "assets").glob("*"))

    def remove_asset(self, asset_id: str) -> None:
        """Delete the note of an uploaded file."""
        (self.root / "assets" / asset_id).unlink(missing_ok=True)

    def put_deployment(self, deployment: Deployment) -> None:
        """Write a deployment."""
        self.own_deployments.add(deployment.id)
        write_atomically(self._file("deployments", deployment.id), deployment.to_json())

    def deployment(self, deployment_id: str) -> Deployment:
        """Return a deployment.

        Raises:
            NotFoundError: no such deployment in this store.
        """
        return self._read(Deployment, "deployments", deployment_id, "deployment")

    def deployments(self) -> list[Deployment]:
        """Return all deployments, oldest first."""
        found = [self.deployment(name) for name in self._names("deployments")]
        return sorted(found, key=lambda deployment: (deployment.created_at, deployment.id))

    def remove_deployment(self, deployment_id: str) -> None:
        """Delete a deployment."""
        if _ID.fullmatch(deployment_id):
            self._file("deployments", deployment_id).unlink(missing_ok=True)

    def _file(self, kind: str, name: str) -> Path:
        return self.root / kind / f"{name}.json"

    def _names(self, kind: str) -> list[str]:
        return sorted(path.stem for path in (self.root / kind).glob("*.json"))

    def _read(self, kind: type[R], folder: str, name: str, what: str) -> R:
        # Ids come from records and from the service: they must never be paths out of the store.
        if _ID.fullmatch(name):
            with suppress(FileNotFoundError):
                text = self._file(folder, name).read_text("utf-8")
                try:
                    return kind.from_json(text)
                except ValidationError as error:
                    raise BackendError(
                        f"{what} {name!r} in the store {self.root} is damaged: {error}"
                    ) from error
        raise NotFoundError(
            f"no {what} {name!r} in the store {self.root}; "
            "it was removed, or made in another store (--option store=DIR)"
        )

"""The store: jobs, deployments, and resources to delete later.

    STORE/jobs/ID.json         a tuning: labels, method, uploaded rows, the tuned model
    STORE/deployments/ID.json  a deployment
    STORE/assets/ID            an uploaded file without a job

The service keeps the rest, but not the labels. Without the store a training cannot be resumed.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.backends.record_folder import RecordFolder
from tunesmith.backends.remote_job import RemoteJobRecord
from tunesmith.records import Deployment


class JobRecord(RemoteJobRecord):
    """A submitted tuning. Its id is the id of the training."""

    asset_id: str
    """The uploaded rows."""
    stand_in: str | None = None
    notes: tuple[str, ...] = ()


class Store:
    """Reads and writes the store. It lists the jobs and deployments that this instance wrote."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which is made at its first use."""
        self.root = root
        self._jobs = RecordFolder(root / "jobs", JobRecord, "tuning job")
        self._deployments = RecordFolder(root / "deployments", Deployment, "deployment")
        self.own_jobs: set[str] = set()
        self.own_deployments: set[str] = set()

    def put_job(self, job: JobRecord) -> None:
        """Write a job, which includes its uploaded rows."""
        self.own_jobs.add(job.id)
        self._jobs.put(job.id, job)
        self.remove_asset(job.asset_id)

    def job(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            NotFoundError: no such job in this store.
        """
        return self._jobs.get(job_id)

    def jobs(self) -> list[JobRecord]:
        """Return all jobs."""
        return self._jobs.all()

    def remove_job(self, job_id: str) -> None:
        """Delete a job."""
        self._jobs.remove(job_id)

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
        self._deployments.put(deployment.id, deployment)

    def deployment(self, deployment_id: str) -> Deployment:
        """Return a deployment.

        Raises:
            NotFoundError: no such deployment in this store.
        """
        return self._deployments.get(deployment_id)

    def deployments(self) -> list[Deployment]:
        """Return all deployments, oldest first."""
        found = self._deployments.all()
        return sorted(found, key=lambda deployment: (deployment.created_at, deployment.id))

    def remove_deployment(self, deployment_id: str) -> None:
        """Delete a deployment."""
        self._deployments.remove(deployment_id)

"""The records of the jobs. Threads may share it."""

from __future__ import annotations

from threading import Lock
from typing import Any

from tunesmith.errors import NotFoundError
from tunesmith_emulator.openai_api.store import JobRecord, Store, Told
from tunesmith_serve.refusals import Problem, Refusal


class Ledger:
    """Reads and changes the jobs of ``store``."""

    def __init__(self, store: Store) -> None:
        self._jobs = store.jobs
        self._lock = Lock()

    def get(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            Refusal: 404, there is none.
        """
        try:
            return self._jobs.get(job_id)
        except NotFoundError:
            field = "fine_tuning_job_id"
            message = f"{field}: no fine-tuning job {job_id!r:.80} here"
            problem = Problem((field,), message)
            raise Refusal(404, message, problems=(problem,), code="job_not_found") from None

    def all(self) -> list[JobRecord]:
        """Return the jobs, the newest first."""
        return sorted(self._jobs.all(), key=lambda one: (one.created_at, one.id), reverse=True)

    def add(self, record: JobRecord) -> JobRecord:
        """Keep a new job."""
        self._jobs.put(record.id, record)
        return record

    def change(self, job_id: str, *told: Told, **values: Any) -> JobRecord:
        """Change a job, and tell about it."""
        with self._lock:
            record = self._jobs.get(job_id)
            update = {**values, "told": (*record.told, *told)}
            record = record.model_copy(update=update)
            self._jobs.put(job_id, record)
            return record

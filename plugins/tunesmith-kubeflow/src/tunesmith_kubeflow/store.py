"""The store: the jobs of this machine, and the tuned models and deployments that it serves.

STORE/jobs/ID.json    a job
STORE/serving/        the store of the backend that serves
"""

from __future__ import annotations

from tunesmith.backends.remote_job import RemoteJobRecord

SERVING = "serving"
"""The folder of the serving backend's store, in the store."""


class JobRecord(RemoteJobRecord):
    """A submitted tuning. Its id is the name of its TrainJob."""

    namespace: str
    url: str
    """The folder of the job."""
    image: str
    cancelling: bool = False
    """Whether this backend removed the TrainJob."""

"""The store: jobs, deployments, and what each model offers.

    STORE/jobs/ID.json         a tuning: labels, method, uploaded files, the tuned model
    STORE/deployments/ID.json  a deployment
    STORE/models/ID.json       what a server offers for a model, found once

The provider keeps the rest, but not the labels. Without the store a job cannot be resumed.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.backends.record_folder import RecordFolder
from tunesmith.backends.remote_job import RemoteJobRecord
from tunesmith.records import Deployment
from tunesmith_openai.offers import Offer


class JobRecord(RemoteJobRecord):
    """A submitted tuning. Its id is the id of the provider's job."""

    files: tuple[str, ...]
    """The uploaded rows: for training, and for validation if there are some."""
    told: tuple[str, ...] = ()
    """Ids of the provider's events that are among ``events``."""


class Store:
    """The folders of the store."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which is made at its first use."""
        self.jobs = RecordFolder(root / "jobs", JobRecord, "tuning job")
        self.deployments = RecordFolder(root / "deployments", Deployment, "deployment")
        self.offers = RecordFolder(root / "models", Offer, "model")

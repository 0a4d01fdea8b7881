"""The state of the emulator of OpenAI, which outlives the process.

FOLDER/files/ID.json, ID.bytes    an uploaded file
FOLDER/jobs/ID.json               a fine-tuning job
FOLDER/models/ID.json             the deployment of its model
FOLDER/served-prompts.json        the models that answer (tunesmith-serve writes it)
FOLDER/store/BACKEND              the backend's own store
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tunesmith.backends.record_folder import RecordFolder
from tunesmith.clock import now
from tunesmith.records import Record, TuningEvent

JobState = Literal[
    "validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"
]
WAITING = ("validating_files", "queued", "running")
"""The states of a job that a start of the emulator continues."""
ENDED = ("succeeded", "failed", "cancelled")
_CHARACTERS = string.ascii_letters + string.digits


def new_id(kind: str) -> str:
    """Return a new id, e.g. ``file-3kF…``."""
    return f"{kind}-{''.join(secrets.choice(_CHARACTERS) for _ in range(24))}"


class FileRecord(Record):
    """A file. Its bytes are beside the record."""

    id: str
    filename: str
    """The client's name, which is never a path here."""
    purpose: str
    size: int
    created_at: datetime = Field(default_factory=now)


class Failure(Record):
    """Why a job failed."""

    code: str
    message: str
    param: str | None = None


class Told(Record):
    """Something that the service tells about a job."""

    message: str
    time: datetime = Field(default_factory=now)
    level: Literal["info", "warn", "error"] = "info"


class JobRecord(Record):
    """A fine-tuning job."""

    id: str
    model: str
    """The base model, by the name that the client gave."""
    base_model: str
    """The one that is tuned, by the backend's name."""
    training_file: str
    validation_file: str | None = None
    method: dict[str, Any]
    """The method of tunesmith: ``name`` and settings."""
    hyperparameters: dict[str, Any]
    """In OpenAI's names; what was ``auto`` has its value."""
    seed: int
    suffix: str = ""
    metadata: dict[str, str] | None = None
    status: JobState = "validating_files"
    created_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    error: Failure | None = None
    tuning_id: str | None = None
    """The job of the backend, once it was submitted."""
    told: tuple[Told, ...] = ()
    events: tuple[TuningEvent, ...] = ()
    """Those of the backend, once the job has ended or is paused."""
    fine_tuned_model: str | None = None
    result_files: tuple[str, ...] = ()
    trained_tokens: int | None = None


class Store:
    """The folders."""

    def __init__(self, root: Path) -> None:
        """Use ``root``; its folders are made at their first use."""
        self.root = root
        self.files = RecordFolder(root / "files", FileRecord, "file")
        self.jobs = RecordFolder(root / "jobs", JobRecord, "fine-tuning job")
        self.models = root / "models"

    def bytes_of(self, file_id: str) -> Path:
        """Return the path of the bytes of a file; ``file_id`` is that of a record."""
        return self.root / "files" / f"{file_id}.bytes"

    def model_of(self, job_id: str) -> Path:
        """Return the path of the deployment of a job's model."""
        return self.models / f"{job_id}.json"

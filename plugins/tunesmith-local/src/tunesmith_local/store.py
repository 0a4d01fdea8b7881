"""The store: jobs, tuned models and deployments in files, which outlive the process.

    STORE/jobs/ID/       job.json  train.jsonl  validation.jsonl  events.jsonl  checkpoints/  lock
    STORE/models/ID/     tuned_model.json and the PEFT adapter
    STORE/deployments/   ID.json

Every path inside a record is relative to the store.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tunesmith.atomic import file_lock, folder_atomically, naming, write_atomically
from tunesmith.errors import BackendError, NotFoundError, first_problem
from tunesmith.labels import LabelSet
from tunesmith.records import (
    Deployment,
    JobStatus,
    Record,
    Row,
    TunedModel,
    TuningEvent,
    json_lines,
)
from tunesmith.runs.run import TUNED_MODEL
from tunesmith_local.errors import AdapterError

R = TypeVar("R", bound=Record)
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class JobRecord(Record):
    """A tuning job, with all that starting it again needs beside its rows."""

    id: str
    base_model: str
    method: dict[str, Any]
    """Hyper-parameters as they were set."""
    labels: LabelSet
    seed: int
    status: JobStatus = "queued"
    error: str = ""
    model_id: str | None = None


class Store:
    """Reads and writes the store."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which is made when first needed."""
        self.root = root

    def job_folder(self, job_id: str) -> Path:
        """Return the folder of a job."""
        return self.root / "jobs" / job_id

    def model_folder(self, model_id: str) -> Path:
        """Return the folder of a tuned model."""
        return self.root / "models" / model_id

    def add_job(
        self, job: JobRecord, train: Sequence[Row], validation: Sequence[Row] | None
    ) -> None:
        """Write a new job; ``job.json`` comes last, so a job is there whole or not at all."""
        folder = self.job_folder(job.id)
        write_atomically(folder / "train.jsonl", json_lines(train))
        if validation is not None:
            write_atomically(folder / "validation.jsonl", json_lines(validation))
        self.put_job(job)

    def put_job(self, job: JobRecord) -> None:
        """Write the record of a job."""
        write_atomically(self.job_folder(job.id) / "job.json", job.to_json())

    def job(self, job_id: str) -> JobRecord:
        """Return the record of a job.

        Raises:
            NotFoundError: no such job in this store.
        """
        text = self._text("jobs", job_id, "job.json", "tuning job")
        return self._parsed(JobRecord, text, f"job {job_id!r}")

    def rows(self, job_id: str) -> tuple[list[Row], list[Row] | None]:
        """Return the training and the validation rows of a job."""
        folder = self.job_folder(job_id)
        validation = folder / "validation.jsonl"
        held_out = _rows(validation) if validation.exists() else None
        return _rows(folder / "train.jsonl"), held_out

    def events(self, job_id: str) -> list[TuningEvent]:
        """Return the events of a job; a line that a dying process left unfinished is dropped."""
        path = self.job_folder(job_id) / "events.jsonl"
        events: list[TuningEvent] = []
        with suppress(FileNotFoundError, ValidationError):
            for line in filter(None, path.read_text("utf-8").split("\n")):
                events.append(
                    TuningEvent.model_validate_json(line)
                )  # the events before a broken line are kept
        return events

    def put_events(self, job_id: str, events: Sequence[TuningEvent]) -> None:
        """Write all events of a job again."""
        write_atomically(self.job_folder(job_id) / "events.jsonl", json_lines(events))

    def add_event(self, job_id: str, event: TuningEvent) -> None:
        """Append one event: the whole line, or nothing if the disk is full."""
        path, line = self.job_folder(job_id) / "events.jsonl", json_lines([event]).encode()
        with naming(path), path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                while line:
                    line = line[file.write(line) :]
            except OSError:
                file.truncate(end)  # or the next event would continue half a line
                raise

    def locked(self, job_id: str) -> AbstractContextManager[None]:
        """Hold a job against other processes; a dead process holds nothing.

        Raises:
            BackendError: another process works on it.
        """
        busy = BackendError(
            f"tuning job {job_id!r} is running in another process; wait for that one"
        )
        return file_lock(self.job_folder(job_id) / "lock", busy)

    def put_model(self, model: TunedModel) -> None:
        """Write the record of a tuned model beside its adapter."""
        write_atomically(self.model_folder(model.id) / TUNED_MODEL, model.to_json())

    def adopt(self, folder: Path, source: str) -> TunedModel:
        """Copy the tuned model of an adapter folder into the store; see :meth:`add_model`.

        Args:
            folder: an adapter that tunesmith wrote.
            source: its name in messages.

        Raises:
            NotFoundError: ``folder`` has no record of a tuned model.
            AdapterError: the record is damaged.
        """
        path = folder / TUNED_MODEL
        if not path.is_file():
            raise NotFoundError(
                f"{source}: there is no {TUNED_MODEL}, so it is no adapter that tunesmith "
                "exported; give RUN/adapter, or hub:OWNER/NAME of one that was pushed"
            )
        try:
            model = TunedModel.from_json(path.read_text("utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            reason = first_problem(error) if isinstance(error, ValidationError) else str(error)
            raise AdapterError(f"{source}: {TUNED_MODEL} is damaged: {reason}") from None
        self.add_model(model, folder)
        return model

    def add_model(self, model: TunedModel, folder: Path) -> None:
        """Copy a tuned model, whose files are in ``folder``, into the store; whole or not at all.

        Raises:
            BackendError: its id is not one of this backend, or the store has other weights of
                this id. They may be in use, and ``folder`` may be a damaged copy of them.
        """
        if not _ID.fullmatch(model.id):  # of a stranger's file: it must not lead out of the store
            raise BackendError(f"{folder}: {model.id!r} is no id of a tuned model")
        target = self.model_folder(model.id)
        if target.is_dir():
            if not _same_weights(folder, target):
                raise BackendError(
                    f"{folder}: the store has other weights of the tuned model {model.id!r}; give "
                    "another store with --option store=DIR, or the adapter as it was written"
                )
            return
        with folder_atomically(target) as scratch, naming(target):
            shutil.copytree(folder, scratch, dirs_exist_ok=True)

    def model(self, model_id: str) -> TunedModel:
        """Return a tuned model.

        Raises:
            NotFoundError: no such model in this store.
        """
        text = self._text("models", model_id, TUNED_MODEL, "tuned model")
        return self._parsed(TunedModel, text, f"tuned model {model_id!r}")

    def put_deployment(self, deployment: Deployment) -> None:
        """Write a deployment."""
        write_atomically(self._deployment_file(deployment.id), deployment.to_json())

    def deployment(self, deployment_id: str) -> Deployment:
        """Return a deployment.

        Raises:
            NotFoundError: no such deployment in this store.
        """
        text = self._text("deployments", f"{deployment_id}.json", "", "deployment")
        return self._parsed(Deployment, text, f"deployment {deployment_id!r}")

    def deployments(self) -> list[Deployment]:
        """Return all deployments, oldest first."""
        found: list[Deployment] = []
        for path in (self.root / "deployments").glob("*.json"):
            with suppress(NotFoundError):  # removed while we look
                found.append(self.deployment(path.stem))
        return sorted(found, key=lambda item: (item.created_at, item.id))

    def remove_deployment(self, deployment_id: str) -> None:
        """Remove a deployment, if it is there."""
        if _ID.fullmatch(deployment_id):
            self._deployment_file(deployment_id).unlink(missing_ok=True)

    def _deployment_file(self, deployment_id: str) -> Path:
        return self.root / "deployments" / f"{deployment_id}.json"

    def _text(self, kind: str, name: str, file: str, what: str) -> str:
        shown = name.removesuffix(".json")
        # Ids come from records and from the wire: they must never lead out of the store.
        if _ID.fullmatch(shown):
            with suppress(FileNotFoundError):
                return (self.root / kind / name / file).read_text("utf-8")
        raise NotFoundError(
            f"no {what} {shown!r} in the store {self.root}; "
            "it was removed, or made in another store (--option store=DIR)"
        )

    def _parsed(self, kind: type[R], text: str, what: str) -> R:
        try:
            return kind.from_json(text)
        except ValidationError as error:
            raise BackendError(f"{what} in the store {self.root} is damaged: {error}") from error


def _rows(path: Path) -> list[Row]:
    # Split at the line feed alone: JSON strings may hold other line separators.
    return [Row.from_json(line) for line in path.read_text("utf-8").split("\n") if line]


def _same_weights(folder: Path, other: Path) -> bool:
    names = {path.name for place in (folder, other) for path in place.glob("*.safetensors")}
    _, differing, missing = filecmp.cmpfiles(folder, other, names, shallow=False)
    return not differing and not missing

"""The folder of a job, which this machine and the pod share by a URL.

URL/job.json  train.jsonl  validation.jsonl    written here, read by the pod
URL/adapter/  events.jsonl  outcome.json       written by the pod; the outcome comes last
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import fsspec
from pydantic import Field, ValidationError

from tunesmith.atomic import write_atomically
from tunesmith.clock import now
from tunesmith.errors import BackendError, PluginError, TunesmithError, first_problem
from tunesmith.records import Record, Row, TuningEvent, json_lines
from tunesmith_kubeflow.store import JobRecord

ADAPTER, OUTCOME = "adapter", "outcome.json"
_JOB, _TRAIN, _VALIDATION, _EVENTS = "job.json", "train.jsonl", "validation.jsonl", "events.jsonl"

_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci"}
"""Protocols without folders. To make one there is to make a bucket, even a misspelt one."""


class Job(Record):
    """What a pod needs beside the rows, and what another machine needs to follow the job."""

    version: str
    """Of the tunesmith that submitted it."""
    spec: dict[str, Any]
    record: JobRecord


class Outcome(Record):
    """How the tuning of a pod ended."""

    status: Literal["completed", "failed"]
    error: str = ""
    ended_at: datetime = Field(default_factory=now)


class JobFolder:
    """Reads and writes the folder at ``url``. Every error names it, with a remedy."""

    def __init__(self, url: str) -> None:
        """Find the file system of ``url``; nothing is read.

        Raises:
            PluginError: the package for such URLs is not installed, or there is none.
        """
        self.url = url
        try:
            self._fs, self._path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise PluginError(
                f"artifacts at {url}: {error}; fsspec needs a package for each kind of URL, here "
                "and in the container"
            ) from error
        except Exception as error:  # each file system has its own errors
            raise _failure("connecting to", url, error) from error
        names = self._fs.protocol
        self._has_folders = not _OBJECT_STORES & ({names} if isinstance(names, str) else {*names})

    def put_job(self, job: Job, train: Sequence[Row], validation: Sequence[Row] | None) -> None:
        """Write a job and its rows.

        Raises:
            BackendError: the folder cannot be written.
        """
        self._write(_TRAIN, json_lines(train))
        if validation is not None:
            self._write(_VALIDATION, json_lines(validation))
        self._write(_JOB, job.to_json())

    def job_text(self) -> str | None:
        """Return the text of the job; None if there is no job.

        It is not parsed, because another version may have written it.
        """
        return self._text(_JOB)

    def rows(self) -> tuple[list[Row], list[Row] | None]:
        """Return the training and the validation rows.

        Raises:
            BackendError: they are not there, or damaged.
        """
        train, validation = self._rows(_TRAIN), self._rows(_VALIDATION)
        if train is None:
            raise BackendError(f"{self.url}: there is no {_TRAIN}; submit the tuning again")
        return train, validation

    def put_adapter(self, folder: Path) -> None:
        """Copy the files of ``folder`` to ``adapter/``."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._write(f"{ADAPTER}/{file.relative_to(folder).as_posix()}", file.read_bytes())

    def fetch_adapter(self, folder: Path) -> None:
        """Copy the files of ``adapter/`` into ``folder``.

        Raises:
            BackendError: there is none, or it cannot be read.
        """
        with self._naming("reading"):
            place = self._at(ADAPTER)
            files = {name: self._fs.cat_file(name) for name in self._fs.find(place)}
        for name, content in files.items():
            inner = PurePosixPath(str(name)).relative_to(PurePosixPath(place))
            if ".." in inner.parts:
                raise BackendError(f"{self.url}: {inner} leads out of the adapter")
            write_atomically(folder / inner, content)
        if not files:
            raise BackendError(f"{self.url}/{ADAPTER}: there is no file; submit the tuning again")

    def put_outcome(self, outcome: Outcome, events: Sequence[TuningEvent]) -> None:
        """Write the end of a tuning: the whole outcome is there, or none."""
        self._write(_EVENTS, json_lines(events))
        part = f".{OUTCOME}.part"
        self._write(part, outcome.to_json())
        with self._naming("writing"):
            self._fs.mv(self._at(part), self._at(OUTCOME))

    def outcome(self) -> Outcome | None:
        """Return how the tuning ended; None if it has not.

        Raises:
            BackendError: the folder cannot be read, or the outcome is damaged.
        """
        text = self._text(OUTCOME)
        if text is None:
            return None
        try:
            return Outcome.from_json(text)
        except ValidationError as error:
            raise BackendError(
                f"{self.url}/{OUTCOME} is damaged: {first_problem(error)}; submit the tuning again"
            ) from None

    def events(self) -> list[TuningEvent]:
        """Return the events of a tuning that has ended."""
        return [TuningEvent.from_json(line) for line in self._lines(_EVENTS) or ()]

    def remove(self) -> None:
        """Remove the folder, if it is there."""
        with self._naming("removing"), suppress(FileNotFoundError):
            self._fs.rm(self._path, recursive=True)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _write(self, name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        path = self._at(name)
        with self._naming("writing"):
            if self._has_folders:
                self._fs.makedirs(self._fs._parent(path), exist_ok=True)
            self._fs.pipe_file(path, data)

    def _text(self, name: str) -> str | None:
        with self._naming("reading"):
            # A listing that is kept would hide a new file.
            self._fs.invalidate_cache()
            try:
                return bytes(self._fs.cat_file(self._at(name))).decode()
            except FileNotFoundError:
                return None

    def _lines(self, name: str) -> list[str] | None:
        text = self._text(name)
        # Split at the line feed alone: JSON strings may hold other line separators.
        return None if text is None else [line for line in text.split("\n") if line]

    def _rows(self, name: str) -> list[Row] | None:
        lines = self._lines(name)
        return None if lines is None else [Row.from_json(line) for line in lines]

    @contextmanager
    def _naming(self, doing: str) -> Iterator[None]:
        try:
            yield
        except TunesmithError:
            raise
        except Exception as error:  # each file system has its own errors
            raise _failure(doing, self.url, error) from error


def _failure(doing: str, url: str, error: Exception) -> BackendError:
    told = str(error) or type(error).__name__
    return BackendError(
        f"{doing} {url}: {told}; check the option artifacts, and that the credentials of this "
        "process may write there (for the pods: option secret)"
    )

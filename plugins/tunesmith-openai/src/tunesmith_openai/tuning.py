"""The tuner: checks, uploads the rows as chat messages and starts a job."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from openai import omit

from tunesmith.backend import Backend, Tuner
from tunesmith.backends.remote_job import described, find_record, undone_on_error
from tunesmith.errors import TunesmithError
from tunesmith.labels import LabelSet
from tunesmith.methods import render
from tunesmith.pipeline.checks import check_rows, check_submission
from tunesmith.records import Row
from tunesmith_openai.connection import Connection
from tunesmith_openai.job import OpenAIJob
from tunesmith_openai.store import JobRecord, Store

if TYPE_CHECKING:
    from tunesmith.spec import TuningSpec

_NAMES = {
    "num_epochs": "n_epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
}
"""The provider's names of the hyper-parameters."""
_LONGEST_SUFFIX = 40


class OpenAITuner(Tuner):
    """The tuner at the provider."""

    def __init__(self, connection: Connection, store: Store, backend: Backend) -> None:
        self._connection = connection
        self._store = store
        self._backend = backend

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> OpenAIJob:
        """Check everything, upload the rows and start. A failure deletes the uploaded rows."""
        del prepared  # always None, because ``check`` returns nothing
        self.check(spec, train, validation)
        files: list[str] = []
        with undone_on_error(lambda: self._delete(files)):
            files.append(self._upload(f"{spec.name}-train", spec, train))
            if validation is not None:
                files.append(self._upload(f"{spec.name}-validation", spec, validation))
            job_id = self._start(spec, files)
        record = JobRecord(**described(spec, job_id, len(train)), files=tuple(files))
        self._store.jobs.put(job_id, record)
        return OpenAIJob(record, self._connection, self._store)

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> None:
        """Check the submission. Starts nothing."""
        check_submission(spec, self._backend, train, validation)
        check_rows(spec.labels, train, validation or ())

    def resume(self, job_id: str) -> OpenAIJob:
        """Follow a job again, and continue it if it is paused.

        Raises:
            NotFoundError: it is not in the store; the message tells whether the service has it.
        """
        job = self.find(job_id)
        job.go_on()
        job.status()
        return job

    def find(self, job_id: str) -> OpenAIJob:
        """Return a job of the store as it is.

        Raises:
            NotFoundError: as :meth:`resume`.
        """
        record = find_record(self._store.jobs.get, job_id, self._state, OpenAIJob.noun)
        return OpenAIJob(record, self._connection, self._store)

    def _upload(self, name: str, spec: TuningSpec, rows: Sequence[Row]) -> str:
        content = chat_lines(rows, spec.labels, spec.method.input_template)
        client = self._connection.client
        with self._connection.call(f"uploading {len(rows)} rows"):
            file = client.files.create(file=(f"{name}.jsonl", content), purpose="fine-tune")
        return file.id

    def _start(self, spec: TuningSpec, files: Sequence[str]) -> str:
        given = {theirs: getattr(spec.method, ours) for ours, theirs in _NAMES.items()}
        chosen: Any = {name: value for name, value in given.items() if value is not None}
        suffix = re.sub(r"[^A-Za-z0-9-]+", "-", spec.name).strip("-")[:_LONGEST_SUFFIX]
        # A request that is sent again could start, and bill, a second job.
        client = self._connection.client.with_options(max_retries=0)
        with self._connection.call(f"starting the fine-tuning of {spec.base_model!r}"):
            job = client.fine_tuning.jobs.create(
                model=spec.base_model,
                training_file=files[0],
                validation_file=files[1] if len(files) > 1 else omit,
                method={"type": "supervised", "supervised": {"hyperparameters": chosen}},
                seed=spec.seed,
                suffix=suffix or omit,
            )
        return job.id

    def _delete(self, files: Sequence[str]) -> None:
        for file_id in files:
            with suppress(TunesmithError), self._connection.call("deleting uploaded rows"):
                self._connection.client.files.delete(file_id)

    def _state(self, job_id: str) -> str | None:
        try:
            with self._connection.call(f"asking for job {job_id}"):
                return str(self._connection.client.fine_tuning.jobs.retrieve(job_id).status)
        except TunesmithError:
            return None


def chat_lines(rows: Sequence[Row], labels: LabelSet, template: str) -> bytes:
    """Return ``rows`` as the JSON lines of a fine-tuning file, as UTF-8.

    The user's message is the input in its template, and the assistant's is the text of the label.
    """
    lines = []
    for row in rows:
        messages = [
            {"role": "user", "content": render(template, row.input)},
            {"role": "assistant", "content": labels.surface(str(row.output))},
        ]
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return "".join(lines).encode()

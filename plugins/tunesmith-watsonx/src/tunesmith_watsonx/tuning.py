"""The tuner: checks, uploads the rows and starts a training."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibm_watsonx_ai.helpers import DataConnection

from tunesmith.backend import Backend, Predictor, Tuner, TuningJob
from tunesmith.backends.remote_job import described, find_record, undone_on_error
from tunesmith.errors import BackendError, ExperimentError, UnsupportedError
from tunesmith.labels import LabelSet
from tunesmith.pipeline.checks import check_rows, check_submission
from tunesmith.records import Row
from tunesmith_watsonx.catalog import Catalog, Spec
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.job import WatsonxJob
from tunesmith_watsonx.store import JobRecord, Store

if TYPE_CHECKING:
    from ibm_watsonx_ai.experiment import TuneExperiment

    from tunesmith.spec import TuningSpec

# The arguments of the SDK's ``prompt_tuner``. All are sent, set or not, so that an experiment has
# the same meaning on every backend.
_SENT = (
    "accumulate_steps", "batch_size", "init_method", "init_text", "learning_rate",
    "max_input_tokens", "max_output_tokens", "num_epochs", "verbalizer",
)  # fmt: skip
_LONGEST_NAME = 100


class WatsonxTuner(Tuner):
    """The tuner of soft prompts at the service."""

    def __init__(
        self,
        connection: Connection,
        catalog: Catalog,
        store: Store,
        backend: Backend,
        predictor: Predictor,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._store = store
        self._backend = backend
        self._predictor = predictor

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> TuningJob:
        """Check everything, upload the rows and start. A failure deletes the uploaded rows."""
        del prepared  # always None, because ``check`` returns nothing
        self.check(spec, train, validation)
        model_spec = self._catalog.find(spec.base_model)
        name = f"tunesmith {spec.name}"[: _LONGEST_NAME - 9] + f" {uuid.uuid4().hex[:8]}"
        asset_id = self._upload(name, spec.labels, train)
        with undone_on_error(lambda: self._delete(asset_id)):
            training_id = self._start(name, spec, model_spec, asset_id)
        record = JobRecord(
            **described(spec, training_id, len(train)),
            asset_id=asset_id,
            stand_in=model_spec.info.stand_in,
            notes=tuple(model_spec.notes()),
        )
        self._store.put_job(record)
        return WatsonxJob(record, self._connection, self._store)

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> None:
        """Check the submission, with the service's limits and its tokenizer. Starts nothing."""
        check_submission(spec, self._backend, train, validation)
        self._check_chat(spec)
        self._check_defaults(spec)
        check_rows(spec.labels, train)
        self._check_lengths(spec)

    def resume(self, job_id: str) -> TuningJob:
        """Follow a training again.

        Raises:
            NotFoundError: it is not in the store; the message tells whether the service has it.
        """
        record = find_record(self._store.job, job_id, self._state, WatsonxJob.noun)
        job = WatsonxJob(record, self._connection, self._store)
        job.status()
        return job

    def _upload(self, name: str, labels: LabelSet, train: Sequence[Row]) -> str:
        rows = [{"input": r.input, "output": labels.surface(str(r.output))} for r in train]
        client = self._connection.client
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.json"
            path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
            with self._connection.call(f"uploading {len(train)} training rows"):
                asset = client.data_assets.create(name=path.name, file_path=path)
                asset_id = str(client.data_assets.get_id(asset))
        self._store.put_asset(asset_id)
        return asset_id

    def _delete(self, asset_id: str) -> None:
        with self._connection.call("removing the uploaded rows"):
            self._connection.client.data_assets.delete(asset_id, purge_on_delete=True)
        self._store.remove_asset(asset_id)

    def _start(self, name: str, spec: TuningSpec, model_spec: Spec, asset_id: str) -> str:
        settings = {field: getattr(spec.method, field) for field in _SENT}
        doing = f"starting the tuning of {spec.base_model!r}"
        with self._connection.tune_experiment() as tuning, self._connection.call(doing):
            return _run(tuning, name, model_spec.model_id, settings, asset_id)

    def _check_chat(self, spec: TuningSpec) -> None:
        # ``auto`` would become true, because conversations have no label scores.
        chat = getattr(spec.method, "chat", False)
        if chat is True or (chat and self._backend.capabilities(spec.base_model).chat):
            raise UnsupportedError(
                f"method.chat: {chat!r}, but the service tunes on the text of the verbalizer "
                "alone; set chat: false, or write the chat template into the verbalizer"
            )

    def _check_defaults(self, spec: TuningSpec) -> None:
        # The core checks the settings of the user. Defaults are sent too, and must also be valid.
        ranges = self._backend.capabilities(spec.base_model).hyperparameters
        for field in (*_SENT, "num_virtual_tokens"):
            value = getattr(spec.method, field)
            if not ranges[field].accepts(value):
                raise UnsupportedError(
                    f"method.{field}: {value!r}, its default, is not possible for "
                    f"{spec.base_model!r} here; set it to: {ranges[field]}"
                )

    def _check_lengths(self, spec: TuningSpec) -> None:
        labels, method = spec.labels, spec.method
        try:
            tokens = self._predictor.tokenize(
                spec.base_model, [labels.surface(label) for label in labels]
            )
        except UnsupportedError:
            return  # this release of the service has no tokenizer
        sizes = {label: len(part) + 1 for label, part in zip(labels, tokens, strict=True)}
        longest = max(sizes, key=lambda label: sizes[label])
        limit = getattr(method, "max_output_tokens", None)
        if limit is not None and sizes[longest] > limit:
            raise ExperimentError(
                f"method.max_output_tokens is {limit}, but label {longest!r} and its end are "
                f"{sizes[longest]} tokens for {spec.base_model!r}; raise it"
            )

    def _state(self, job_id: str) -> str | None:
        client = self._connection.client
        try:
            with self._connection.call(f"asking for training {job_id}"):
                details = client.training.get_details(job_id)
        except BackendError:
            return None
        return str(details["entity"]["status"]["state"])


def _run(
    tuning: TuneExperiment, name: str, model_id: str, settings: dict[str, Any], asset_id: str
) -> str:
    tuner = tuning.prompt_tuner(
        name=name,
        task_id="classification",
        base_model=model_id,
        tuning_type=tuning.PromptTuningTypes.PT,
        **settings,
    )
    try:
        tuner.run([DataConnection(data_asset_id=asset_id)], background_mode=True)
    except Exception:
        # ``run`` requests the details afterwards. A training that has started must not be lost.
        if tuner.id is None:
            raise
    return str(tuner.id)

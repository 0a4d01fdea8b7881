"""The model that ``tunesmith predict`` asks: that of a deployment file, or one of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.backend import Backend
from tunesmith.cli.connection import Connection, reopen_backend
from tunesmith.cli.files import read_record
from tunesmith.dataset import load_data
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.readings import chosen_reading
from tunesmith.experiment import Experiment
from tunesmith.pipeline.calibrate import with_calibrated
from tunesmith.pipeline.predict import predict_base, predict_tuned
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.progress import Progress
from tunesmith.records import Deployment, Prediction, Row
from tunesmith.runs.run import Run


@dataclass(frozen=True, slots=True)
class PredictionSource:
    """A model that answers, and the way to ask it."""

    experiment: Experiment
    """That of the run, or for a deployment file one with the settings of its model."""
    deployment: Deployment | None
    """The deployment of the tuned model, if there is one."""
    base: bool
    """Whether to ask the untuned base model."""
    run: Run | None
    backend: str

    @property
    def calibration(self) -> Calibration | None:
        """The calibration of the model that is asked, or None if the run has none."""
        if self.run is None:
            return None
        record, base = self.run.record, self.base or self.deployment is None
        return record.base_calibration if base else record.calibration

    def connect(self, connection: Connection) -> Backend:
        """Connect to the backend that serves the model."""
        if self.run is not None:
            return reopen_backend(self.run, connection.options)
        return connection.open(self.backend)

    def predict(
        self, backend: Backend, rows: tuple[Row, ...], progress: Progress
    ) -> list[Prediction]:
        """Return the predictions for ``rows``, calibrated if the run has a calibration."""
        spec, of = self.experiment, self.deployment
        can = backend.capabilities(spec.base_model)
        answer = chosen_reading(spec.answer, spec.method, can, backend.name)
        if of is not None and not self.base:
            progress.stage("predict tuned")
            found = predict_tuned(spec, backend, rows, of, progress, answer=answer)
        else:
            progress.stage("predict base")
            prompts = base_prompts(spec, backend, rows, self._examples(), of, spec.base_input)
            found = predict_base(spec, backend, rows, prompts, progress, answer=answer)
        return with_calibrated(found, self.calibration) if self.calibration else found

    def _examples(self) -> tuple[Row, ...]:
        # Only a prompting method puts training rows into the prompt.
        spec = self.experiment
        if spec.method.tunes:
            return ()
        return load_data(spec.data, spec.labels, spec.seed, test=False).train.rows


def find_source(path: Path, *, base: bool, generation: Mapping[str, Any]) -> PredictionSource:
    """Return the model of ``path``, a deployment file or a run directory.

    With ``base`` that is the untuned one. ``generation`` replaces parameters of the run.

    Raises:
        RunError: ``path`` is neither of the two, or the run has no deployment.
        ExperimentError: a generation parameter is unknown or wrong.
    """
    if path.is_dir():
        return _of_run(path, base, generation)
    deployment = read_record(Deployment, path, "tunesmith deploy MODEL.json")
    model = deployment.model
    values = {
        "base_model": deployment.base_model,
        "method": model.method,
        "labels": model.labels.model_dump(),
        "generation": generation,
        "data": {"train": str(path)},  # A deployment has no data; only the columns are used.
    }
    experiment = Experiment.from_values(values, source=str(path))
    return PredictionSource(experiment, deployment, base, None, deployment.backend)


def _of_run(path: Path, base: bool, generation: Mapping[str, Any]) -> PredictionSource:
    run = Run.load(path, finished=False)
    values = run.record.experiment
    merged = {**values, "generation": {**values["generation"], **generation}}
    experiment = Experiment.from_record(merged, source=str(path))
    if run.record.chat is not None:
        experiment = experiment.asked_in(run.record.chat.chat)
    deployment = run.record.deployment
    if deployment is None and experiment.method.tunes and not base:
        raise RunError(
            f"{path}: the run has no deployment yet; continue it with: tunesmith resume {path}"
        )
    return PredictionSource(experiment, deployment, base, run, run.record.backend)

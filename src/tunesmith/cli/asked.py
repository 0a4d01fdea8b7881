"""Whom ``tunesmith predict`` asks: a deployment file, or the models of a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.backend import Backend
from tunesmith.cli.connection import open_backend, reopen_backend
from tunesmith.cli.files import read_record
from tunesmith.data_spec import load_data
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.predict import predict_base, predict_tuned
from tunesmith.progress import Progress
from tunesmith.records import Deployment, Prediction, Row
from tunesmith.runs import Run


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that can be asked, and the experiment that says how."""

    experiment: Experiment
    deployment: Deployment | None
    """None where only the base model is asked."""
    run: Run | None
    backend: str

    def connect(
        self, options: Mapping[str, Any], runs_dir: Path
    ) -> AbstractContextManager[Backend]:
        """Connect to the backend that serves the model."""
        if self.run is not None:
            return reopen_backend(self.run, options)
        return open_backend(self.backend, options, runs_dir)

    def predict(
        self, backend: Backend, rows: tuple[Row, ...], progress: Progress
    ) -> list[Prediction]:
        """Ask about ``rows``."""
        if self.deployment is not None:
            progress.stage("predict tuned")
            return predict_tuned(self.experiment, backend, rows, self.deployment, progress)
        progress.stage("predict base")
        return predict_base(self.experiment, backend, rows, self._examples(), progress)

    def _examples(self) -> tuple[Row, ...]:
        # Beside a tuning method the base model gets the bare row, and no training row is needed.
        if self.experiment.method.tunes:
            return ()
        what = self.experiment
        return load_data(what.data, what.labels, what.seed, test=False).train.rows


def find_asked(path: Path, *, base: bool, generation: Mapping[str, Any]) -> Asked:
    """Return what ``path``, a deployment file or a run directory, stands for.

    Args:
        path: the file or directory.
        base: ask the untuned model.
        generation: generation parameters that replace those of the run.

    Raises:
        RunError: neither of the two, or a run without a deployment.
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
        "data": {"train": str(path)},
        "generation": generation,
    }
    experiment = Experiment.from_values(values, source=str(path))
    return Asked(experiment, None if base else deployment, None, deployment.backend)


def _of_run(path: Path, base: bool, generation: Mapping[str, Any]) -> Asked:
    run = Run.load(path, finished=False)
    values = run.record.experiment
    merged = {**values, "generation": {**values["generation"], **generation}}
    experiment = Experiment.from_values(merged, source=str(path))
    deployment = run.record.deployment
    if deployment is None and experiment.method.tunes and not base:
        raise RunError(f"{path}: the run has no deployment yet; go on: tunesmith resume {path}")
    return Asked(experiment, None if base else deployment, run, run.record.backend)

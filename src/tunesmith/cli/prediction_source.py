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
from tunesmith.dataset import load_data
from tunesmith.errors import RunError
from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.readings import chosen_reading
from tunesmith.experiment import Experiment
from tunesmith.pipeline.predict import predict_base, predict_tuned
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.progress import Progress
from tunesmith.records import Deployment, Prediction, Row
from tunesmith.runs.run import Run
from tunesmith.spec import TuningSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that can be asked, and how."""

    spec: TuningSpec
    """An experiment, if a run is asked."""
    deployment: Deployment | None
    """Of the tuned model; None if there is none."""
    base: bool
    """Whether the untuned model under it is asked."""
    run: Run | None
    backend: str

    @property
    def experiment(self) -> Experiment | None:
        """That of the run; None if a deployment is asked."""
        return self.spec if isinstance(self.spec, Experiment) else None

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
        """Ask about ``rows``; probabilities are calibrated if the run was."""
        found = self.calibration
        asked = self._ask(backend, rows, progress)
        if found is None:
            return asked
        return [
            p.model_copy(update={"calibrated": found.apply(p.probabilities)})
            if p.probabilities
            else p
            for p in asked
        ]

    @property
    def calibration(self) -> Calibration | None:
        """Of the model that is asked; None if the run has none."""
        if self.run is None:
            return None
        record, base = self.run.record, self.base or self.deployment is None
        return record.base_calibration if base else record.calibration

    def _ask(self, backend: Backend, rows: tuple[Row, ...], progress: Progress) -> list[Prediction]:
        what, experiment = self.spec, self.experiment
        can = backend.capabilities(what.base_model)
        wanted = experiment.answer if experiment else None
        answer = chosen_reading(wanted, what.method, can, backend.name)
        if self.deployment is not None and not self.base:
            progress.stage("predict tuned")
            return predict_tuned(what, backend, rows, self.deployment, progress, answer=answer)
        progress.stage("predict base")
        reads = experiment.base_input if experiment else "same"
        prompts = base_prompts(what, backend, rows, self._examples(), self.deployment, reads)
        return predict_base(what, backend, rows, prompts, progress, answer=answer)

    def _examples(self) -> tuple[Row, ...]:
        # Beside a tuning method no training row is part of a prompt.
        what = self.experiment
        if what is None or what.method.tunes:
            return ()
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
        "generation": generation,
    }
    spec = TuningSpec.from_values(values, source=str(path))
    return Asked(spec, deployment, base, None, deployment.backend)


def _of_run(path: Path, base: bool, generation: Mapping[str, Any]) -> Asked:
    run = Run.load(path, finished=False)
    values = run.record.experiment
    merged = {**values, "generation": {**values["generation"], **generation}}
    experiment = Experiment.from_record(merged, source=str(path))
    if run.record.chat is not None:
        experiment = experiment.asked_in(run.record.chat.chat)
    deployment = run.record.deployment
    if deployment is None and experiment.method.tunes and not base:
        raise RunError(f"{path}: the run has no deployment yet; go on: tunesmith resume {path}")
    return Asked(experiment, deployment, base, run, run.record.backend)

"""A trial: one experiment, run alone on one backend. A sweep consists of trials."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.audit import find_overlaps
from tunesmith.backends.connect import backend_class, open_backend
from tunesmith.backends.options import redacted, resolve_options
from tunesmith.dataset import DataSpec, ExperimentData, load_data, stratified_split
from tunesmith.errors import BackendError, NotFoundError, TunesmithError, TuningError, reason_of
from tunesmith.experiment import Experiment
from tunesmith.pipeline.checks import Loaded
from tunesmith.progress import SILENT, Progress
from tunesmith.run import Run
from tunesmith.runs.run import RECORD
from tunesmith.sweep import latency
from tunesmith.sweep.costs import Prices, cost_of
from tunesmith.sweep.latency import Latency
from tunesmith.sweep.records import Trial, TrialResult

if TYPE_CHECKING:
    from tunesmith.backend import Backend

TRIALS = "cells"
"""Folder of the runs, and of the backends' stores, in the directory of a sweep."""


class BackendRef(BaseModel):
    """A backend with its options, and the name under which tables show it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    label: str = Field(default="", alias="as")
    options: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    """As given; secrets among them never reach a record."""

    @property
    def shown(self) -> str:
        """The name in tables."""
        return self.label or self.name

    def open(self, runs_dir: Path) -> Backend:
        """Connect; the store is under ``runs_dir`` unless an option names another.

        Raises:
            PluginError: no such backend, or it cannot be imported.
            ExperimentError: an option is unknown or wrong.
        """
        return open_backend(self.name, self.options, runs_dir)

    def recorded(self) -> dict[str, Any]:
        """Return name and given options for a record, secrets as asterisks.

        Raises:
            TunesmithError: as :meth:`open`.
        """
        options = resolve_options(self.name, backend_class(self.name).options_model, self.options)
        shown = redacted(options)
        return {"name": self.name, "options": {key: shown[key] for key in self.options}}


class DataCache:
    """The rows of a sweep. Each data set is loaded, and its overlaps are found, once in a process.

    Two trials may split the same files in different ways; the files are still read once.
    """

    def __init__(self) -> None:
        self._loaded: dict[tuple[DataSpec, str, int], Loaded] = {}

    def load(self, experiment: Experiment) -> Loaded:
        """Return the rows of ``experiment``.

        Raises:
            DatasetError: a file or a row is wrong.
            ExperimentError: the experiment names no test rows.
        """
        # Without a fraction nothing is drawn, and the seed does not matter.
        drawn = experiment.seed if isinstance(experiment.data.validation, float) else 0
        key = (experiment.data, experiment.labels.model_dump_json(), drawn)
        if key not in self._loaded:
            self._loaded[key] = self._new(experiment)
        return self._loaded[key]

    def _new(self, experiment: Experiment) -> Loaded:
        spec, labels, seed = experiment.data, experiment.labels, experiment.seed
        if spec.validation is None:
            data = load_data(spec, labels, seed)
            return Loaded(data, find_overlaps(data.training_file, data.test))
        unsplit = spec.model_copy(update={"validation": None})
        whole = self.load(experiment.model_copy(update={"data": unsplit}))
        if not isinstance(spec.validation, float):
            return replace(whole, data=load_data(spec, labels, seed))
        rows = whole.data.training_file
        train, held_out = stratified_split(rows, spec.validation, seed)
        return replace(whole, data=ExperimentData(train, held_out, whole.data.test, rows))


class Connections:
    """The open backends of a process. Trials of one base model, one at a time, share them.

    So the base model is loaded once. When a trial has another one, all are closed: two would need
    the memory of two.
    """

    def __init__(self, runs_dir: Path) -> None:
        """Make the stores under ``runs_dir``."""
        self._runs_dir = runs_dir
        self._open: dict[str, Backend] = {}
        self._base_model = ""

    def get(self, ref: BackendRef, base_model: str) -> Backend:
        """Connect, or return the backend that is connected already.

        Raises:
            TunesmithError: as :meth:`BackendRef.open`.
        """
        if base_model != self._base_model:
            self.close()
            self._base_model = base_model
        key = ref.model_dump_json()
        if key not in self._open:
            self._open[key] = ref.open(self._runs_dir)
        return self._open[key]

    def close(self) -> None:
        """Close all backends."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process runs trials."""

    folder: Path
    """Directory of the sweep."""
    load: Callable[[Experiment], Loaded]
    connections: Connections


def run_trial(
    trial: Trial,
    ref: BackendRef,
    place: Place,
    prices: Prices | None = None,
    progress: Progress = SILENT,
) -> TrialResult:
    """Run ``trial``, or resume it after a stopped process. A failure is a result.

    ``prices`` are those of the backend, if known.
    """
    try:
        backend = place.connections.get(ref, trial.base_model)
        experiment = Experiment.from_record(trial.experiment)
        loaded = place.load(experiment)
        run = _run(experiment, backend, place.folder / trial.directory, loaded, progress)
        measured, notes = _latency(experiment, backend, run, loaded.data)
        return _priced(_result(trial, backend, run, measured, notes), run, prices)
    except Exception as error:  # noqa: BLE001  # one trial must not end the others
        place.connections.close()  # the next trial does not depend on what failed
        named = "" if isinstance(error, TunesmithError | OSError) else f"{type(error).__name__}: "
        return TrialResult(trial=trial, status="failed", reason=f"{named}{reason_of(error)}")


def repriced(result: TrialResult, folder: Path, prices: Prices | None) -> TrialResult:
    """Return a result with its cost by the prices of today."""
    if result.status != "done":
        return result
    return _priced(result, Run.load(folder / result.trial.directory), prices)


def _priced(result: TrialResult, run: Run, prices: Prices | None) -> TrialResult:
    cost = cost_of(run.record, run.predictions(), prices, costs_money=result.costs_money)
    return result.model_copy(update={"cost": cost})


def _run(
    experiment: Experiment, backend: Backend, directory: Path, loaded: Loaded, progress: Progress
) -> Run:
    if (directory / RECORD).is_file():
        run = Run.load(directory, finished=False)
        if run.record.status == "completed":
            return run
        try:
            return experiment.resume(run, backend, loaded=loaded, progress=progress)
        except (TuningError, NotFoundError):
            # The job itself failed or is lost: it cannot be resumed.
            if run.record.model is not None:
                raise
    shutil.rmtree(directory, ignore_errors=True)  # perhaps stopped before its first record
    return experiment.run_alone(backend, directory, loaded=loaded, progress=progress)


def _result(
    trial: Trial, backend: Backend, run: Run, measured: Latency | None, notes: tuple[str, ...]
) -> TrialResult:
    record, role = run.record, run.record.primary
    capabilities = backend.capabilities(trial.base_model)
    if record.deployment is not None and capabilities.remote:
        backend.deployer.undeploy(record.deployment)
        notes = (*notes, "the deployment was removed after its last answer")
    # In a run about decisions the written text matters little; its own page has it.
    text = record.answer == "text"
    diagnosed = [one.line for one in run.diagnosis() if text or one.kind != "no label"]
    return TrialResult(
        trial=trial,
        status="done",
        evaluation=record.evaluations[role],
        answer=record.answer,
        other_evaluation=record.other_reading and record.other_reading.evaluations.get(role),
        seconds=record.seconds,
        costs_money=capabilities.costs_money,
        latency=measured,
        stand_in=record.stand_in,
        emulated=record.emulated,
        notes=(*trial.notes, *record.notes, *notes, *diagnosed),
    )


def _latency(
    experiment: Experiment, backend: Backend, run: Run, data: ExperimentData
) -> tuple[Latency | None, tuple[str, ...]]:
    rows, train, record = data.test_rows().rows, data.train.rows, run.record
    asked = experiment if record.chat is None else experiment.asked_in(record.chat.chat)
    try:
        measured = latency.measure(asked, backend, rows, train, record.deployment, record.answer)
        return measured, ()
    except BackendError as error:
        # All rows are answered and evaluated; a late failure does not undo that.
        return None, (f"latency was not measured: {error}",)

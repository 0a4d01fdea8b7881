"""A trial: one experiment, run alone on one backend. A sweep consists of trials."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.audit import find_overlaps
from tunesmith.backend import Capabilities
from tunesmith.backends.connect import backend_class, open_backend
from tunesmith.backends.options import redacted, resolve_options
from tunesmith.dataset import DataSpec, ExperimentData, load_data, stratified_split
from tunesmith.errors import (
    BackendError,
    NotFoundError,
    TunesmithError,
    TuningError,
    UnsupportedError,
)
from tunesmith.experiment import Experiment
from tunesmith.labels import LabelSet
from tunesmith.methods import GradientTuning, Method
from tunesmith.pipeline.checks import Loaded, check_experiment
from tunesmith.progress import SILENT, Progress
from tunesmith.runs.directory import slug_of
from tunesmith.runs.run import RECORD, Run
from tunesmith.spec import GenerationParams
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
            PluginError: no such backend, or it cannot be imported.
            ExperimentError: an option is unknown or wrong.
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
        return self._load(experiment.data, experiment.labels, experiment.seed)

    def _load(self, spec: DataSpec, labels: LabelSet, seed: int) -> Loaded:
        # Without a fraction nothing is drawn, and the seed does not matter.
        drawn = seed if isinstance(spec.validation, float) else 0
        key = (spec, labels.model_dump_json(), drawn)
        if key not in self._loaded:
            self._loaded[key] = self._new(spec, labels, seed)
        return self._loaded[key]

    def _new(self, spec: DataSpec, labels: LabelSet, seed: int) -> Loaded:
        if spec.validation is None:
            data = load_data(spec, labels, seed)
            return Loaded(data, find_overlaps(data.training_file, data.test))
        whole = self._load(spec.model_copy(update={"validation": None}), labels, seed)
        if isinstance(spec.validation, str):
            return replace(whole, data=load_data(spec, labels, seed))
        rows = whole.data.training_file
        train, held_out = stratified_split(rows, spec.validation, seed)
        return replace(whole, data=ExperimentData(train, held_out, whole.data.test, rows))


def make_trial(
    experiment: Experiment, ref: BackendRef, backend: Backend, name: str, number: int
) -> Trial:
    """Return the trial of ``experiment``, adapted to what ``backend`` declares.

    Args:
        experiment: with the method of the trial.
        ref: of the backend.
        backend: connected.
        name: of the method in tables.
        number: of the trial, from 1; the name of its directory begins with it.

    Raises:
        NotFoundError: the backend has no such base model.
    """
    capabilities = backend.capabilities(experiment.base_model)
    fitted, notes = _fitted(experiment, ref.shown, capabilities)
    own = f"{ref.shown} {name} seed {experiment.seed}"
    return Trial(
        name=name,
        backend=ref.shown,
        base_model=experiment.base_model,
        seed=experiment.seed,
        experiment=plain(fitted),
        directory=f"{TRIALS}/{number:02d}-{slug_of(own)}",
        # A method without gradients does not change the base model: a prompt, a classifier.
        trains_base_model=isinstance(experiment.method, GradientTuning),
        notes=notes,
    )


def plain(experiment: Experiment) -> dict[str, Any]:
    """Return ``experiment`` as plain values that mean the same in another working directory."""
    absolute = experiment.data.relative_to(Path.cwd())
    return experiment.model_copy(update={"data": absolute, "ladder": ()}).model_dump(
        mode="json", exclude={"ladder"}
    )


def _fitted(
    experiment: Experiment, backend: str, capabilities: Capabilities
) -> tuple[Experiment, tuple[str, ...]]:
    changes: dict[str, Any] = {}
    notes = []
    # A classifier generates nothing; the settings are for language models.
    if not capabilities.generation_parameters:
        changes["generation"] = GenerationParams()
    why = _no_validation(experiment.method, backend, capabilities)
    if experiment.data.validation and why:
        changes["data"] = experiment.data.model_copy(update={"validation": None})
        notes.append(f"{why}: it tunes on all training rows")
    return experiment.model_copy(update=changes), tuple(notes)


def _no_validation(method: Method, backend: str, capabilities: Capabilities) -> str:
    """Return why a method cannot use validation rows; empty if it can."""
    if getattr(method, "early_stopping_patience", None) is not None:
        return ""
    if not capabilities.validation:
        return f"backend {backend!r} takes no validation rows"
    fits_at_once = method.tunes and not isinstance(method, GradientTuning)
    return f"{method.name} does not stop early on validation rows" if fits_at_once else ""


def run_trial(
    trial: Trial,
    ref: BackendRef,
    folder: Path,
    data: DataCache,
    prices: Prices | None = None,
    progress: Progress = SILENT,
) -> TrialResult:
    """Run ``trial``, or resume it after a stopped process. A failure is a result.

    The trial connects to its backend itself. Its time therefore includes loading the base model.

    Args:
        trial: what to run.
        ref: the backend with its options.
        folder: the directory of the sweep.
        data: the rows of the sweep.
        prices: of the backend, if they are known.
        progress: gets every stage.
    """
    try:
        with ref.open(folder / TRIALS) as backend:
            experiment = Experiment.from_record(trial.experiment)
            loaded = data.load(experiment)
            run = _run(experiment, backend, folder / trial.directory, loaded, progress)
            return _result(trial, experiment, backend, run, loaded.data, prices)
    except Exception as error:  # noqa: BLE001  # one trial must not end the others
        named = "" if isinstance(error, TunesmithError) else f"{type(error).__name__}: "
        reason = f"{named}{error}"
        return TrialResult(trial=trial, status="failed", reason=reason)


@contextmanager
def connected(refs: Iterable[BackendRef]) -> Iterator[dict[str, Backend]]:
    """Connect to all backends, to read their capabilities. Their stores are temporary."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        yield {ref.shown: stack.enter_context(ref.open(Path(folder) / ref.shown)) for ref in refs}


def check_trial(trial: Trial, backend: Backend, data: DataCache) -> TrialResult:
    """Return ``trial`` waiting, or skipped if ``backend`` does not offer its settings.

    Raises:
        ExperimentError: its settings cannot work.
        DatasetError: a data file or a row is wrong.
    """
    experiment = Experiment.from_record(trial.experiment)
    try:
        check_experiment(experiment, backend, data.load(experiment).data, experiment.answer)
    except UnsupportedError as error:
        return TrialResult(trial=trial, status="skipped", reason=str(error))
    return TrialResult(trial=trial)


def repriced(result: TrialResult, folder: Path, prices: Prices | None) -> TrialResult:
    """Return a result with its cost by the prices of today."""
    if result.status != "done":
        return result
    run = Run.load(folder / result.trial.directory)
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
    trial: Trial,
    experiment: Experiment,
    backend: Backend,
    run: Run,
    data: ExperimentData,
    prices: Prices | None,
) -> TrialResult:
    record = run.record
    capabilities = backend.capabilities(experiment.base_model)
    measured, notes = _latency(experiment, backend, run, data)
    other = record.other_reading
    if record.deployment is not None and capabilities.remote:
        backend.deployer.undeploy(record.deployment)
        notes = (*notes, "the deployment was removed after its last answer")
    return TrialResult(
        trial=trial,
        status="done",
        evaluation=record.evaluations[record.primary],
        answer=record.answer,
        other_evaluation=other.evaluations.get(record.primary) if other else None,
        seconds=record.seconds,
        cost=cost_of(record, run.predictions(), prices, costs_money=capabilities.costs_money),
        costs_money=capabilities.costs_money,
        latency=measured,
        stand_in=record.stand_in,
        emulated=record.emulated,
        notes=(*trial.notes, *record.notes, *notes, *_diagnosed(run)),
    )


def _diagnosed(run: Run) -> Iterator[str]:
    for symptom in run.diagnosis():
        # In a run about decisions the written text matters little; its own page has it.
        if symptom.kind != "no label" or run.record.answer == "text":
            yield symptom.line


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

"""The method ladder runs every method on one split, cheapest first, and decides if tuning pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.backend import Capabilities
from tunesmith.dataset import ExperimentData
from tunesmith.errors import ExperimentError, UnsupportedError, near_misses
from tunesmith.experiment import Experiment
from tunesmith.hookspecs import LAST
from tunesmith.methods import FewShot, Method, PromptTuning, ZeroShot
from tunesmith.pipeline.checks import answers_untuned, check_experiment
from tunesmith.plugins import method_class, method_entry, registry
from tunesmith.progress import Progress
from tunesmith.progress.notebook import fitting
from tunesmith.sweep.costs import PriceTable
from tunesmith.sweep.executor import Work
from tunesmith.sweep.ladder_verdict import judge
from tunesmith.sweep.planning import Wanted, connected, plan
from tunesmith.sweep.records import LadderRecord, Trial, TrialResult
from tunesmith.sweep.sweep import Sweep, opened
from tunesmith.sweep.trial import BackendRef, DataCache

if TYPE_CHECKING:
    from tunesmith.backend import Backend


def run_ladder(
    experiment: Experiment,
    ref: BackendRef,
    *,
    runs_dir: Path,
    prices: PriceTable | None = None,
    stop_at: float | None = None,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Sweep[LadderRecord]:
    """Run the ladder of ``experiment``; steps that an earlier call finished are kept.

    Args:
        experiment: the settings of its method, and of those of its ``ladder``, are used; other
            methods have their defaults.
        ref: the backend of the base model.
        runs_dir: the folder that gets the ladder's directory.
        prices: by backend.
        stop_at: stop after a step whose 95 % interval of accuracy is at or above it.
        only: names of methods or steps; none: all.
        progress: gets the progress of every step.

    Raises:
        TunesmithError: nothing can be started; a step that fails later is a result.
    """
    experiment = experiment.with_data_in(runs_dir / "data")
    data, prices, shown = DataCache(), prices or {}, fitting(progress)
    refs = {one.shown: one for one in (*_baselines(ref), ref)}
    planned = _planned(experiment, ref, refs, data)
    wanted = _only(planned.results, only)
    changes = {"stop_at": stop_at, "stopped_at": None, "verdict": None}
    with opened(runs_dir, planned, prices, shown, **changes) as sweep:
        trials = _left(sweep, wanted, stop_at)
        work = Work(trials, refs, sweep.directory, data, prices, shown)
        work.do(lambda result: sweep.put(result) and not _reached(sweep, result, stop_at))
        record = sweep.record
        sweep.update(verdict=judge(sweep.directory, record.results, record.stopped_at))
    return sweep


def _left(sweep: Sweep[LadderRecord], wanted: set[str], stop_at: float | None) -> list[Trial]:
    trials = []
    for result in sweep.record.results:
        if result.trial.name in wanted and result.open:
            trials.append(result.trial)
        if _reached(sweep, result, stop_at):
            break  # An earlier call stopped here; only cheaper steps are left to run.
    return trials


def _reached(sweep: Sweep[LadderRecord], result: TrialResult, stop_at: float | None) -> bool:
    if stop_at is None or result.evaluation is None:
        return False
    reached = result.evaluation.accuracy_interval[0] >= stop_at
    if reached:
        sweep.update(stopped_at=result.trial.name)
    return reached


def _baselines(ref: BackendRef) -> Iterator[BackendRef]:
    """Yield the backends of the baselines."""
    for name, entry in registry().backends().items():
        if name != ref.name and any(method.baseline for method in entry.methods):
            yield BackendRef(name=name)


def _planned(
    experiment: Experiment, ref: BackendRef, refs: Mapping[str, BackendRef], data: DataCache
) -> LadderRecord:
    rows = data.load(experiment).data
    with connected(refs.values()) as backends:
        notes = _notes(experiment, backends[ref.shown], rows)
        wanted = [
            Wanted(name, where, experiment.model_copy(update={"method": method}), optional=True)
            for where in refs.values()
            for name, method in _methods(experiment, backends[where.shown])
        ]
        wanted.sort(key=_place)
        return plan(LadderRecord, experiment, wanted, refs, backends, data, notes)


def _place(wanted: Wanted) -> int:
    entry = method_entry(wanted.experiment.method.name)
    return entry.place if entry else LAST


def _notes(experiment: Experiment, backend: Backend, data: ExperimentData) -> list[str]:
    """Return why settings of the file are no step.

    Raises:
        ExperimentError: they are wrong. Those of a step that is added are skipped instead.
    """
    notes = []
    for entry in experiment.ladder:
        try:
            method_class(entry["name"])
        except ExperimentError as error:
            notes.append(f"ladder: {error}")
        else:
            experiment.method_named(entry["name"])
    try:
        check_experiment(experiment, backend, data, experiment.answer)
    except UnsupportedError as error:
        return [f"the method of the experiment is no step: {error}", *notes]
    return notes


def _methods(experiment: Experiment, backend: Backend) -> Iterator[tuple[str, Method]]:
    """Yield name and settings of every step that ``backend`` offers."""
    capabilities = backend.capabilities(experiment.base_model)
    prompting = (ZeroShot.name, FewShot.name) if answers_untuned(capabilities) else ()
    for name in (*capabilities.methods, *prompting):
        method = experiment.method_named(name)
        if isinstance(method, PromptTuning):
            yield from _initialisations(method, capabilities)
        else:
            yield name, method


def _initialisations(
    method: PromptTuning, capabilities: Capabilities
) -> Iterator[tuple[str, Method]]:
    declared = capabilities.hyperparameters.get("init_method")
    if declared is None or not declared.choices:
        yield method.name, method
        return
    given = method.model_dump(exclude_unset=True)
    text = given.pop("init_text", None)
    for choice in declared.choices:
        start = {"init_text": text} if choice == "text" else {}
        if choice != "text" or text:
            settings = {**given, "init_method": choice, **start}
            yield f"{method.name}-{choice}", type(method).model_validate(settings)


def _only(results: Sequence[TrialResult], only: Sequence[str]) -> set[str]:
    """Return the names of the steps that ``only`` names, by step or by method; without it, all.

    Raises:
        UnsupportedError: there is no such step.
    """
    methods = {r.trial.name: r.trial.experiment["method"]["name"] for r in results}
    for name in only:
        if name not in methods and name not in methods.values():
            raise UnsupportedError(
                f"--only {name}: no such step; there are: {', '.join(methods)}."
                f"{near_misses(name, dict.fromkeys([*methods, *methods.values()]))}"
            )
    return {step for step, method in methods.items() if not only or {step, method} & set(only)}

"""The method ladder: every method on one split, cheapest first, and whether tuning is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tunesmith.audit import audit_data
from tunesmith.backend import Capabilities
from tunesmith.dataset import ExperimentData, load_data
from tunesmith.errors import ExperimentError, UnsupportedError, near_misses
from tunesmith.experiment import Experiment
from tunesmith.methods import FewShot, Method, PromptTuning, ZeroShot
from tunesmith.pipeline.checks import check_experiment
from tunesmith.plugins import method_class, registry
from tunesmith.progress import SILENT, Progress
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.costs import PriceTable
from tunesmith.sweep.executor import Work
from tunesmith.sweep.ladder_page import render_ladder
from tunesmith.sweep.ladder_verdict import LadderVerdict, judge
from tunesmith.sweep.sweep import Grid, GridRecord, setup_of
from tunesmith.sweep.sweep_page import HEADERS, cells_of
from tunesmith.sweep.trial import CellResult, Place, check_cell, connected, make_cell

if TYPE_CHECKING:
    from tunesmith.backend import Backend

CLASSIFIERS = "sklearn"
"""The backend of the lowest rungs, where its plugin is installed."""
COST_RANK = (
    "majority", "tfidf_logreg", "linear_probe",  # closed form or convex, beside the base model
    "zero_shot", "few_shot",  # nothing is trained; each answer reads a longer prompt
    "prompt_tuning", "p_tuning", "prefix_tuning",  # gradients for virtual tokens
    "lora", "fine_tuning",  # gradients for weights
)  # fmt: skip
"""Methods from the cheapest to the dearest; one that is not listed stands last."""


class LadderRecord(GridRecord):
    """``ladder.json``. ``results`` are the rungs, cheapest first."""

    kind: ClassVar[str] = "ladder"

    stop_at: float | None = None
    """Climbing stops after a rung whose interval of accuracy lies at or above it."""
    stopped_at: str | None = None
    """The rung that it stopped after."""
    verdict: LadderVerdict | None = None
    """None until climbing ends, and where no rung is done."""

    def table(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        """Return headers and a row for each rung."""
        against = {one.rung: one.line for one in self.verdict.comparisons} if self.verdict else {}
        best = self.verdict.best if self.verdict else None
        results, _ = self.common()
        rows = [
            (
                result.cell.name,
                result.cell.backend,
                *cells_of(result),
                "the best" if result.cell.name == best else against.get(result.cell.name, ""),
            )
            for result in results
        ]
        return ("rung", "backend", *HEADERS, "against the best"), list(rows)

    def remarks(self) -> list[str]:
        """Return the verdict, why rungs are missing, and notes."""
        lines = [self.verdict.sentence, self.verdict.caution] if self.verdict else []
        if self.stopped_at:
            lines.append(
                f"stopped after {self.stopped_at}: its interval lies at or above {self.stop_at:g}; "
                "dearer rungs were not tried"
            )
        missing = (r for r in self.results if r.status in ("failed", "skipped"))
        lines += [f"{r.cell.name} {r.status}: {r.reason}" for r in missing]
        notes = [f"{r.cell.name}: {note}" for r in self.results for note in r.notes]
        every = (*self.reading, *self.notes, *dict.fromkeys(notes))
        return [*lines, *(f"note: {note}" for note in every)]

    def page(self, runs: Sequence[RunRecord]) -> str:
        """See ``GridRecord.page``."""
        return render_ladder(self, runs)


def climb(
    experiment: Experiment,
    place: Place,
    *,
    runs_dir: Path,
    prices: PriceTable | None = None,
    stop_at: float | None = None,
    only: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Grid[LadderRecord]:
    """Climb the ladder of ``experiment``; rungs that an earlier call finished are kept.

    Args:
        experiment: its method, and those of its ``ladder``, are taken as they are set; other
            methods have their defaults.
        place: the backend of the base model.
        runs_dir: the folder that gets the ladder's directory.
        prices: by backend.
        stop_at: stop after a rung whose 95 % interval of accuracy lies at or above it.
        only: names of methods or rungs; none: all.
        progress: is told how it goes.

    Raises:
        TunesmithError: nothing can be started; a rung that fails later is a result.
    """
    planned = _planned(experiment, place)
    wanted = {result.cell.name for result in _only(planned.results, only)}
    grid, found = Grid.find_or_create(runs_dir, planned)
    if found:
        progress.remark(found)
    for result in planned.results:
        if result.status == "skipped":
            progress.cell_ended(result.cell.name, f"skipped: {result.reason}")
    with grid.guarded():
        grid.update(stop_at=stop_at, stopped_at=None, verdict=None)
        grid.reprice(prices or {})
        _climb(grid, wanted, [_classifiers(), place], prices or {}, progress)
        grid.update(verdict=judge(grid.directory, grid.record.results, grid.record.stopped_at))
    return grid


def _climb(
    grid: Grid[LadderRecord],
    wanted: set[str],
    places: Sequence[Place],
    prices: PriceTable,
    progress: Progress,
) -> None:
    def reached(result: CellResult) -> bool:
        target = grid.record.stop_at
        if target is None or result.evaluation is None:
            return False
        return result.evaluation.accuracy_interval[0] >= target

    def told(result: CellResult) -> bool:
        grid.put(result)
        if reached(result):
            grid.update(stopped_at=result.cell.name)
        return not reached(result)

    cells = []
    for result in grid.record.results:
        if result.cell.name in wanted and result.status in ("waiting", "failed"):
            cells.append(result.cell)
        if reached(result):
            # An earlier call came this far; only what is cheaper is left to do.
            grid.update(stopped_at=result.cell.name)
            break
    Work(cells, {p.shown: p for p in places}, grid.directory, prices, progress).do(told)


def _planned(experiment: Experiment, place: Place) -> LadderRecord:
    """Return the record of a ladder that was not begun; every rung is checked."""
    places = [place] if place.name == CLASSIFIERS else [_classifiers(), place]
    if CLASSIFIERS not in registry().backends():
        places = [place]
    data = load_data(experiment.data, experiment.labels, experiment.seed)
    with connected(places) as backends:
        unused = tuple(_unused(experiment))
        trouble = _own_trouble(experiment, backends[place.shown], data)
        rungs = sorted(
            (
                (_rank(method), name, method, where)
                for where in places
                for name, method in _methods(experiment, backends[where.shown])
            ),
            key=lambda rung: rung[0],
        )
        results = [
            _checked(experiment.model_copy(update={"method": method}), where,
                     backends[where.shown], name, number)
            for number, (_, name, method, where) in enumerate(rungs, 1)
        ]  # fmt: skip
    audit = audit_data(data.training_file, data.test, labels=experiment.labels)
    fingerprints = {name: part.fingerprint for name, part in data.parts().items()}
    return LadderRecord(
        name=experiment.name,
        setup=setup_of({p.shown: p.recorded() for p in places}, fingerprints),
        results=tuple(results),
        notes=(*audit.notes, *trouble, *unused),
    )


def _own_trouble(experiment: Experiment, backend: Backend, data: ExperimentData) -> tuple[str, ...]:
    # Wrong settings of the file itself are refused; those of a rung that is added are skipped.
    try:
        check_experiment(experiment, backend, data, experiment.answer)
    except UnsupportedError as error:
        return (f"the experiment as it stands is no rung: {error}",)
    return ()


def _unused(experiment: Experiment) -> Iterator[str]:
    """Yield why entries of the file's ladder are no rung; wrong settings are refused."""
    for entry in experiment.ladder:
        try:
            method_class(entry["name"])
        except ExperimentError as error:
            yield f"ladder: {error}"
        else:
            experiment.method_named(entry["name"])


def _checked(
    experiment: Experiment, place: Place, backend: Backend, name: str, number: int
) -> CellResult:
    cell = make_cell(experiment, place, backend, name, number)
    try:
        return check_cell(cell, backend)
    except ExperimentError as error:
        return CellResult(cell=cell, status="skipped", reason=str(error))


def _classifiers() -> Place:
    return Place(name=CLASSIFIERS)


def _rank(method: Method) -> int:
    return COST_RANK.index(method.name) if method.name in COST_RANK else len(COST_RANK)


def _methods(experiment: Experiment, backend: Backend) -> Iterator[tuple[str, Method]]:
    """Yield name and settings of every rung that ``backend`` offers."""
    capabilities = backend.capabilities(experiment.base_model)
    prompting = (ZeroShot.name, FewShot.name) if capabilities.base_inference else ()
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


def _only(results: Sequence[CellResult], only: Sequence[str]) -> list[CellResult]:
    names = {r.cell.name: r.cell.experiment["method"]["name"] for r in results}
    for name in only:
        if name not in names and name not in names.values():
            known = [*names, *names.values()]
            raise UnsupportedError(
                f"--only {name}: no such rung; there are: {', '.join(names)}."
                f"{near_misses(name, dict.fromkeys(known))}"
            )
    return [r for r in results if not only or {r.cell.name, names[r.cell.name]} & set(only)]

"""The benchmark: every method on every backend, base model and seed, in one table."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tunesmith.audit import audit_data
from tunesmith.dataset import load_data
from tunesmith.errors import ExperimentError, NotFoundError, UnsupportedError
from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Record
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.benchmark_file import Benchmark
from tunesmith.sweep.benchmark_page import render_benchmark
from tunesmith.sweep.costs import UNKNOWN, Cost
from tunesmith.sweep.executor import Work, outcome_text
from tunesmith.sweep.latency import Latency, percentiles
from tunesmith.sweep.sweep import Grid, GridRecord, setup_of
from tunesmith.sweep.sweep_page import cost_text, seconds_text
from tunesmith.sweep.trial import (
    CellResult,
    CellStatus,
    Place,
    check_cell,
    connected,
    in_common,
    make_cell,
)

if TYPE_CHECKING:
    from tunesmith.backend import Backend

HEADERS = (
    "method", "backend", "base model", "seeds", "accuracy", "range", "95 % interval",
    "unparsable", "time", "cost", "p50 a row", "p90", "p99",
)  # fmt: skip
INTERVAL_NOTE = (
    "the interval is Wilson's for one run of the mean accuracy, and speaks of the test rows; the "
    "range is over the seeds. Time and cost are means over the runs"
)


class BenchmarkLine(Record):
    """One method on one backend with one base model, over all seeds."""

    method: str
    backend: str
    base_model: str
    stand_in: str | None = None
    emulated: bool = False
    seeds: tuple[int, ...]
    """Those whose cells are done; the figures are over these."""
    planned: int
    """Seeds asked for."""
    status: CellStatus
    """``done`` where one seed is, else that of the first."""
    accuracy: float | None = None
    """Mean."""
    accuracy_range: tuple[float, float] | None = None
    accuracy_interval: tuple[float, float] | None = None
    """Wilson's 95 % interval for one run of the mean accuracy: the seeds share their test rows."""
    unparsable: float | None = None
    """Mean of unparsable answers, as a share."""
    seconds: float | None = None
    """Mean wall time of all stages."""
    cost: Cost | None = None
    """Mean."""
    latency: Latency | None = None
    """Over the requests of all seeds."""


class BenchmarkRecord(GridRecord):
    """``benchmark.json``."""

    kind: ClassVar[str] = "benchmark"

    lines: tuple[BenchmarkLine, ...] = ()

    def table(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        """Return headers and a row for each line."""
        return HEADERS, [_row(line) for line in self.lines]

    def remarks(self) -> list[str]:
        """Return what is missing and why, and notes."""
        missing = (r for r in self.results if r.status in ("failed", "skipped"))
        said = [f"{r.cell} {outcome_text(r)}" for r in missing]
        notes = [f"{r.cell.name} on {r.cell.backend}: {note}"
                 for r in self.results for note in r.notes]  # fmt: skip
        every = (INTERVAL_NOTE, *self.reading, *self.notes, *dict.fromkeys(notes))
        return [*said, *(f"note: {note}" for note in every)]

    def page(self, runs: Sequence[RunRecord]) -> str:
        """See ``GridRecord.page``."""
        return render_benchmark(self, runs)


def run_benchmark(
    benchmark: Benchmark,
    *,
    runs_dir: Path,
    processes: int | None = None,
    progress: Progress = SILENT,
) -> Grid[BenchmarkRecord]:
    """Run every cell of ``benchmark``; cells that an earlier call finished are kept.

    Args:
        benchmark: what to run.
        runs_dir: the folder that gets the benchmark's directory.
        processes: cells at a time; as the file says by default.
        progress: is told how it goes.

    Raises:
        TunesmithError: something in the file is wrong, and nothing was begun. A cell that fails
            later is a result.
    """
    planned = _planned(benchmark)
    grid, found = Grid.find_or_create(runs_dir, planned)
    if found:
        progress.remark(found)
    for result in planned.results:
        if result.status == "skipped":
            progress.cell_ended(str(result.cell), outcome_text(result))
    with grid.guarded():
        grid.reprice(benchmark.prices)
        _work(grid, benchmark, progress, processes or benchmark.processes)
    return grid


def _work(
    grid: Grid[BenchmarkRecord], benchmark: Benchmark, progress: Progress, processes: int
) -> None:
    def told(result: CellResult) -> bool:
        grid.put(result)
        grid.update(lines=lines_of(grid.record.results))
        return True

    cells = [r.cell for r in grid.record.results if r.status in ("waiting", "failed")]
    grid.update(lines=lines_of(grid.record.results))
    work = Work(cells, benchmark.places, grid.directory, benchmark.prices, progress)
    work.do(told, processes=processes)


def _planned(benchmark: Benchmark) -> BenchmarkRecord:
    """Return the record of a benchmark that was not begun; every cell is checked."""
    recorded = {shown: place.recorded() for shown, place in benchmark.places.items()}
    with connected(benchmark.places.values()) as backends:
        for base_model in benchmark.base_models:
            _refuse_unknown(base_model, backends)
        results = tuple(_results(benchmark, backends))
    if all(result.status == "skipped" for result in results):
        raise UnsupportedError(f"no cell can run; the first one: {results[0].reason}")
    what = benchmark.experiment
    data = load_data(what.data, what.labels, benchmark.seeds[0])
    fingerprints = {name: part.fingerprint for name, part in data.parts().items()}
    return BenchmarkRecord(
        name=benchmark.name,
        setup=setup_of(recorded, fingerprints),
        results=results,
        notes=audit_data(data.training_file, data.test, labels=what.labels).notes,
        lines=lines_of(results),
    )


def _refuse_unknown(base_model: str, backends: dict[str, Backend]) -> None:
    """Refuse a base model that no backend with base models knows.

    Raises:
        NotFoundError: what the first of them says.
    """
    unknown: NotFoundError | None = None
    for backend in backends.values():
        try:
            # A classifier takes any name, so its consent says nothing.
            if backend.capabilities(base_model).base_inference:
                return
        except NotFoundError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown


def _results(benchmark: Benchmark, backends: dict[str, Backend]) -> Iterable[CellResult]:
    every = product(
        benchmark.seeds, benchmark.base_models, benchmark.places.items(), benchmark.methods.items()
    )
    for number, (seed, base_model, (shown, place), (name, method)) in enumerate(every, 1):
        changes = {"seed": seed, "base_model": base_model, "method": method, "name": benchmark.name}
        experiment = benchmark.experiment.model_copy(update=changes)
        yield _checked(experiment, place, backends[shown], name, number)


def _checked(experiment: Any, place: Place, backend: Backend, name: str, number: int) -> CellResult:
    cell = make_cell(experiment, place, backend, name, number)
    try:
        return check_cell(cell, backend)
    except ExperimentError as error:
        raise ExperimentError(f"{cell}: {error}") from None


def lines_of(results: Sequence[CellResult]) -> tuple[BenchmarkLine, ...]:
    """Return a line for each method, backend and base model, in the order of the cells.

    The figures are those of the reading of answers that all cells hold.
    """
    groups: dict[tuple[str, str, str], list[CellResult]] = {}
    for result in in_common(results)[0]:
        cell = result.cell
        groups.setdefault((cell.base_model, cell.name, cell.backend), []).append(result)
    return tuple(_line(group) for group in groups.values())


def _line(group: Sequence[CellResult]) -> BenchmarkLine:
    cell = group[0].cell
    done = [result for result in group if result.status == "done"]
    line = BenchmarkLine(
        method=cell.name,
        backend=cell.backend,
        base_model=cell.base_model,
        seeds=tuple(result.cell.seed for result in done),
        planned=len(group),
        status=(done or group)[0].status,
    )
    return line.model_copy(update=_figures(done)) if done else line


def _figures(done: Sequence[CellResult]) -> dict[str, Any]:
    scores = [result.evaluation for result in done if result.evaluation is not None]
    accuracies = [score.accuracy for score in scores]
    mean, rows = statistics.fmean(accuracies), scores[0].rows
    requests = [t for result in done if result.latency for t in result.latency.requests]
    return {
        "stand_in": done[0].stand_in,
        "emulated": any(result.emulated for result in done),
        "accuracy": mean,
        "accuracy_range": (min(accuracies), max(accuracies)),
        "accuracy_interval": wilson_interval(round(mean * rows), rows),
        "unparsable": statistics.fmean(score.unparsable / score.rows for score in scores),
        "seconds": statistics.fmean(result.total_seconds for result in done),
        "cost": _mean_cost([result.cost or UNKNOWN for result in done]),
        "latency": percentiles(requests) if requests else None,
    }


def _mean_cost(costs: Sequence[Cost]) -> Cost:
    amounts = [cost.amount for cost in costs if cost.amount is not None]
    if len(amounts) < len(costs):
        return UNKNOWN
    return Cost(currency=costs[0].currency, amount=statistics.fmean(amounts))


def _row(line: BenchmarkLine) -> Sequence[str]:
    model = line.base_model + (f" ({line.stand_in} stands in)" if line.stand_in else "")
    backend = line.backend + (" (emulated)" if line.emulated else "")
    named = (line.method, backend, model, f"{len(line.seeds)}/{line.planned}")
    if not line.seeds:
        return (*named, line.status, *[""] * (len(HEADERS) - len(named) - 1))
    return (*named, *_figure_texts(line))


def _figure_texts(line: BenchmarkLine) -> Iterable[str]:
    for pair in ((line.accuracy,), line.accuracy_range or (), line.accuracy_interval or ()):
        yield " to ".join(f"{value:.3f}" for value in pair if value is not None)
    yield f"{line.unparsable or 0:.1%}"
    yield seconds_text(line.seconds or 0)
    yield cost_text(line.cost)
    took = line.latency
    yield from (seconds_text(p) for p in ((took.p50, took.p90, took.p99) if took else ()))
    if not took:
        yield from ("-", "-", "-")

"""The benchmark: every method on every backend, base model and seed, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import NotFoundError, UnsupportedError
from tunesmith.progress import SILENT, Progress
from tunesmith.sweep.benchmark_file import Benchmark
from tunesmith.sweep.executor import Work
from tunesmith.sweep.planning import Wanted, plan
from tunesmith.sweep.records import BenchmarkRecord
from tunesmith.sweep.sweep import Sweep, opened
from tunesmith.sweep.trial import DataCache, connected

if TYPE_CHECKING:
    from tunesmith.backend import Backend


def run_benchmark(
    benchmark: Benchmark,
    *,
    runs_dir: Path,
    processes: int | None = None,
    progress: Progress = SILENT,
) -> Sweep[BenchmarkRecord]:
    """Run every trial of ``benchmark``; trials that an earlier call finished are kept.

    Args:
        benchmark: what to run.
        runs_dir: the folder that gets the benchmark's directory.
        processes: trials at a time; by default the number in the file.
        progress: gets the progress of every trial.

    Raises:
        TunesmithError: something in the file is wrong, and nothing was begun. A trial that fails
            later is a result.
    """
    data = DataCache()
    planned = _planned(benchmark, data)
    with opened(runs_dir, planned, benchmark.prices, progress) as sweep:
        trials = [r.trial for r in sweep.record.results if r.open]
        work = Work(trials, benchmark.refs, sweep.directory, data, benchmark.prices, progress)
        work.do(sweep.put, processes=processes or benchmark.processes)
    return sweep


def _planned(benchmark: Benchmark, data: DataCache) -> BenchmarkRecord:
    changes = {"name": benchmark.name, "seed": benchmark.seeds[0]}
    experiment = benchmark.experiment.model_copy(update=changes)
    with connected(benchmark.refs.values()) as backends:
        for base_model in benchmark.base_models:
            _refuse_unknown(base_model, backends)
        planned = plan(
            BenchmarkRecord, experiment, _wanted(benchmark), benchmark.refs, backends, data
        )
    if all(result.status == "skipped" for result in planned.results):
        raise UnsupportedError(f"no trial can run; the first one: {planned.results[0].reason}")
    return planned


def _wanted(benchmark: Benchmark) -> Iterator[Wanted]:
    for seed, base_model, ref, (name, method) in product(
        benchmark.seeds, benchmark.base_models, benchmark.refs.values(), benchmark.methods.items()
    ):
        changes = {"seed": seed, "base_model": base_model, "method": method, "name": benchmark.name}
        yield Wanted(name, ref, benchmark.experiment.model_copy(update=changes))


def _refuse_unknown(base_model: str, backends: dict[str, Backend]) -> None:
    """Refuse a base model that no backend with base models offers.

    Raises:
        NotFoundError: the error of the first of them.
    """
    unknown: NotFoundError | None = None
    for backend in backends.values():
        try:
            # A classifier takes any name, so its consent means nothing.
            if backend.capabilities(base_model).base_inference:
                return
        except NotFoundError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown

"""``tunesmith ladder`` and ``tunesmith benchmark``: many experiments on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.connection import backend_option, options_option, runs_dir_option
from tunesmith.cli.progress import interruptible, progress
from tunesmith.cli.run import experiment_options
from tunesmith.experiment import Experiment
from tunesmith.runs.run import REPORT
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.sweep.costs import read_prices
from tunesmith.sweep.engines import on_dask
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.page import remarks, table
from tunesmith.sweep.records import AnySweep
from tunesmith.sweep.sweep import Sweep
from tunesmith.sweep.trial import BackendRef

RESUME = "resume with the same command: the trials that are done are kept"


@command("benchmark", example="tunesmith benchmark benchmark.yaml --processes 2")
@click.argument("benchmark", type=PATH)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Trials at a time, each in a process; by default the number in the file.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS|FILE",
    help="A Dask cluster that runs the trials: its address, or the file of its scheduler.",
)
@runs_dir_option
def benchmark(benchmark: Path, processes: int | None, cluster: str | None, runs_dir: Path) -> None:
    """Run every method of BENCHMARK (a YAML file) on every backend, base model and seed.

    Everything is checked before the first trial. A trial that fails is reported, and the others go
    on. The same command again runs only what is not done. The last line printed is the path of
    the report.
    """
    what = Benchmark.from_file(benchmark)
    if processes and cluster:
        raise click.UsageError("--processes and --cluster: each runs the trials; give one")
    if processes or cluster:
        what = replace(what, executor=on_dask(processes, cluster))
    with interruptible(RESUME), progress() as shown:
        sweep = run_benchmark(what, runs_dir=runs_dir, progress=shown)
    _show(sweep)


@command(
    "ladder",
    example="tunesmith ladder experiment.yaml --stop-at 0.9\n"
    "tunesmith ladder experiment.yaml --only zero_shot,prompt_tuning-text",
)
@backend_option
@options_option
@experiment_options
@click.option(
    "--stop-at",
    type=click.FloatRange(0, 1),
    metavar="ACCURACY",
    help="Stop after a step whose 95 % interval of accuracy is at or above ACCURACY.",
)
@click.option("--only", default="", metavar="A,B,…", help="Run only these steps or methods.")
@click.option(
    "--prices",
    type=PATH,
    metavar="FILE",
    help="A price table (YAML); without one, the cost on a backend that costs money is unknown.",
)
@runs_dir_option
def ladder(
    experiment: Experiment,
    backend: str,
    options: dict[str, str],
    stop_at: float | None,
    only: str,
    prices: Path | None,
    runs_dir: Path,
) -> None:
    """Try every method on the data of EXPERIMENT, cheapest first, and decide if tuning is needed.

    Majority class, TF-IDF with logistic regression, prompts, and each tuning method that the
    backend offers, with time, cost and interval. The same command resumes an earlier one that
    was stopped. The last line printed is the path of the report.
    """
    ref = BackendRef(name=backend, options=options)
    price_table = read_prices(prices) if prices else None
    names = [name.strip() for name in only.split(",") if name.strip()]
    with interruptible(RESUME), progress() as shown:
        sweep = run_ladder(
            experiment,
            ref,
            runs_dir=runs_dir,
            prices=price_table,
            stop_at=stop_at,
            only=names,
            progress=shown,
        )
    _show(sweep)


def _show(sweep: Sweep[Any]) -> None:
    places = {"directory": str(sweep.directory), "report": str(sweep.directory / REPORT)}
    screen.emit({**places, **sweep.record.model_dump(mode="json")}, _lines(sweep))


def _lines(sweep: Sweep[Any]) -> Iterator[str]:
    record: AnySweep = sweep.record
    headers, rows = table(record)
    yield f"{record.name}: {record.kind} of {len(record.results)} trials, {record.status}"
    yield ""
    yield from screen.table(headers, rows)
    yield ""
    yield from remarks(record)
    failed = sum(result.status == "failed" for result in record.results)
    if failed:
        yield f"{failed} failed; the same command tries them again"
    yield screen.relative(sweep.directory / REPORT)

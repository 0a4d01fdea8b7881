"""``tunesmith benchmark``: methods, backends, base models and seeds in one table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    backend_option,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.progress import progress
from tunesmith.cli.run import set_option
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.runs.run import REPORT
from tunesmith.sweep.benchmark import run_benchmark
from tunesmith.sweep.benchmark_file import Benchmark
from tunesmith.sweep.costs import read_prices
from tunesmith.sweep.ladder import climb
from tunesmith.sweep.sweep import Grid, GridRecord
from tunesmith.sweep.trial import Place


@command("benchmark", example="tunesmith benchmark benchmark.yaml --processes 2")
@click.argument("benchmark", type=click.Path(path_type=Path))
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cells at a time, each in a process; by default as the file says.",
)
@runs_dir_option
@screen.json_option
def benchmark(benchmark: Path, processes: int | None, runs_dir: Path, as_json: bool) -> None:
    """Run every method of BENCHMARK (a YAML file) on every backend, base model and seed.

    Everything is checked before the first cell. A cell that fails is reported, and the others go
    on. The same command again runs only what is not done. The last line printed is the path of
    the report.
    """
    what = Benchmark.from_file(benchmark)
    with progress() as shown, repeatable("cells"):
        grid = run_benchmark(what, runs_dir=runs_dir, processes=processes, progress=shown)
    screen.emit(as_json, grid_document(grid), lambda: grid_lines(grid))


def grid_document(grid: Grid[Any]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    places = {"directory": str(grid.directory), "report": str(grid.directory / REPORT)}
    return {**places, **grid.record.model_dump(mode="json")}


def grid_lines(grid: Grid[Any]) -> Iterator[str]:
    """Yield the table, what is to be said about it and, last, the path of its page."""
    record: GridRecord = grid.record
    headers, rows = record.table()
    yield f"{record.name}: {record.kind} of {len(record.results)} cells, {record.status}"
    yield ""
    yield from screen.table(headers, rows)
    yield ""
    yield from record.remarks()
    failed = sum(result.status == "failed" for result in record.results)
    if failed:
        yield f"{failed} failed; the same command tries them again"
    yield screen.relative(grid.directory / REPORT)


@contextmanager
def repeatable(what: str) -> Iterator[None]:
    """Say that the same command goes on, when it is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted\ngo on with the same command: the {what} that are done are kept"
        ) from None


@command(
    "ladder",
    example="tunesmith ladder experiment.yaml --stop-at 0.9\n"
    "tunesmith ladder experiment.yaml --only zero_shot,prompt_tuning-text",
)
@click.argument("experiment", type=click.Path(path_type=Path))
@backend_option
@options_option
@set_option
@click.option(
    "--stop-at",
    type=click.FloatRange(0, 1),
    metavar="ACCURACY",
    help="Stop after a rung whose 95 % interval of accuracy lies at or above ACCURACY.",
)
@click.option("--only", default="", metavar="A,B,…", help="Climb these rungs or methods alone.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A price table (YAML); without one, the cost on a backend that costs money is unknown.",
)
@runs_dir_option
@screen.json_option
def ladder(
    experiment: Path,
    backend: str,
    options: tuple[str, ...],
    settings: tuple[str, ...],
    stop_at: float | None,
    only: str,
    prices: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Try every method on the data of EXPERIMENT, cheapest first; say if tuning is needed.

    Majority class, TF-IDF with logistic regression, prompts, and each tuning method that the
    backend offers, with time, cost and interval. The same command goes on where an earlier one
    was stopped. The last line printed is the path of the report.
    """
    what = Experiment.from_file(experiment, parse_overrides(settings))
    place = Place(name=backend, options=parse_options(options))
    with progress() as shown, repeatable("rungs"):
        grid = climb(
            what,
            place,
            runs_dir=runs_dir,
            prices=read_prices(prices) if prices else None,
            stop_at=stop_at,
            only=[name.strip() for name in only.split(",") if name.strip()],
            progress=shown,
        )
    screen.emit(as_json, grid_document(grid), lambda: grid_lines(grid))

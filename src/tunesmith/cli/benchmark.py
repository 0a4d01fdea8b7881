"""``tunesmith benchmark``: methods, backends, base models and seeds in one table."""

from __future__ import annotations

from pathlib import Path

import click

from tunesmith.benchmark import run_benchmark
from tunesmith.benchmark_file import Benchmark
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import runs_dir_option
from tunesmith.cli.grids import grid_document, grid_lines, repeatable
from tunesmith.cli.progress import progress


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

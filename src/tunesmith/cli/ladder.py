"""``tunesmith ladder``: every method on one split, cheapest first."""

from __future__ import annotations

from pathlib import Path

import click

from tunesmith.cells import Place
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    backend_option,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.cli.grids import grid_document, grid_lines, repeatable
from tunesmith.cli.progress import progress
from tunesmith.cli.run import set_option
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.ladder import climb
from tunesmith.prices import read_prices


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

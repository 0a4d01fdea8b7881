"""``tunesmith run``: the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.backend import Backend
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    backend_option,
    open_backend,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.cli.progress import progress, resumable
from tunesmith.cli.results import label_lines, result_lines
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.pipeline.plan import PartPlan, Plan

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the experiment, e.g. method.num_epochs=5; may be repeated.",
)


@command(
    "run",
    example="tunesmith run experiment.yaml --set method.num_epochs=5\n"
    "tunesmith run experiment.yaml --backend sklearn --set method.name=tfidf_logreg",
)
@click.argument("experiment", type=click.Path(path_type=Path))
@backend_option
@options_option
@set_option
@runs_dir_option
@click.option("--dry-run", is_flag=True, help="Check and count everything; tune nothing.")
@screen.json_option
def run(
    experiment: Path,
    backend: str,
    options: tuple[str, ...],
    settings: tuple[str, ...],
    runs_dir: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tune, deploy, predict, evaluate and report what EXPERIMENT (a YAML file) describes.

    Everything that can be checked is checked before anything is tuned or paid for. The last
    line printed is the path of the report.
    """
    what = Experiment.from_file(experiment, parse_overrides(settings))
    with open_backend(backend, parse_options(options), runs_dir) as where:
        if dry_run:
            _show_plan(what, where, as_json)
            return
        with progress() as shown, resumable(shown):
            done = what.run(where, runs_dir=runs_dir, progress=shown)
    screen.emit(as_json, done.summary(), lambda: result_lines(done))


def _show_plan(experiment: Experiment, backend: Backend, as_json: bool) -> None:
    plan = experiment.plan(backend)
    screen.emit(as_json, plan.model_dump(mode="json"), lambda: _plan_lines(plan))


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.name}: {plan.method} on {plan.base_model}, backend {plan.backend}"
    yield ""
    yield from screen.table(
        ("", "rows", "tokens min", "median", "max", "truncated"),
        ((name, *_part_cells(part)) for name, part in plan.data.items()),
        right=5,
    )
    yield ""
    yield from label_lines(plan.labels)
    for note in plan.notes:
        yield f"note: {note}"
    yield "cost: unknown; the backend costs money" if plan.cost is None else "cost: none"
    yield "nothing was tuned; run again without --dry-run"


def _part_cells(part: PartPlan) -> tuple[str, str, str, str, str]:
    counts = part.input_tokens
    if counts is None:
        return (str(part.rows), "?", "?", "?", "?")
    cut = "-" if counts.truncated is None else str(counts.truncated)
    return (str(part.rows), str(counts.minimum), f"{counts.median:g}", str(counts.maximum), cut)

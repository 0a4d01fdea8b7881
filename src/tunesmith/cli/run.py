"""``tunesmith run``, ``resume`` and ``runs``: the whole pipeline, and the runs that it made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from tunesmith.cli import paste, screen
from tunesmith.cli.command import PATH, bundled, command
from tunesmith.cli.connection import (
    Connection,
    connection_options,
    options_option,
    runs_dir_option,
)
from tunesmith.cli.progress import progress, resumable
from tunesmith.cli.results import label_lines, result_lines
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.pipeline.asking import reopen_backend
from tunesmith.pipeline.plan import PartPlan, Plan
from tunesmith.run import Run
from tunesmith.runs.run import RECORD

experiment_options = bundled(
    "experiment",
    partial(Experiment.from_file, note=screen.note),
    click.argument("path", type=PATH, metavar="EXPERIMENT"),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda context, parameter, texts: parse_overrides(texts),
        help="Change a key of the experiment, e.g. method.num_epochs=5; may be repeated.",
    ),
)
"""The experiment file with its changes; a command gets the experiment."""


@command(
    "run",
    example="tunesmith run experiment.yaml --set method.num_epochs=5\n"
    "tunesmith run experiment.yaml --backend sklearn --set method.name=tfidf_logreg",
)
@connection_options
@experiment_options
@click.option("--dry-run", is_flag=True, help="Check and count everything; tune nothing.")
def run(experiment: Experiment, connection: Connection, dry_run: bool) -> None:
    """Run EXPERIMENT (a YAML file): tune, deploy, predict, evaluate and report.

    All checks come before anything is tuned or paid for. The last line of the output is the path of
    the report.
    """
    with connection.open() as backend:
        if dry_run:
            plan = experiment.plan(backend)
            screen.emit(plan, _plan_lines(plan))
            return
        name, options = connection.backend, connection.options
        secrets = paste.option_arguments(options, name, secret=True)
        with progress() as shown, resumable(shown, *secrets):
            done = experiment.run(backend, runs_dir=connection.runs_dir, progress=shown)
    screen.emit(done.summary(), result_lines(done))


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.name}: {plan.method} on {plan.base_model}, backend {plan.backend}"
    yield ""
    headers = ("", "rows", "tokens min", "median", "max", "truncated")
    rows = ((name, *_part_columns(part)) for name, part in plan.data.items())
    yield from screen.table(headers, rows, right=5)
    yield ""
    yield from label_lines(plan.labels)
    for note in plan.notes:
        yield f"note: {note}"
    yield "cost: unknown; the backend costs money" if plan.cost is None else "cost: none"
    yield "nothing was tuned; run again without --dry-run"


def _part_columns(part: PartPlan) -> tuple[str, str, str, str, str]:
    counts = part.input_tokens
    if counts is None:
        return (str(part.rows), "?", "?", "?", "?")
    cut = "-" if counts.truncated is None else str(counts.truncated)
    return (str(part.rows), str(counts.minimum), f"{counts.median:g}", str(counts.maximum), cut)


@command("resume", example="tunesmith resume runs/20261121-093000-reviews-local-3f2a")
@click.argument("run", type=PATH)
@options_option
def resume(run: Path, options: dict[str, str]) -> None:
    """Continue RUN, a run directory. Steps that it has completed are not repeated.

    The run holds the options of its backend, but no secrets: these come from --option, the
    environment or the options file. If the data have changed, the run is not continued.
    """
    found = Run.load(run, finished=False)
    if found.record.status == "completed":
        screen.note(f"{run}: the run is completed; there is nothing left to do")
    else:
        experiment = Experiment.from_record(found.record.experiment, source=str(run))
        given = paste.option_arguments(options, found.record.backend, secret=False)
        with (
            reopen_backend(found, options) as backend,
            progress() as shown,
            resumable(shown, *given),
        ):
            experiment.resume(found, backend, progress=shown)
    screen.emit(found.summary(), result_lines(found))


@command("runs", example="tunesmith runs --runs-dir runs")
@runs_dir_option
def runs(runs_dir: Path) -> None:
    """List the runs, ladders and benchmarks, oldest first.

    One that cannot be read is listed with the reason. One whose process was killed is interrupted.
    """
    from tunesmith.sweep.records import SWEEPS

    names = (RECORD, *(f"{kind}.json" for kind in SWEEPS))
    files = sorted(file for name in names for file in runs_dir.glob(f"*/{name}"))
    found = [_summary(file) for file in files]
    headers = ("run", "status", "method", "backend", "accuracy")
    empty = f"no runs in {runs_dir}; make one with: tunesmith run EXPERIMENT"
    screen.emit(found, screen.table(headers, map(_run_columns, found), right=1, empty=empty))


def _summary(file: Path) -> dict[str, Any]:
    try:
        if file.name != RECORD:
            return _of_sweep(file)
        return Run.load(file.parent, finished=False).summary()
    except RunError as error:
        return {"run_dir": str(file.parent), "status": "unreadable", "error": str(error)}


def _of_sweep(file: Path) -> dict[str, Any]:
    from tunesmith.sweep.records import SWEEPS
    from tunesmith.sweep.sweep import Sweep

    record = Sweep.load(file.parent, SWEEPS[file.stem]).record
    done = sum(result.status == "done" for result in record.results)
    return {
        "run_dir": str(file.parent),
        "status": record.status,
        "name": record.name,
        "kind": record.kind,
        "trials": len(record.results),
        "done": done,
    }


def _run_columns(summary: dict[str, Any]) -> tuple[str, ...]:
    scores = summary.get("tuned") or summary.get("base")
    method = summary.get("method", "-")
    if "kind" in summary:
        method = f"{summary['kind']}, {summary['done']} of {summary['trials']} trials"
    return (
        screen.relative(Path(summary["run_dir"])),
        summary["status"],
        method,
        summary.get("backend", "-"),
        f"{scores['accuracy']:.3f}" if scores else "-",
    )

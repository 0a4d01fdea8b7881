"""``tunesmith run``, ``resume`` and ``runs``: the whole pipeline, and the runs that it made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tunesmith.backend import Backend
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    connection_options,
    open_backend,
    options_option,
    reopen_backend,
    runs_dir_option,
)
from tunesmith.cli.progress import progress, resumable
from tunesmith.cli.results import label_lines, result_lines
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.pipeline.plan import PartPlan, Plan
from tunesmith.runs.run import RECORD, Run

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    callback=lambda context, parameter, texts: parse_overrides(texts),
    help="Change a key of the experiment, e.g. method.num_epochs=5; may be repeated.",
)


@command(
    "run",
    example="tunesmith run experiment.yaml --set method.num_epochs=5\n"
    "tunesmith run experiment.yaml --backend sklearn --set method.name=tfidf_logreg",
)
@click.argument("experiment", type=click.Path(path_type=Path))
@connection_options
@set_option
@click.option("--dry-run", is_flag=True, help="Check and count everything; tune nothing.")
@screen.json_option
def run(
    experiment: Path,
    backend: str,
    options: dict[str, str],
    settings: dict[str, Any],
    runs_dir: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run EXPERIMENT (a YAML file): tune, deploy, predict, evaluate and report.

    All checks come before anything is tuned or paid for. The last line of the output is the path of
    the report.
    """
    what = Experiment.from_file(experiment, settings, screen.note)
    with open_backend(backend, options, runs_dir) as opened:
        if dry_run:
            _show_plan(what, opened, as_json)
            return
        with progress() as shown, resumable(shown):
            done = what.run(opened, runs_dir=runs_dir, progress=shown)
    screen.emit(as_json, done.summary(), lambda: result_lines(done))


def _show_plan(experiment: Experiment, backend: Backend, as_json: bool) -> None:
    plan = experiment.plan(backend)
    screen.emit(as_json, plan.model_dump(mode="json"), lambda: _plan_lines(plan))


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.name}: {plan.method} on {plan.base_model}, backend {plan.backend}"
    yield ""
    yield from screen.table(
        ("", "rows", "tokens min", "median", "max", "truncated"),
        ((name, *_part_columns(part)) for name, part in plan.data.items()),
        right=5,
    )
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
@click.argument("run", type=click.Path(path_type=Path))
@options_option
@screen.json_option
def resume(run: Path, options: dict[str, str], as_json: bool) -> None:
    """Continue RUN, a run directory. Steps that it has completed are not repeated.

    The run holds the options of its backend, but no secrets: these come from --option, the
    environment or the options file. If the data have changed, the run is not continued.
    """
    found = Run.load(run, finished=False)
    if found.record.status == "completed":
        screen.note(f"{run}: the run is completed; there is nothing left to do")
    else:
        _resume(found, options)
    screen.emit(as_json, found.summary(), lambda: result_lines(found))


def _resume(run: Run, options: dict[str, str]) -> None:
    experiment = Experiment.from_record(run.record.experiment, source=str(run.directory))
    with (
        reopen_backend(run, options) as backend,
        progress() as shown,
        resumable(shown),
    ):
        experiment.resume(run, backend, progress=shown)


@command("runs", example="tunesmith runs --runs-dir runs")
@runs_dir_option
@screen.json_option
def runs(runs_dir: Path, as_json: bool) -> None:
    """List the runs, oldest first. A run that cannot be read is listed with the reason."""
    folders = sorted(path.parent for path in runs_dir.glob(f"*/{RECORD}"))
    found = [_summary(folder) for folder in folders]
    screen.emit(as_json, found, lambda: _run_lines(found, runs_dir))


def _summary(folder: Path) -> dict[str, Any]:
    try:
        return Run.load(folder, finished=False).summary()
    except RunError as error:
        return {"run_dir": str(folder), "status": "unreadable", "error": str(error)}


def _run_lines(found: list[dict[str, Any]], runs_dir: Path) -> list[str]:
    if not found:
        return [f"no runs in {runs_dir}; make one with: tunesmith run EXPERIMENT"]
    headers = ("run", "status", "method", "backend", "accuracy")
    return screen.table(headers, map(_run_columns, found), right=1)


def _run_columns(summary: dict[str, Any]) -> tuple[str, ...]:
    scores = summary.get("tuned") or summary.get("base")
    return (
        screen.relative(Path(summary["run_dir"])),
        summary["status"],
        summary.get("method", "-"),
        summary.get("backend", "-"),
        f"{scores['accuracy']:.3f}" if scores else "-",
    )

"""``tunesmith resume``: goes on where a run was stopped."""

from __future__ import annotations

from pathlib import Path

import click

from tunesmith.backend import Backend
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import options_option, parse_options, reopen_backend
from tunesmith.cli.interruption import resumable
from tunesmith.cli.progress import progress
from tunesmith.cli.results import result_lines
from tunesmith.data_spec import ExperimentData, load_data
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.runs import Run


@command("resume", example="tunesmith resume runs/20261121-093000-reviews-local-3f2a")
@click.argument("run", type=click.Path(path_type=Path))
@options_option
@screen.json_option
def resume(run: Path, options: tuple[str, ...], as_json: bool) -> None:
    """Go on with RUN, a run directory; what it holds already is not done again.

    Options of the backend are those of the run; secrets come from --option, the environment or
    the options file. Changed data are refused.
    """
    found = Run.load(run, finished=False)
    if found.record.status == "completed":
        screen.note(f"{run}: the run is completed; there is nothing left to do")
    else:
        _go_on(found, options)
    screen.emit(as_json, found.summary(), lambda: result_lines(found))


def _go_on(run: Run, options: tuple[str, ...]) -> None:
    experiment = Experiment.from_values(run.record.experiment, source=str(run.directory))
    data = load_data(experiment.data, experiment.labels, experiment.seed)
    _refuse_changed_data(run, data)
    with reopen_backend(run, parse_options(options)) as backend:
        _forget_lost_job(run, backend)
        with progress() as shown, resumable(shown):
            shown.started(run.directory)
            experiment.carry_on(run, backend, data, shown)


def _refuse_changed_data(run: Run, data: ExperimentData) -> None:
    parts = data.parts()
    for name, recorded in run.record.data.items():
        part = parts.get(name)
        if part is None or part.fingerprint != recorded.fingerprint:
            raise RunError(
                f"{recorded.source}: the {name} data are not those that the run began with "
                f"({recorded.rows} rows then, {len(part) if part else 0} now); restore the file, "
                "or start anew with: tunesmith run"
            )


def _forget_lost_job(run: Run, backend: Backend) -> None:
    # Where nothing can be resumed and nothing was paid for, tuning again is going on.
    can = backend.capabilities(run.record.base_model)
    if run.record.job_id and run.record.model is None and not can.resumable and not can.costs_money:
        run.update(job_id=None)
        run.note(f"backend {backend.name!r} cannot resume a tuning: it was started again")

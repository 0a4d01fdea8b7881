"""``tunesmith resume``: goes on where a run was stopped."""

from __future__ import annotations

from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import options_option, parse_options, reopen_backend
from tunesmith.cli.progress import progress, resumable
from tunesmith.cli.results import result_lines
from tunesmith.experiment import Experiment
from tunesmith.runs.run import Run


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
    experiment = Experiment.from_record(run.record.experiment, source=str(run.directory))
    with (
        reopen_backend(run, parse_options(options)) as backend,
        progress() as shown,
        resumable(shown),
    ):
        experiment.resume(run, backend, progress=shown)

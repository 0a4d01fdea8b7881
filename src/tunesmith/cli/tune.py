"""``tunesmith tune``: only the tuning, for a deployment on another day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.backend import Backend, TuningJob
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    backend_option,
    open_backend,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.files import write_record
from tunesmith.cli.progress import progress
from tunesmith.cli.run import set_option
from tunesmith.dataset import load_data
from tunesmith.experiment import Experiment
from tunesmith.experiment_file import parse_overrides
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import check_experiment, submit
from tunesmith.progress import SILENT
from tunesmith.records import TunedModel


@command("tune", example="tunesmith tune experiment.yaml -o model.json")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("model.json"),
    show_default=True,
    help="Where the record of the tuned model goes.",
)
@click.option("--job", metavar="ID", help="Take up a job that was submitted before.")
@backend_option
@options_option
@set_option
@runs_dir_option
@screen.json_option
def tune(
    experiment: Path,
    output: Path,
    job: str | None,
    backend: str,
    options: tuple[str, ...],
    settings: tuple[str, ...],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Tune what EXPERIMENT describes and write the record of the tuned model.

    Needs no test file. The next step is: tunesmith deploy model.json
    """
    what = Experiment.from_file(experiment, parse_overrides(settings))
    with open_backend(backend, parse_options(options), runs_dir) as where:
        under_way = where.tuner.resume(job) if job else _submit(what, where)
        screen.note(f"job {under_way.id}")
        model = _wait(under_way, f"tunesmith tune {experiment} --backend {backend}")
    write_record(model, output)
    screen.emit(as_json, model.model_dump(mode="json"), lambda: _lines(model, output))


def _submit(experiment: Experiment, backend: Backend) -> TuningJob:
    data = load_data(experiment.data, experiment.labels, experiment.seed, test=False)
    prepared = check_experiment(experiment, backend, data, experiment.answer).prepared
    chosen = choose_chat(experiment, backend, data.train.rows, SILENT)
    if chosen is not None:
        screen.note(f"chat template: {'yes' if chosen.chat else 'no'}; {chosen.why}")
        experiment = experiment.asked_in(chosen.chat)
    return submit(experiment, backend, data, prepared)


def _wait(job: TuningJob, command_line: str) -> TunedModel:
    try:
        with progress() as shown:
            shown.stage("tune")
            return job.wait(shown.tuning)
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted\ngo on with: {command_line} --job {job.id}"
        ) from None


def _lines(model: TunedModel, output: Path) -> Iterator[str]:
    yield f"model {model.id}: {model.method['name']} on {model.base_model}, {model.backend}"
    for note in model.details.get("notes", ()):
        yield f"note: {note}"
    yield f"next: tunesmith deploy {screen.relative(output)}"
    yield screen.relative(output)

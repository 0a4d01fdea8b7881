"""Single steps of a run: ``tunesmith tune``, ``deploy``, ``undeploy`` and ``deployments``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tunesmith.backend import Backend, TuningJob
from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    connection_options,
    open_backend,
    options_option,
    reopen_backend,
    runs_dir_option,
)
from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.files import output_option, read_record, write_record
from tunesmith.cli.progress import progress
from tunesmith.cli.run import set_option
from tunesmith.dataset import load_data
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import check_experiment, submit
from tunesmith.progress import SILENT
from tunesmith.records import Deployment, TunedModel
from tunesmith.runs.run import Run


@command("tune", example="tunesmith tune experiment.yaml -o model.json")
@click.argument("experiment", type=click.Path(path_type=Path))
@output_option("The file for the record of the tuned model.", "model.json")
@click.option("--job", metavar="ID", help="Wait for a job that was submitted before.")
@connection_options
@set_option
@screen.json_option
def tune(
    experiment: Path,
    output: Path,
    job: str | None,
    backend: str,
    options: dict[str, str],
    settings: dict[str, Any],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Tune the model of EXPERIMENT (a YAML file) and write the record of the tuned model.

    A test file is not needed. The next step is: tunesmith deploy model.json
    """
    what = Experiment.from_file(experiment, settings, screen.note)
    with open_backend(backend, options, runs_dir) as opened:
        submitted = opened.tuner.resume(job) if job else _submit(what, opened)
        screen.note(f"job {submitted.id}")
        model = _wait(submitted, f"tunesmith tune {experiment} --backend {backend}")
    write_record(model, output)
    screen.emit(as_json, model.model_dump(mode="json"), lambda: _model_lines(model, output))


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
            f"interrupted\ncontinue with: {command_line} --job {job.id}"
        ) from None


def _model_lines(model: TunedModel, output: Path) -> Iterator[str]:
    yield f"model {model.id}: {model.method['name']} on {model.base_model}, {model.backend}"
    for note in model.details.get("notes", ()):
        yield f"note: {note}"
    yield f"next: tunesmith deploy {screen.relative(output)}"
    yield screen.relative(output)


@command("deploy", example="tunesmith deploy model.json -o deployment.json")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the deployment; by default the model's id.")
@output_option("The file for the record of the deployment.", "deployment.json")
@options_option
@runs_dir_option
@screen.json_option
def deploy(
    model: Path,
    name: str | None,
    output: Path,
    options: dict[str, str],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Deploy MODEL (a file of "tunesmith tune") on its backend and wait until it answers.

    The next step is: tunesmith predict deployment.json DATA
    """
    tuned = read_record(TunedModel, model, "tunesmith tune EXPERIMENT")
    with open_backend(tuned.backend, options, runs_dir) as backend:
        deployment = backend.deployer.deploy(tuned, name or tuned.id)
    write_record(deployment, output)
    lines = (
        f"deployment {deployment.id}: {deployment.name} on {deployment.backend}",
        f"next: tunesmith predict {screen.relative(output)} DATA",
        screen.relative(output),
    )
    screen.emit(as_json, deployment.model_dump(mode="json"), lambda: lines)


@command(
    "undeploy",
    example="tunesmith undeploy deployment.json\ntunesmith undeploy 3f2a --backend local",
)
@click.argument("deployment")
@connection_options
@screen.json_option
def undeploy(
    deployment: str, backend: str, options: dict[str, str], runs_dir: Path, as_json: bool
) -> None:
    """Remove DEPLOYMENT: an id, a deployment.json or a run directory.

    A file or a run names its backend; an id needs --backend. If the deployment of a file or a run
    is already gone, that is not an error.
    """
    path = Path(deployment)
    recorded = None
    if path.is_dir():
        run = Run.load(path, finished=False)
        recorded, opened = _deployment_of(run), reopen_backend(run, options)
    elif path.is_file():
        recorded = read_record(Deployment, path, "tunesmith deploy MODEL.json")
        opened = open_backend(recorded.backend, options, runs_dir)
    else:
        opened = open_backend(backend, options, runs_dir)
    with opened:
        gone = recorded or opened.deployer.get(deployment)
        opened.deployer.undeploy(gone)
    document = {"undeployed": gone.id, "name": gone.name, "backend": gone.backend}
    screen.emit(as_json, document, lambda: [f"undeployed {gone.id} ({gone.name}, {gone.backend})"])


def _deployment_of(run: Run) -> Deployment:
    if run.record.deployment is None:
        raise RunError(f"{run.directory}: the run has no deployment, so there is none to remove")
    return run.record.deployment


@command("deployments", example="tunesmith deployments --backend sklearn")
@connection_options
@screen.json_option
def deployments(backend: str, options: dict[str, str], runs_dir: Path, as_json: bool) -> None:
    """List the deployments of a backend, oldest first."""
    with open_backend(backend, options, runs_dir) as opened:
        found = list(opened.deployer.list())
    document = [
        {
            "id": d.id,
            "name": d.name,
            "backend": d.backend,
            "base_model": d.base_model,
            "method": d.model.method["name"],
            "created_at": d.created_at.isoformat(),
        }
        for d in found
    ]
    screen.emit(as_json, document, lambda: _deployment_lines(found, backend))


def _deployment_lines(found: list[Deployment], backend: str) -> list[str]:
    if not found:
        return [f"no deployments on {backend}; make one with: tunesmith run or tunesmith deploy"]
    return screen.table(
        ("id", "name", "method", "base model", "created"),
        (
            (d.id, d.name, d.model.method["name"], d.base_model, f"{d.created_at:%Y-%m-%d %H:%M}")
            for d in found
        ),
    )

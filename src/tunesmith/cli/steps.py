"""Single steps of a run: ``tunesmith tune``, ``deploy``, ``undeploy`` and ``deployments``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.atomic import write_atomically
from tunesmith.backend import Backend, TuningJob
from tunesmith.cli import paste, screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.connection import (
    Connection,
    connection_options,
    store_options,
)
from tunesmith.cli.files import output_option, read_record, refuse_input
from tunesmith.cli.progress import interruptible, progress
from tunesmith.cli.run import experiment_options
from tunesmith.dataset import load_data
from tunesmith.errors import RunError
from tunesmith.experiment import Experiment
from tunesmith.pipeline import answerable
from tunesmith.pipeline.asking import reopen_backend
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import check_experiment, submit
from tunesmith.progress import SILENT
from tunesmith.records import Deployment, TunedModel
from tunesmith.runs.run import RunDirectory


@command("tune", example="tunesmith tune experiment.yaml -o model.json")
@output_option("The file for the record of the tuned model.", "model.json")
@click.option("--job", metavar="ID", help="Wait for a job that was submitted before.")
@connection_options
@experiment_options
def tune(experiment: Experiment, output: Path, job: str | None, connection: Connection) -> None:
    """Tune the model of EXPERIMENT (a YAML file) and write the record of the tuned model.

    A test file is not needed. The next step is: tunesmith deploy model.json
    """
    data = experiment.data
    sources = [one for one in (data.train, data.test, data.validation) if isinstance(one, str)]
    refuse_input(output, *sources, click.get_current_context().params["path"])
    with connection.open() as backend:
        submitted = backend.tuner.resume(job) if job else _submit(experiment, backend)
        screen.note(f"job {submitted.id}")
        remedy = "start the tuning again with the same command"
        if backend.capabilities(experiment.base_model).resumable:
            more = () if job else ("--job", submitted.id)
            remedy = f"continue with: {paste.again(connection.backend, *more)}"
        with interruptible(remedy), progress() as shown:
            shown.stage("tune")
            model = submitted.wait(shown.tuning)
            write_atomically(output, f"{model.to_json()}\n")
    screen.emit(model, _model_lines(model, output))


def _submit(experiment: Experiment, backend: Backend) -> TuningJob:
    data = load_data(experiment.data, experiment.labels, experiment.seed, test=False)
    checked = check_experiment(experiment, backend, data, experiment.answer)
    for note in answerable.notes(checked.left_out):
        screen.note(note)
    chosen = choose_chat(experiment, backend, data.train.rows, SILENT, checked.left_out)
    if chosen is not None:
        screen.note(f"chat template: {'yes' if chosen.chat else 'no'}; {chosen.why}")
        experiment = experiment.asked_in(chosen.chat)
    return submit(experiment, backend, data, checked.prepared)


def _model_lines(model: TunedModel, output: Path) -> Iterator[str]:
    yield f"model {model.id}: {model.method['name']} on {model.base_model}, {model.backend}"
    for note in model.details.get("notes", ()):
        yield f"note: {note}"
    command = paste.following("deploy", output, backend=model.backend, keep=("options", "runs_dir"))
    yield f"next: {command}"
    yield screen.relative(output)


@command("deploy", example="tunesmith deploy model.json -o deployment.json")
@click.argument("model", type=PATH)
@click.option("--name", metavar="NAME", help="Name of the deployment; by default the model's id.")
@output_option("The file for the record of the deployment.", "deployment.json")
@store_options
def deploy(model: Path, name: str | None, output: Path, connection: Connection) -> None:
    """Deploy MODEL (a file of "tunesmith tune") on its backend and wait until it answers.

    The next step is: tunesmith predict deployment.json DATA
    """
    refuse_input(output, model)
    tuned = read_record(TunedModel, model, "tunesmith tune EXPERIMENT")
    with connection.open(tuned.backend) as backend:
        deployment = backend.deployer.deploy(tuned, name or tuned.id)
    write_atomically(output, f"{deployment.to_json()}\n")
    what = f"deployment {deployment.id}: {deployment.name} on {deployment.backend}"
    file = screen.relative(output)
    command = paste.following("predict", output, "DATA", backend=deployment.backend)
    screen.emit(deployment, [what, f"next: {command}", file])


@command(
    "undeploy",
    example="tunesmith undeploy deployment.json\ntunesmith undeploy 3f2a --backend local",
)
@click.argument("deployment")
@connection_options
def undeploy(deployment: str, connection: Connection) -> None:
    """Remove DEPLOYMENT: an id, a deployment.json or a run directory.

    A file or a run names its backend; an id needs --backend. If the deployment of a file or a run
    is already gone, that is not an error.
    """
    path = Path(deployment)
    recorded = None
    if path.is_dir():
        run = RunDirectory.load(path, finished=False)
        recorded = run.record.deployment
        if recorded is None:
            raise RunError(f"{path}: the run has no deployment, so there is none to remove")
        opened = reopen_backend(run, connection.options)
    elif path.is_file():
        recorded = read_record(Deployment, path, "tunesmith deploy MODEL.json")
        opened = connection.open(recorded.backend)
    else:
        opened = connection.open()
    with opened:
        gone = recorded or opened.deployer.get(deployment)
        opened.deployer.undeploy(gone)
    document = {"undeployed": gone.id, "name": gone.name, "backend": gone.backend}
    screen.emit(document, [f"undeployed {gone.id} ({gone.name}, {gone.backend})"])


@command("deployments", example="tunesmith deployments --backend sklearn")
@connection_options
def deployments(connection: Connection) -> None:
    """List the deployments of a backend, oldest first."""
    with connection.open() as backend:
        found = list(backend.deployer.list())
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
    headers = ("id", "name", "method", "base model", "created")
    rows = (
        (d.id, d.name, d.model.method["name"], d.base_model, f"{d.created_at:%Y-%m-%d %H:%M}")
        for d in found
    )
    empty = (
        f"no deployments on {connection.backend}; make one with: tunesmith run or tunesmith deploy"
    )
    screen.emit(document, screen.table(headers, rows, empty=empty))

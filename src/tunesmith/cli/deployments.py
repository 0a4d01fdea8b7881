"""``tunesmith deployments``: what answers on a backend."""

from __future__ import annotations

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
    reopen_backend,
    runs_dir_option,
)
from tunesmith.cli.files import read_record, write_record
from tunesmith.errors import RunError
from tunesmith.records import Deployment, TunedModel
from tunesmith.runs.run import Run


@command("deployments", example="tunesmith deployments --backend sklearn")
@backend_option
@options_option
@runs_dir_option
@screen.json_option
def deployments(backend: str, options: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """List the deployments of a backend, oldest first."""
    with open_backend(backend, parse_options(options), runs_dir) as where:
        found = list(where.deployer.list())
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
    screen.emit(as_json, document, lambda: _lines(found, backend))


def _lines(found: list[Deployment], backend: str) -> list[str]:
    if not found:
        return [f"no deployments on {backend}; make one with: tunesmith run or tunesmith deploy"]
    return screen.table(
        ("id", "name", "method", "base model", "created"),
        (
            (d.id, d.name, d.model.method["name"], d.base_model, f"{d.created_at:%Y-%m-%d %H:%M}")
            for d in found
        ),
    )


@command("deploy", example="tunesmith deploy model.json -o deployment.json")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the deployment; by default the model's id.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("deployment.json"),
    show_default=True,
    help="Where the record of the deployment goes.",
)
@options_option
@runs_dir_option
@screen.json_option
def deploy(
    model: Path,
    name: str | None,
    output: Path,
    options: tuple[str, ...],
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Deploy MODEL (a file of "tunesmith tune") on its backend and wait until it answers.

    The next step is: tunesmith predict deployment.json DATA
    """
    tuned = read_record(TunedModel, model, "tunesmith tune EXPERIMENT")
    with open_backend(tuned.backend, parse_options(options), runs_dir) as backend:
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
@backend_option
@options_option
@runs_dir_option
@screen.json_option
def undeploy(
    deployment: str, backend: str, options: tuple[str, ...], runs_dir: Path, as_json: bool
) -> None:
    """Remove DEPLOYMENT: an id, a deployment.json or a run directory.

    A file and a run know their backend; an id needs --backend. What is already gone is no error
    for a file or a run.
    """
    given, path = parse_options(options), Path(deployment)
    if path.is_dir():
        run = Run.load(path, finished=False)
        gone = _deployment_of(run)
        with reopen_backend(run, given) as where:
            where.deployer.undeploy(gone)
    elif path.is_file():
        gone = read_record(Deployment, path, "tunesmith deploy MODEL.json")
        with open_backend(gone.backend, given, runs_dir) as where:
            where.deployer.undeploy(gone)
    else:
        with open_backend(backend, given, runs_dir) as where:
            gone = _undeploy_id(where, deployment)
    document = {"undeployed": gone.id, "name": gone.name, "backend": gone.backend}
    screen.emit(as_json, document, lambda: [f"undeployed {gone.id} ({gone.name}, {gone.backend})"])


def _deployment_of(run: Run) -> Deployment:
    if run.record.deployment is None:
        raise RunError(f"{run.directory}: the run has no deployment; nothing is to be removed")
    return run.record.deployment


def _undeploy_id(backend: Backend, deployment_id: str) -> Deployment:
    found = backend.deployer.get(deployment_id)
    backend.deployer.undeploy(found)
    return found

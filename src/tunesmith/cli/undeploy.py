"""``tunesmith undeploy``: removes a deployment."""

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
from tunesmith.cli.files import read_record
from tunesmith.errors import RunError
from tunesmith.records import Deployment
from tunesmith.runs import Run


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

"""``tunesmith deploy``: makes a tuned model answer."""

from __future__ import annotations

from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import (
    open_backend,
    options_option,
    parse_options,
    runs_dir_option,
)
from tunesmith.cli.files import read_record, write_record
from tunesmith.records import TunedModel


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

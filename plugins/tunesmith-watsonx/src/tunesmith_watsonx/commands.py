"""The command ``tunesmith watsonx-clean-up``."""

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
from tunesmith.errors import PluginError


@command("watsonx-clean-up", example="tunesmith watsonx-clean-up --yes")
@options_option
@runs_dir_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@screen.json_option
def clean_up(options: tuple[str, ...], runs_dir: Path, yes: bool, as_json: bool) -> None:
    """Delete the resources that the watsonx backend made at the service.

    These are the deployments, tuned models, trainings and uploaded rows in the store under the
    runs folder. Runs and their reports stay, but their models no longer answer.
    """
    from tunesmith_watsonx.backend import WatsonxBackend

    if not yes:
        click.confirm("Delete all of them from the service?", abort=True, err=True)
    with open_backend("watsonx", parse_options(options), runs_dir) as backend:
        if not isinstance(backend, WatsonxBackend):
            raise PluginError("another plugin has the name 'watsonx'")
        removed = backend.clean_up()
    screen.emit(
        as_json,
        {"removed": removed},
        lambda: [f"removed {what}" for what in removed] or ["nothing was left to remove"],
    )

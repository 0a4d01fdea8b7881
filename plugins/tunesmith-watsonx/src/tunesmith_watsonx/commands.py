"""The command ``tunesmith watsonx-clean-up``."""

from __future__ import annotations

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.errors import PluginError


@command("watsonx-clean-up", example="tunesmith watsonx-clean-up --yes")
@store_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean_up(connection: Connection, yes: bool) -> None:
    """Delete the resources that the watsonx backend made at the service.

    These are the deployments, tuned models, trainings and uploaded rows in the store under the
    runs folder. Runs and their reports stay, but their models no longer answer.
    """
    from tunesmith_watsonx.backend import WatsonxBackend

    if not yes:
        click.confirm("Delete all of them from the service?", abort=True, err=True)
    with connection.open("watsonx") as backend:
        if not isinstance(backend, WatsonxBackend):
            raise PluginError("another plugin has the name 'watsonx'")
        removed = backend.clean_up()
    lines = [f"removed {what}" for what in removed] or ["nothing was left to remove"]
    screen.emit({"removed": removed}, lines)

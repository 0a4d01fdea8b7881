"""The command ``tunesmith openai-job``."""

from __future__ import annotations

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.errors import PluginError


@command("openai-job", example="tunesmith openai-job ftjob-abc123 --pause")
@click.argument("job_id", metavar="JOB")
@click.option("--pause", "action", flag_value="pause", help="Pause the job.")
@click.option("--continue", "action", flag_value="continue", help="Continue a paused job.")
@click.option("--cancel", "action", flag_value="cancel", help="End the job for good.")
@store_options
def openai_job(connection: Connection, job_id: str, action: str | None) -> None:
    """Show, pause, continue or cancel a fine-tuning job.

    The job runs at the provider. run.json of a run has its id, and 'tunesmith resume RUN' follows
    it to the end.
    """
    from tunesmith_openai.backend import OpenAIBackend

    with connection.open("openai") as backend:
        if not isinstance(backend, OpenAIBackend):
            raise PluginError("another plugin has the name 'openai'")
        job = backend.tuner.find(job_id)
        if action is not None:
            {"pause": job.pause, "continue": job.go_on, "cancel": job.cancel}[action]()
        status, events = job.status(), job.events()
    lines = [f"{one.time:%H:%M:%S} {one.status or one.message or one.loss}" for one in events]
    screen.emit(
        {"id": job_id, "status": status, "events": [e.model_dump(mode="json") for e in events]},
        [f"job {job_id} is {status}", *lines[-10:]],
    )

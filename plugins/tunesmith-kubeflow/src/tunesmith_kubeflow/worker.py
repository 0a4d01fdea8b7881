"""The command of the container: ``python -m tunesmith_kubeflow.worker URL`` tunes the job at URL.

Its events are lines of its output. The adapter, the events and the outcome go to URL, the outcome
last. A job that has an outcome is not tuned again if its pod restarts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from tunesmith.backends.connect import connect
from tunesmith.errors import ExperimentError, TunesmithError, reason_of
from tunesmith.records import TuningEvent
from tunesmith.runs.provenance import own_version
from tunesmith.spec import TuningSpec
from tunesmith_kubeflow.folder import Job, JobFolder, Outcome
from tunesmith_kubeflow.log_lines import ended_line, event_line
from tunesmith_kubeflow.secret_files import set_environment
from tunesmith_kubeflow.serving import TUNES

_POLL_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    """Tune the job whose URL is the only argument; return the exit code."""
    if len(arguments) != 1:
        return _ended("usage: python -m tunesmith_kubeflow.worker URL")
    try:
        set_environment()
        folder = JobFolder(arguments[0])
        done = folder.outcome() or _tuned(folder)
    except TunesmithError as error:
        return _ended(str(error))
    print(ended_line(), flush=True)
    return 0 if done.status == "completed" else _ended(done.error)


def _ended(problem: str) -> int:
    print(problem, file=sys.stderr, flush=True)
    return 1


def _tuned(folder: JobFolder) -> Outcome:
    """Tune, and write the outcome: a failure is one."""
    events: list[TuningEvent] = []

    def tell(event: TuningEvent) -> None:
        if event.kind != "status":  # the status of a job is that of its TrainJob
            print(event_line(len(events), event), flush=True)
            events.append(event)

    try:
        _tune(folder, tell)
        outcome = Outcome(status="completed")
    except Exception as error:  # noqa: BLE001  # whoever follows the job must learn of it
        if not isinstance(error, TunesmithError | OSError):
            traceback.print_exc()
        told = reason_of(error) or type(error).__name__
        outcome = Outcome(status="failed", error=f"in the container: {told}")
    folder.put_outcome(outcome, events)
    return outcome


def _tune(folder: JobFolder, tell: Callable[[TuningEvent], None]) -> None:
    job = _job(folder)
    spec = TuningSpec.from_values(job.spec, source=folder.url)
    train, validation = folder.rows()
    with (
        tempfile.TemporaryDirectory(prefix="tunesmith-") as scratch,
        connect(TUNES, store=Path(scratch) / "store") as backend,
    ):
        model = backend.tuner.submit(spec, train, validation).wait(tell, poll_seconds=_POLL_SECONDS)
        adapter = Path(scratch) / "adapter"
        backend.tuner.export(model, adapter)
        folder.put_adapter(adapter)


def _job(folder: JobFolder) -> Job:
    """Return the job, if this version of tunesmith wrote it.

    Raises:
        ExperimentError: there is none, or another version wrote it.
    """
    text = folder.job_text()
    if text is None:
        raise ExperimentError(f"{folder.url}: there is no job; submit the tuning again")
    asked = json.loads(text)["version"]
    if asked != own_version():
        raise ExperimentError(
            f"it has tunesmith {own_version()}, the submission {asked}; give an image with "
            f"tunesmith {asked} (option image), or install it there (option packages)"
        )
    return Job.from_json(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

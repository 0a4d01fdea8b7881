"""Does the steps of a proof, each once. A finished one is read, a stopped one is resumed.

Several processes may work on one proof: each takes the steps that no other is doing.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith import connect
from tunesmith.atomic import file_lock
from tunesmith.backend import Backend
from tunesmith.errors import RunError, TunesmithError
from tunesmith.experiment import Experiment
from tunesmith.pipeline.wording import Choice
from tunesmith.progress import Progress
from tunesmith.records import TuningEvent
from tunesmith.report import formatting as words
from tunesmith.run import Run
from tunesmith.runs.directory import LOCK
from tunesmith.runs.run import RECORD

from .choosing import best, chosen, written
from .steps import CHOSEN, INIT, LOCAL, SKLEARN, Step

Say = Callable[[str], None]


class BusyError(RunError):
    """Another process is doing the step, or chooses the wording that it needs."""


@dataclass(frozen=True, slots=True)
class Done:
    """A step with its run or its error."""

    step: Step
    run: Run | None
    error: str | None = None
    choice: Choice | None = None
    """Of ``CHOSEN`` and ``INIT``: the wordings tried on training rows."""

    @property
    def seconds(self) -> float:
        """Wall time of all stages of the run."""
        return sum(self.run.record.seconds.values()) if self.run else 0.0


@contextlib.contextmanager
def backends(folder: Path) -> Iterator[dict[str, Backend]]:
    """Connect to the backends of a proof; nothing is downloaded."""
    with (
        connect(LOCAL, store=folder / "store", offline=True) as local,
        connect(SKLEARN, store=folder / "store-sklearn") as sklearn,
    ):
        yield {LOCAL: local, SKLEARN: sklearn}


def do_all(
    steps: Sequence[Step], places: Mapping[str, Backend], folder: Path, say: Say
) -> list[Done]:
    """Do each step in ``folder``. A failure is recorded, and the next step follows.

    A step that another process is doing is left to it, and awaited when no other is open.
    """
    done: dict[str, Done] = {}
    for wait in (False, True):
        for number, step in enumerate(steps, 1):
            if step.name in done:
                continue
            waiting = [s for s in steps if s.name not in done and not is_finished(folder / s.key)]
            left = remaining(list(done.values()), waiting)
            start = time.monotonic()
            with contextlib.suppress(BusyError):
                say(f"[{number}/{len(steps)}] {step.name}: {left}")
                done[step.name] = _do(step, places[step.backend], folder, say, wait)
                outcome = _outcome(done[step.name])
                say(f"    {outcome}, {words.duration(time.monotonic() - start)}")
    return [done[step.name] for step in steps]


def _claimed(file: Path, wait: bool) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of ``file``. Raise ``BusyError`` if another process does, or wait for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return file_lock(file, None if wait else BusyError("another process does this step"))


def is_finished(folder: Path) -> bool:
    """Return whether the step in ``folder`` holds a completed run."""
    return any(_status(path.parent) == "completed" for path in folder.glob(f"*/{RECORD}"))


def _status(directory: Path) -> str:
    return Run.load(directory, finished=False).record.status


def remaining(done: Sequence[Done], waiting: Sequence[Step]) -> str:
    """Return the approximate time of the ``waiting`` steps, from the speed of those done."""
    work = sum(step.weight for step in waiting)
    measured = [d for d in done if d.step.weight and d.run]
    if work and not measured:
        return "no estimate yet"
    speed = sum(d.seconds for d in measured) / sum(d.step.weight for d in measured) if work else 0
    return f"about {words.duration(speed * work)} left"


def _outcome(done: Done) -> str:
    if done.run is None:
        return f"failed: {done.error}"
    evaluation = done.run.record.evaluations[done.run.record.primary]
    return f"accuracy {evaluation.accuracy:.3f} ({evaluation.correct} of {evaluation.rows})"


def _do(step: Step, backend: Backend, folder: Path, say: Say, wait: bool) -> Done:
    try:
        choice = None
        if step.title in (CHOSEN, INIT):
            place = folder / f"{step.data.name}-init"
            with _claimed(place.with_suffix(".lock"), wait):
                choice = chosen(step.experiment, backend, place.with_suffix(".json"))
                experiment = _experiment(step, choice, backend, folder)
        else:
            experiment = Experiment.from_values(dict(step.experiment))
        with _claimed(folder / step.key / LOCK, wait):
            run = _run(experiment, backend, folder / step.key, say)
    except BusyError:
        raise
    except TunesmithError as error:
        return Done(step, None, error=str(error))
    return Done(step, run, choice=choice)


def _experiment(step: Step, choice: Choice, backend: Backend, folder: Path) -> Experiment:
    if step.title == CHOSEN:
        return Experiment.from_values({**step.experiment, **best(choice)})
    file = written(step.experiment, choice, backend, folder / f"{step.data.name}-init.yaml")
    return Experiment.from_file(file, {"seed": step.seed})


def _run(experiment: Experiment, backend: Backend, folder: Path, say: Say) -> Run:
    shown = Shown(say)
    for path in sorted(folder.glob(f"*/{RECORD}")):
        run = Run.load(path.parent, finished=False)
        if run.record.status == "completed":
            return run
        try:
            return experiment.resume(run, backend, progress=shown)
        except RunError as error:  # the rows changed, or the run cannot be resumed
            say(f"    started again: {error}")
            shutil.rmtree(path.parent)
    return experiment.run(backend, runs_dir=folder, progress=shown)


class Shown(Progress):
    """Prints stages, and epochs when they end."""

    def __init__(self, say: Say) -> None:
        """Print with ``say``."""
        self._say = say
        self._epoch = 0

    def stage(self, name: str) -> None:
        """See ``Progress.stage``."""
        self._say(f"    {name}")

    def tuning(self, event: TuningEvent) -> None:
        """See ``Progress.tuning``."""
        epoch = int(event.epoch or 0)
        if epoch > self._epoch:
            self._epoch = epoch
            self._say(f"    epoch {epoch}")


def to_stderr(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)

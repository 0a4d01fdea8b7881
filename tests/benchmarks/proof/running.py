"""Does the steps of a proof, each once. A finished one is read, a stopped one is resumed."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith import connect
from tunesmith.backend import Backend
from tunesmith.errors import RunError, TunesmithError
from tunesmith.experiment import Experiment
from tunesmith.pipeline.wording import Choice
from tunesmith.progress import Progress
from tunesmith.records import TuningEvent
from tunesmith.report import formatting as words
from tunesmith.run import Run
from tunesmith.runs.run import RECORD

from .choosing import best, chosen, written
from .steps import CHOSEN, INIT, LOCAL, SKLEARN, Step

Say = Callable[[str], None]


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
    """Do each step in ``folder``. A failure is recorded, and the next step follows."""
    done: list[Done] = []
    for number, step in enumerate(steps, 1):
        waiting = [s for s in steps[number - 1 :] if not is_finished(folder / s.key)]
        left = remaining(done, waiting)
        say(f"[{number}/{len(steps)}] {step.name}: {left}")
        start = time.monotonic()
        done.append(_do(step, places[step.backend], folder, say))
        say(f"    {_outcome(done[-1])}, {words.duration(time.monotonic() - start)}")
    return done


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


def _do(step: Step, backend: Backend, folder: Path, say: Say) -> Done:
    try:
        choice = None
        if step.title in (CHOSEN, INIT):
            place = folder / f"{step.data.name}-init"
            choice = chosen(step.experiment, backend, place.with_suffix(".json"))
        experiment = _experiment(step, choice, backend, folder)
        run = _run(experiment, backend, folder / step.key, say)
    except TunesmithError as error:
        return Done(step, None, error=str(error))
    return Done(step, run, choice=choice)


def _experiment(step: Step, choice: Choice | None, backend: Backend, folder: Path) -> Experiment:
    if choice is None:
        return Experiment.from_values(dict(step.experiment))
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

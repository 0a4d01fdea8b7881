"""Progress on stderr: live bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.screen import color, current, relative
from tunesmith.errors import TunesmithError
from tunesmith.progress import Progress
from tunesmith.records import TuningEvent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress() -> Iterator[RunProgress]:
    """Yield the progress that fits stderr and the settings of the command."""
    chosen = current()
    if chosen.quiet:
        yield RunProgress()
    elif color() and os.environ.get("TERM") != "dumb":
        with _bars() as bars:
            live = LiveProgress(bars)
            yield live
            live.complete()
    else:
        yield PlainProgress(verbose=chosen.verbose)


def loss_text(event: TuningEvent) -> str:
    """Return ``loss 0.412, validation loss 0.380``, without a loss that is None."""
    losses = {"loss": event.loss, "validation loss": event.validation_loss}
    return ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items() if loss is not None)


class RunProgress(Progress):
    """The run directory, and the lines of a sweep. Prints nothing; a subclass has a screen."""

    directory: Path | None = None

    def started(self, directory: Path) -> None:
        """Store ``directory``."""
        self.directory = directory

    def trial(self, name: str, number: int, total: int) -> None:
        """Print which trial begins."""
        self.remark(f"trial {number} of {total}: {name}")

    def trial_ended(self, name: str, outcome: str) -> None:
        """Print how it ended."""
        self.remark(f"{name}: {outcome}")


class PlainProgress(RunProgress):
    """One line for each stage and each epoch, and one every ten seconds while predicting."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._started = self._printed = time.monotonic()
        self._steps = (0, 0)

    def stage(self, name: str) -> None:
        """Print the name of the stage."""
        self._started = self._printed = time.monotonic()
        self.remark(name)

    def tuning(self, event: TuningEvent) -> None:
        """Print an epoch or a note, and with ``--verbose`` every step."""
        if event.kind == "step":
            self._steps = (event.step or 0, event.total_steps or 0)
            if self._verbose or self._long_silent():
                total = f"/{event.total_steps}" if event.total_steps else ""
                self._say(f"step {event.step}{total}: {loss_text(event)}")
        elif event.kind == "epoch":
            self._say(f"epoch {event.epoch}{self._position()}: {loss_text(event)}")
        elif event.kind == "note" or event.message:
            self._say(event.message)

    def predicted(self, done: int, total: int) -> None:
        """Print the number of answered rows, at the end and every ten seconds."""
        if done == total or self._long_silent():
            self._say(f"{done}/{total} rows")

    def remark(self, text: str) -> None:
        """Print it."""
        click.echo(text, err=True)

    def _position(self) -> str:
        done, total = self._steps
        if not done or not total:
            return ""
        left = (time.monotonic() - self._started) / done * (total - done)
        return f" (step {done}/{total}, {left:.0f} s left)" if done < total else f" (step {done})"

    def _long_silent(self) -> bool:
        return time.monotonic() - self._printed > SECONDS_BETWEEN_LINES

    def _say(self, text: str) -> None:
        self._printed = time.monotonic()
        self.remark(f"  {text}")


class LiveProgress(RunProgress):
    """One bar for each stage."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def stage(self, name: str) -> None:
        """Complete the bar of the last stage and start a new one."""
        self.complete()
        self._task = self._bars.add_task(name, total=None, detail="")

    def tuning(self, event: TuningEvent) -> None:
        """Move the bar; a note is printed above it."""
        if event.kind == "step":
            self._update(completed=event.step, total=event.total_steps)
        if event.kind in ("step", "epoch"):
            where = f"epoch {event.epoch}  " if event.epoch is not None else ""
            self._update(detail=where + loss_text(event))
        elif event.message:
            self.remark(f"  {event.message}")

    def predicted(self, done: int, total: int) -> None:
        """Move the bar."""
        self._update(completed=done, total=total, detail="rows")

    def trial(self, name: str, number: int, total: int) -> None:
        """Begin with no bars; print above them which trial begins."""
        for task in list(self._bars.tasks):
            self._bars.remove_task(task.id)
        self._task = None
        super().trial(name, number, total)

    def remark(self, text: str) -> None:
        """Print it above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def complete(self) -> None:
        """Fill the bar of the current stage."""
        for task in self._bars.tasks:
            if task.id == self._task:
                total = task.total or 1
                self._update(total=total, completed=total)

    def _update(self, **changes: Any) -> None:
        # Events before the first stage have no bar to move.
        if self._task is not None:
            self._bars.update(self._task, **changes)


def _bars() -> Bars:
    from rich import progress as rich
    from rich.console import Console

    return rich.Progress(
        rich.TextColumn("{task.description:<14}"),
        rich.BarColumn(bar_width=30),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[detail]}"),
        console=Console(file=sys.stderr),
    )


@contextmanager
def interruptible(remedy: str) -> Iterator[None]:
    """Add ``remedy``, the way to continue, to an interrupt."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(f"interrupted\n{remedy}") from None


@contextmanager
def resumable(progress: RunProgress) -> Iterator[None]:
    """Add the resume command to an error or an interrupt of the run of ``progress``."""
    try:
        yield
    except (KeyboardInterrupt, TunesmithError, OSError) as error:
        if progress.directory is None:
            raise
        remedy = f"resume with: tunesmith resume {relative(progress.directory)}"
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedWorkError(f"interrupted\n{remedy}") from None
        error.add_note(f"Fix this, then {remedy}")
        raise

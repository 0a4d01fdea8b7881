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
from tunesmith.cli.screen import current, relative
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
    elif (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    ):
        with _bars() as bars:
            live = LiveProgress(bars)
            yield live
            live.complete()
    else:
        yield PlainProgress(verbose=chosen.verbose)


def loss_text(event: TuningEvent) -> str:
    """Return ``loss 0.412, validation loss 0.380``, without a loss that is None."""
    parts = []
    if event.loss is not None:
        parts.append(f"loss {event.loss:.3f}")
    if event.validation_loss is not None:
        parts.append(f"validation loss {event.validation_loss:.3f}")
    return ", ".join(parts)


class RunProgress(Progress):
    """The run directory, and the lines of a sweep. Prints nothing; a subclass has a screen."""

    directory: Path | None = None

    def started(self, directory: Path) -> None:
        """Store ``directory``."""
        self.directory = directory

    def remark(self, text: str) -> None:
        """Print it."""
        self._print(text)

    def trial(self, name: str, number: int, total: int) -> None:
        """Print which trial begins."""
        self._print(f"trial {number} of {total}: {name}")

    def trial_ended(self, name: str, outcome: str) -> None:
        """Print how it ended."""
        self._print(f"{name}: {outcome}")

    def _print(self, text: str) -> None:
        del text


class PlainProgress(RunProgress):
    """One line for each stage and each epoch, and one every ten seconds while predicting."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._started = self._printed = time.monotonic()
        self._steps = (0, 0)

    def stage(self, name: str) -> None:
        """Print the name of the stage."""
        self._started = self._printed = time.monotonic()
        self._print(name)

    def tuning(self, event: TuningEvent) -> None:
        """Print an epoch or a note, and with ``--verbose`` every step."""
        if event.kind == "step":
            self._steps = (event.step or 0, event.total_steps or 0)
        if event.kind == "epoch":
            self._say(f"epoch {event.epoch}{self._position()}: {loss_text(event)}")
        elif event.kind == "note" or (event.kind == "status" and event.message):
            self._say(event.message)
        elif event.kind == "step" and (self._verbose or self._long_silent()):
            total = f"/{event.total_steps}" if event.total_steps else ""
            self._say(f"step {event.step}{total}: {loss_text(event)}")

    def predicted(self, done: int, total: int) -> None:
        """Print the number of answered rows, at the end and every ten seconds."""
        if done == total or self._long_silent():
            self._say(f"{done}/{total} rows")

    def _print(self, text: str) -> None:
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
        self._print(f"  {text}")


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
            self._print(f"  {event.message}")

    def predicted(self, done: int, total: int) -> None:
        """Move the bar."""
        self._update(completed=done, total=total, detail="rows")

    def trial(self, name: str, number: int, total: int) -> None:
        """Begin with no bars; print above them which trial begins."""
        for task in list(self._bars.tasks):
            self._bars.remove_task(task.id)
        self._task = None
        super().trial(name, number, total)

    def _print(self, text: str) -> None:
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
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=Console(file=sys.stderr),
    )


@contextmanager
def resumable(progress: RunProgress) -> Iterator[None]:
    """Add the resume command to an error or an interrupt of the run of ``progress``."""
    try:
        yield
    except KeyboardInterrupt:
        if progress.directory is None:
            raise
        raise InterruptedWorkError(f"interrupted\nresume with: {_command(progress)}") from None
    except (TunesmithError, OSError) as error:
        if progress.directory is not None:
            error.add_note(f"Fix this, then resume with: {_command(progress)}")
        raise


def _command(progress: RunProgress) -> str:
    assert progress.directory is not None  # noqa: S101  # checked by the callers
    return f"tunesmith resume {relative(progress.directory)}"

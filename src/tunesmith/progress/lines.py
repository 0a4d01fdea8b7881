"""Progress as lines on stderr, for terminals without bars, logs and files."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tunesmith.progress import Progress
from tunesmith.records import TuningEvent

SECONDS_BETWEEN_LINES = 10.0


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

"""From the events of a tuning to the entries that ``summary()`` and the learning curve read.

The SDK averages the entries of an epoch and takes the time between its first and its last one, so
each epoch gives two: both carry the epoch's mean loss, one stamped with its start and one with
its end. Epochs count from 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tunesmith.records import StepLoss, TuningEvent
from tunesmith_emulator.times import stamp


@dataclass
class Losses:
    """What the events of one tuning have told so far."""

    started: datetime
    """When the first epoch began (UTC)."""
    steps: list[StepLoss] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    """``entity.status.metrics``."""
    total_steps: int | None = None
    message: str = ""

    def take(self, event: TuningEvent) -> bool:
        """Take in an event; return whether an epoch ended."""
        if event.kind == "note":
            self.message = event.message
        if event.kind == "step" and event.step is not None and event.loss is not None:
            self._step(event)
        if event.kind == "epoch" and event.epoch is not None and event.loss is not None:
            self._epoch(event.epoch, event.loss, event.time)
            return True
        return False

    def _step(self, event: TuningEvent) -> None:
        point = StepLoss(step=event.step or 0, epoch=event.epoch or 1, loss=event.loss or 0.0)
        self.steps.append(point)
        self.total_steps = event.total_steps
        self.message = f"step {point.step} of {event.total_steps}, loss {point.loss:.4f}"

    def _epoch(self, epoch: int, loss: float, ended: datetime) -> None:
        iterations = [point.step - 1 for point in self.steps if point.epoch == epoch] or [epoch - 1]
        losses = {"loss": loss, "epoch": epoch - 1}
        for iteration, when in ((iterations[0], self.started), (iterations[-1], ended)):
            self.entries.append(
                {"timestamp": _zoned(when), "iteration": iteration, "ml_metrics": losses}
            )
        self.started = ended


def fine_tuning_entries(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries as the SDK's fine tuner wants them: one per epoch, times without zone."""
    return [
        {
            "name": "loss",
            "data": {
                "timestamp": entry["timestamp"].removesuffix("Z"),
                "epoch": entry["ml_metrics"]["epoch"],
                "step": entry["iteration"],
                "value": entry["ml_metrics"]["loss"],
            },
        }
        for entry in entries[1::2]
    ]


def _zoned(when: datetime) -> str:
    return stamp(when.astimezone(UTC).replace(tzinfo=None))

"""The entries that the SDK's ``summary()`` and learning curve read, made of tuning events.

The SDK averages the entries of an epoch, and takes the time from its first to its last entry. So
each epoch gives two entries with its mean loss: one with the time of its start and one with the
time of its end. Epochs count from 0 in these entries.
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
    """The losses in the events of one tuning so far."""

    started: datetime
    """The start of the current epoch (UTC)."""
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
    """Return the entries for the SDK's fine tuner: one per epoch, with times without a zone."""
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

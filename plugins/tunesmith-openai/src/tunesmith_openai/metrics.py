"""The learning curve, from the metrics in the events of a job.

An event of type ``metrics`` holds ``step``, ``train_loss`` and, at some steps, ``valid_loss`` or
``full_valid_loss``, and ``total_steps``. The provider gives no epochs; steps are spread evenly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunesmith.records import EpochLoss, LearningCurve, StepLoss


class Metrics:
    """The losses of one job so far."""

    def __init__(self) -> None:
        self.epochs_asked: int | None = None
        """Epochs of the whole training, if known."""
        self.total_steps: int | None = None
        self._steps: list[StepLoss] = []
        self._validation: dict[int, float] = {}

    def read(self, data: Mapping[str, Any]) -> StepLoss | None:
        """Take the data of an event; return the step in it, if it is a new one."""
        step, loss = data.get("step"), _finite(data.get("train_loss"))
        if not isinstance(step, int | float) or loss is None:
            return None
        if isinstance(total := data.get("total_steps"), int):
            self.total_steps = total
        number = int(step)
        if self._steps and number <= self._steps[-1].step:
            return None
        full, part = _finite(data.get("full_valid_loss")), _finite(data.get("valid_loss"))
        if (held_out := part if full is None else full) is not None:
            self._validation[self._epoch(number)] = held_out
        self._steps.append(StepLoss(step=number, epoch=self._epoch(number), loss=loss))
        return self._steps[-1]

    def epochs(self, ended: bool = False) -> list[EpochLoss]:
        """Return the epochs that are over: the mean loss of their steps, the last held-out loss."""
        if not self._steps or self.epochs_asked is None or self.total_steps is None:
            return []
        last = self._steps[-1]
        over = last.epoch if ended or last.step == self._last_step(last.epoch) else last.epoch - 1
        found = []
        for epoch in range(1, over + 1):
            losses = [step.loss for step in self._steps if step.epoch == epoch]
            if losses:
                mean, held_out = math.fsum(losses) / len(losses), self._validation.get(epoch)
                found.append(EpochLoss(epoch=epoch, loss=mean, validation_loss=held_out))
        return found

    def curve(self, ended: bool = False) -> LearningCurve:
        """Return the losses so far."""
        return LearningCurve(steps=tuple(self._steps), epochs=tuple(self.epochs(ended)))

    def _epoch(self, step: int) -> int:
        if self.epochs_asked is None or not self.total_steps:
            return 1
        return math.ceil(step * self.epochs_asked / self.total_steps)

    def _last_step(self, epoch: int) -> int:
        return math.floor(epoch * (self.total_steps or 1) / (self.epochs_asked or 1))


def _finite(value: Any) -> float | None:
    known = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if known else None

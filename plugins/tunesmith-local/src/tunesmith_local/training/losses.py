"""The losses of a training, appended step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from tunesmith.records import EpochLoss, LearningCurve, StepLoss


@dataclass(eq=False)
class Losses:
    """Grows by appending: the cost of a step does not depend on the steps before it."""

    steps: list[StepLoss] = field(default_factory=list)
    epochs: list[EpochLoss] = field(default_factory=list)
    best_epoch: int | None = None

    @classmethod
    def of(cls, curve: LearningCurve) -> Self:
        """Return the losses of a learning curve."""
        return cls([*curve.steps], [*curve.epochs], curve.best_epoch)

    def curve(self) -> LearningCurve:
        """Return a copy as a record."""
        return LearningCurve(
            steps=tuple(self.steps), epochs=tuple(self.epochs), best_epoch=self.best_epoch
        )

"""What the learning curve of a training says about it, for the warnings of its details."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunesmith.records import EpochLoss, LearningCurve

Diagnose = Callable[[LearningCurve], Sequence[str]]
"""Gives a sentence for each thing that is wrong with a curve."""


def nothing(curve: LearningCurve) -> Sequence[str]:
    """Say nothing about any curve."""
    del curve
    return ()


diagnose: Diagnose = nothing
"""What the details of completed trainings say; the place of the core's diagnosis of curves."""


def sentences(entries: Sequence[dict[str, Any]]) -> Sequence[str]:
    """Return what the entries of ``entity.status.metrics`` say; nothing if there are none."""
    return diagnose(curve_of(entries)) if entries else ()


def curve_of(entries: Sequence[dict[str, Any]]) -> LearningCurve:
    """Return the curve by epoch; each epoch has two entries, and counts from 0 there."""
    losses = [entry["ml_metrics"] for entry in entries[1::2]]
    return LearningCurve(
        epochs=tuple(EpochLoss(epoch=loss["epoch"] + 1, loss=loss["loss"]) for loss in losses)
    )

"""The diagnosis of a learning curve, for the warnings in the details of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunesmith.records import EpochLoss, LearningCurve
from tunesmith.runs.diagnosis import Symptom, diagnose_curve


def sentences(entries: Sequence[dict[str, Any]], parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of a learning curve, each with a remedy.

    Args:
        entries: of ``entity.status.metrics``; none if nothing was measured.
        parameters: of the training, by name.
    """
    for symptom in diagnose_curve(curve_of(entries), parameters, command=""):
        yield f"{symptom.seen} To try: {symptom.remedy}{_settings(symptom)}."


def curve_of(entries: Sequence[dict[str, Any]]) -> LearningCurve:
    """Return the curve by epoch. In ``entries`` each epoch has two entries and counts from 0."""
    losses = [entry["ml_metrics"] for entry in entries[1::2]]
    return LearningCurve(
        epochs=tuple(EpochLoss(epoch=loss["epoch"] + 1, loss=loss["loss"]) for loss in losses)
    )


def _settings(symptom: Symptom) -> str:
    # The parameters of the SDK have the names of the method's settings.
    told = symptom.command.replace("--set method.", "").strip()
    return f" ({told})" if "=" in told else ""

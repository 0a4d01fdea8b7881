"""The diagnosis of a learning curve, for the warnings in the details of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tunesmith.records import LearningCurve

if TYPE_CHECKING:
    from tunesmith.runs.diagnosis import Symptom


def sentences(curve: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of a learning curve, each with a remedy.

    Args:
        curve: a :class:`~tunesmith.records.LearningCurve` as JSON; empty if nothing was measured.
        parameters: of the training, by name.
    """
    # Here, because it imports evaluations and audits, which an emulator at rest does not need.
    from tunesmith.runs.diagnosis import diagnose_curve

    for symptom in diagnose_curve(LearningCurve.model_validate(curve), parameters, command=""):
        yield f"{symptom.seen} To try: {symptom.remedy}{_settings(symptom)}."


def _settings(symptom: Symptom) -> str:
    # The parameters of the SDK have the names of the method's settings.
    told = symptom.command.replace("--set method.", "").strip()
    return f" ({told})" if "=" in told else ""

"""What a calibration says, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.calibration import Calibration
from tunesmith.records import Prediction, Record
from tunesmith.report import words
from tunesmith.runs import RunRecord


class CalibrationWords(Record):
    """A calibration in two paragraphs."""

    temperature: str
    """What was fitted, on what, and what it is worth."""
    abstaining: str
    """From which probability on the model should answer, and what that gives."""


def calibrated(found: Calibration) -> CalibrationWords:
    """Return ``found`` in words."""
    return CalibrationWords(temperature=_temperature(found), abstaining=_abstaining(found))


def _temperature(found: Calibration) -> str:
    fitted = words.count(found.fitted_rows, "validation row")
    unsure = (
        " The temperature is at the end of its range: the validation rows do not determine it."
        if found.at_bound
        else ""
    )
    return (
        f"Temperature {found.temperature:.3g}, fitted on {fitted}: expected calibration error "
        f"{found.before.ece:.3f} before, {found.after.ece:.3f} after, on "
        f"{words.count(found.rows, 'test row')}.{unsure}"
    )


def _abstaining(found: Calibration) -> str:
    target = words.percent(found.target_accuracy)
    if found.threshold is None or found.held_out is None:
        return f"No threshold brings the answered validation rows to {target}."
    answered = words.count(found.held_out.covered, "validation row")
    chosen = (
        f"The {answered} answered at a calibrated probability of {found.threshold:.2f} or more "
        f"reach {words.percent(found.held_out.accuracy)} (target {target})."
    )
    if found.test is None:
        return f"{chosen} No test row is answered there."
    return (
        f"{chosen} On the test rows that answers {found.test.covered} of {found.rows} and is right "
        f"on {words.percent(found.test.accuracy)} of them (95% interval "
        f"{words.span(found.test.accuracy_interval)})."
    )


def probability_words(record: RunRecord, predictions: Sequence[Prediction]) -> str:
    """Say which probabilities the predictions hold; empty if they hold none."""
    if not any(p.probabilities for p in predictions):
        return ""
    if record.calibration is None and record.base_calibration is None:
        return (
            "The probabilities are raw: there were no validation rows to calibrate them on; "
            "data.validation=0.15 holds some of the training rows out."
        )
    return "The probabilities are calibrated on the validation rows."

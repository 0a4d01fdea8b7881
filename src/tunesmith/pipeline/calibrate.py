"""Calibrates the probabilities of a run's models on its validation rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tunesmith.evaluation.calibration import Calibration, Part, ScoredRow, calibrate_rows
from tunesmith.records import Classification, Prediction, Row, decided


def calibrate(
    side: Sequence[Prediction], held_out: Sequence[Row], shares: Sequence[Classification]
) -> tuple[Calibration, list[ScoredRow]]:
    """Calibrate the model of the predictions ``side``, which gave ``shares`` for ``held_out``.

    Returns:
        The calibration, and the validation and test rows behind it.
    """
    asked = ((row.output, one.probabilities) for row, one in zip(held_out, shares, strict=True))
    parts: dict[Part, Iterable[tuple[str | None, dict[str, float]]]] = {
        "validation": asked,
        "test": ((p.expected, p.probabilities or {}) for p in side),
    }
    return calibrate_rows(
        [
            ScoredRow(
                part=part, model=side[0].model, row=index, expected=expected, label=decided(found),
                probabilities=found,
            )
            for part, scored in parts.items()
            for index, (expected, found) in enumerate(scored)
        ]
    )  # fmt: skip


def with_calibrated(predictions: Sequence[Prediction], found: Calibration) -> list[Prediction]:
    """Return ``predictions`` with calibrated probabilities, those of them that have any."""
    return [
        p.model_copy(update={"calibrated": found.apply(p.probabilities)}) if p.probabilities else p
        for p in predictions
    ]

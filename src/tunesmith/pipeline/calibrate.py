"""Calibrates the probabilities of a run's models on its validation rows."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.calibration import Calibration, ScoredRow, calibrate_rows
from tunesmith.pipeline.context import Context
from tunesmith.pipeline.predict import classify, scored_rows
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.records import Classification, Prediction, Row


def calibrated(
    context: Context, tuned: list[Prediction], base: list[Prediction]
) -> tuple[list[Prediction], list[Prediction]]:
    """Return the predictions with calibrated probabilities, and record both calibrations.

    Without validation rows or label scores, they are returned unchanged.
    """
    run, validation = context.run, context.data.validation
    if validation is None or not any(p.probabilities for p in (*tuned[:1], *base[:1])):
        return tuned, base
    context.progress.stage("calibrate")
    with run.stage("calibrate"):
        held_out = validation.rows
        rows: list[ScoredRow] = []
        sides: list[list[Prediction]] = []
        for side in (tuned, base):
            if side and side[0].probabilities is not None:
                shares = _held_out(context, side[0], held_out)
                found, scored = _fitted(held_out, shares, side)
                name = "calibration" if side[0].model == "tuned" else "base_calibration"
                run.update(**{name: found})
                rows += scored
                sides.append(with_calibrated(side, found))
            else:
                sides.append(side)
        run.write_probabilities(rows)
    return sides[0], sides[1]


def _held_out(context: Context, one: Prediction, rows: Sequence[Row]) -> list[Classification]:
    spec, backend, progress = context.spec, context.backend, context.progress
    record, labels, train = context.run.record, spec.labels, context.data.train.rows
    deployment = record.deployment
    if one.model == "tuned" and deployment is not None:
        inputs = [row.input for row in rows]
        return classify(backend, deployment, inputs, labels, progress)
    prompts = base_prompts(spec, backend, rows, train, deployment, record.base_input)
    return classify(backend, spec.base_model, prompts.texts, labels, progress)


def _fitted(
    held_out: Sequence[Row], shares: Sequence[Classification], side: Sequence[Prediction]
) -> tuple[Calibration, list[ScoredRow]]:
    model = side[0].model
    test = [Classification(probabilities=p.probabilities or {}) for p in side]
    rows = [Row(input=p.input, output=p.expected) for p in side]
    return calibrate_rows(
        [
            *scored_rows("validation", model, held_out, shares),
            *scored_rows("test", model, rows, test),
        ]
    )


def with_calibrated(predictions: Sequence[Prediction], found: Calibration) -> list[Prediction]:
    """Return ``predictions`` with calibrated probabilities, those of them that have any."""
    return [
        p.model_copy(update={"calibrated": found.apply(p.probabilities)}) if p.probabilities else p
        for p in predictions
    ]

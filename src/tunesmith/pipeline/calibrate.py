"""Calibrates the probabilities of a run's models on its validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.dataset import ExperimentData
from tunesmith.evaluation.calibration import Calibration, ScoredRow, calibrate_rows
from tunesmith.pipeline.predict import classify, scored_rows
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.progress import Progress
from tunesmith.records import Classification, Prediction, Row
from tunesmith.runs.run import Run

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.spec import TuningSpec


def calibrated(
    spec: TuningSpec,
    run: Run,
    backend: Backend,
    data: ExperimentData,
    tuned: list[Prediction],
    base: list[Prediction],
    progress: Progress,
) -> tuple[list[Prediction], list[Prediction]]:
    """Return the predictions with calibrated probabilities, and record both calibrations.

    Without validation rows or label scores, they are returned unchanged.
    """
    if data.validation is None or not any(p.probabilities for p in (*tuned[:1], *base[:1])):
        return tuned, base
    progress.stage("calibrate")
    with run.stage("calibrate"):
        held_out = data.validation.rows
        rows: list[ScoredRow] = []
        sides: list[list[Prediction]] = []
        for side in (tuned, base):
            if side and side[0].probabilities is not None:
                shares = _held_out(spec, run, backend, data, side[0], held_out, progress)
                found, scored = _fitted(held_out, shares, side)
                name = "calibration" if side[0].model == "tuned" else "base_calibration"
                run.update(**{name: found})
                rows += scored
                sides.append([_with(p, found) for p in side])
            else:
                sides.append(side)
        run.write_probabilities(rows)
    return sides[0], sides[1]


def _held_out(
    spec: TuningSpec,
    run: Run,
    backend: Backend,
    data: ExperimentData,
    one: Prediction,
    rows: Sequence[Row],
    progress: Progress,
) -> list[Classification]:
    deployment, labels = run.record.deployment, spec.labels
    if one.model == "tuned" and deployment is not None:
        inputs = [row.input for row in rows]
        return classify(backend, deployment, inputs, labels, progress)
    prompts = base_prompts(spec, backend, rows, data.train.rows, deployment, run.record.base_input)
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


def _with(prediction: Prediction, found: Calibration) -> Prediction:
    shares = found.apply(prediction.probabilities or {})
    return prediction.model_copy(update={"calibrated": shares})

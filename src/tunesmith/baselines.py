"""The cheap truth: what majority class and TF-IDF reach on the same rows, in every report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.comparison import compare
from tunesmith.data_spec import ExperimentData
from tunesmith.evaluation import evaluate
from tunesmith.plugins import connect, method_class, registry
from tunesmith.predict import predict_tuned
from tunesmith.records import Prediction
from tunesmith.runs import Baseline

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.experiment import Experiment

BACKEND = "sklearn"


def measure(
    experiment: Experiment, data: ExperimentData, predictions: Sequence[Prediction]
) -> tuple[Baseline, ...]:
    """Fit every method of the sklearn backend on the training rows and compare with the run.

    Validation rows are training rows here: nothing is stopped early on them. Returns nothing
    where the plugin is not installed, or where the run itself is on that backend.
    """
    entry = registry().backends().get(BACKEND)
    if entry is None or experiment.method.name in {m.name for m in entry.methods}:
        return ()
    with tempfile.TemporaryDirectory() as store, connect(BACKEND, store=store) as backend:
        return tuple(
            _baseline(experiment, data, predictions, backend, method.name)
            for method in entry.methods
        )


def _baseline(
    experiment: Experiment,
    data: ExperimentData,
    predictions: Sequence[Prediction],
    backend: Backend,
    method: str,
) -> Baseline:
    # The generation settings of the run are meant for a language model.
    own = experiment.with_method(method_class(method)())
    start = time.monotonic()
    rows = [*data.train.rows, *(data.validation.rows if data.validation else ())]
    model = backend.tuner.tune(own, rows)
    deployment = backend.deployer.deploy(model, method)
    answers = predict_tuned(own, backend, data.test_rows().rows, deployment)
    seconds = time.monotonic() - start
    return Baseline(
        method=method,
        evaluation=evaluate(answers, experiment.labels),
        seconds=round(seconds, 3),
        comparison=compare(predictions, answers, (predictions[0].model, method)),
    )

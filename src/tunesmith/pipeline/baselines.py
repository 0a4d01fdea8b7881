"""The baselines of a run: simple methods of plugins, fitted on the same rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence

from tunesmith.backend import Backend
from tunesmith.backends.connect import connect
from tunesmith.dataset import ExperimentData
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.hookspecs import MethodEntry
from tunesmith.pipeline.predict import predict_tuned
from tunesmith.plugins import method_class, registry
from tunesmith.records import Prediction
from tunesmith.runs.record import Baseline
from tunesmith.spec import TuningSpec


def measure(
    spec: TuningSpec, data: ExperimentData, predictions: Sequence[Prediction]
) -> Iterator[Baseline]:
    """Fit every baseline of every backend on the training rows and compare it with the run.

    Validation rows are used as training rows here, because the baselines do not stop early. A
    backend that has the method of the run is left out.
    """
    for entry in registry().backends().values():
        methods = [method for method in entry.methods if method.baseline]
        if methods and spec.method.name not in {method.name for method in entry.methods}:
            with tempfile.TemporaryDirectory() as store, connect(entry.name, store=store) as opened:
                for method in methods:
                    yield _baseline(spec, data, predictions, opened, method)


def _baseline(
    spec: TuningSpec,
    data: ExperimentData,
    predictions: Sequence[Prediction],
    backend: Backend,
    method: MethodEntry,
) -> Baseline:
    # The generation settings of the run are for a language model.
    own = spec.with_method(method_class(method.name)())
    start = time.monotonic()
    rows = [*data.train.rows, *(data.validation.rows if data.validation else ())]
    deployment = backend.deployer.deploy(backend.tuner.tune(own, rows), method.name)
    answers = predict_tuned(own, backend, data.test_rows().rows, deployment)
    seconds = time.monotonic() - start
    return Baseline(
        method=method.name,
        title=method.title or method.name,
        long_title=method.long_title or method.title or method.name,
        kind=method.kind,
        evaluation=evaluate(answers, spec.labels),
        seconds=round(seconds, 3),
        comparison=compare(predictions, answers, (predictions[0].model, method.name)),
    )

"""The baselines of a run: simple methods of plugins, and the decision of the untuned model."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunesmith.backends.connect import connect
from tunesmith.dataset import ExperimentData
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.evaluation.readings import read_as
from tunesmith.hookspecs import BackendEntry, MethodEntry
from tunesmith.pipeline.context import Context
from tunesmith.pipeline.predict import classify, predict_tuned
from tunesmith.plugins import method_class, registry
from tunesmith.records import Prediction, decided
from tunesmith.runs.judgment import UNTUNED
from tunesmith.runs.record import Baseline

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.spec import TuningSpec


def measure(
    spec: TuningSpec, data: ExperimentData, predictions: Sequence[Prediction]
) -> tuple[Baseline, ...]:
    """Fit every baseline of every backend on the training rows and compare it with the run.

    Validation rows are used as training rows here, because the baselines do not stop early. A
    backend that has the method of the run is left out.
    """
    return tuple(
        baseline
        for entry in registry().backends().values()
        if spec.method.name not in {method.name for method in entry.methods}
        for baseline in _of_backend(entry, spec, data, predictions)
    )


def _of_backend(
    entry: BackendEntry, spec: TuningSpec, data: ExperimentData, predictions: Sequence[Prediction]
) -> Iterator[Baseline]:
    methods = [method for method in entry.methods if method.baseline]
    if methods:
        with tempfile.TemporaryDirectory() as store, connect(entry.name, store=store) as backend:
            for method in methods:
                yield _baseline(spec, data, predictions, backend, method)


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
    model = backend.tuner.tune(own, rows)
    deployment = backend.deployer.deploy(model, method.name)
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


def measure_untuned(
    context: Context, tuned: Sequence[Prediction], base: Sequence[Prediction]
) -> tuple[Baseline, ...]:
    """Return the decision of the untuned model on the text that the tuned model reads.

    Returns nothing if the run already has it as its base row, if nothing was tuned, or if the
    base model has no label scores.
    """
    record = context.run.record
    same = record.base_input == "same"
    # The base model has no probabilities if they cost too much or are not supported.
    scores = bool(base) and base[0].probabilities is not None
    if not tuned or not scores or (same and record.answer == "decision"):
        return ()
    start = time.monotonic()
    answers = list(base)
    if not same:
        answers = _decisions(context, tuned)
    answers = read_as(answers, "decision")
    return (
        Baseline(
            method=UNTUNED,
            evaluation=evaluate(answers, context.spec.labels),
            seconds=round(time.monotonic() - start, 3),
            comparison=compare(tuned, answers, ("tuned", UNTUNED)),
        ),
    )


def _decisions(context: Context, tuned: Sequence[Prediction]) -> list[Prediction]:
    spec, backend, deployment = context.spec, context.backend, context.run.record.deployment
    assert deployment is not None  # noqa: S101  # it has answered
    rows = context.data.test_rows().rows
    prompts = backend.predictor.prompts(deployment, [row.input for row in rows])
    shares = classify(backend, spec.base_model, prompts, spec.labels)
    return [
        answer.model_copy(
            update={
                "model": "base",
                "prompt": prompt,
                "text": "",
                "answer": "decision",
                "label": decided(one.probabilities),
                "said": None,
                "probabilities": one.probabilities,
            }
        )
        for answer, prompt, one in zip(tuned, prompts, shares, strict=True)
    ]

"""How long one request takes: a few rows, asked one by one."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.prompts import base_prompts
from tunesmith.records import Deployment, Record, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Target
    from tunesmith.experiment import Experiment

SAMPLE = 20
"""Requests: enough for a median, few enough to be paid for. The p99 of so few is near the
slowest."""


class Latency(Record):
    """Percentiles over requests of one row each, in seconds."""

    p50: float
    p90: float
    p99: float
    requests: tuple[float, ...]
    """Seconds of each."""


def measure(
    experiment: Experiment,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    deployment: Deployment | None,
) -> Latency:
    """Time requests for rows that the seed draws, after the model has answered all rows once.

    Args:
        experiment: says how to ask.
        backend: where the model is.
        rows: to draw from.
        train: rows that solved examples come from.
        deployment: the tuned model; None asks the base model.
    """
    drawn = random.Random(experiment.seed).sample(list(rows), min(SAMPLE, len(rows)))
    target: Target = experiment.base_model if deployment is None else deployment
    inputs = [row.input for row in drawn]
    texts = inputs if deployment else base_prompts(experiment, backend, drawn, train).texts
    return percentiles([_seconds(experiment, backend, target, text) for text in texts])


def percentiles(seconds: Sequence[float]) -> Latency:
    """Return the percentiles of at least one time, interpolated between neighbors."""
    # `quantiles` needs two values; twice the only one has its percentiles.
    values = [*seconds, *seconds] if len(seconds) == 1 else seconds
    cuts = [round(cut, 6) for cut in statistics.quantiles(values, n=100, method="inclusive")]
    return Latency(p50=cuts[49], p90=cuts[89], p99=cuts[98], requests=tuple(seconds))


def _seconds(experiment: Experiment, backend: Backend, target: Target, text: str) -> float:
    start = time.perf_counter()
    backend.predictor.generate(target, [text], experiment.generation)
    return round(time.perf_counter() - start, 6)

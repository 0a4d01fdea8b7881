"""The time of one request, measured on a few rows that are asked one by one."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tunesmith.pipeline.predict import classify
from tunesmith.pipeline.prompts import BasePrompts, base_prompts
from tunesmith.records import Deployment, Reading, Record, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Target
    from tunesmith.spec import TuningSpec

SAMPLE = 20
"""Requests: enough for a median, and few because they may cost money. With so few, the p99 is close
to the slowest."""


class Latency(Record):
    """Percentiles over requests of one row each, in seconds."""

    p50: float
    p90: float
    p99: float
    requests: tuple[float, ...]
    """Seconds of each."""


def measure(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    deployment: Deployment | None,
    answer: Reading = "text",
) -> Latency:
    """Time requests for rows that the seed draws, after the model has answered all rows once.

    Args:
        spec: the prompt and the generation parameters.
        backend: of the model.
        rows: to draw from.
        train: rows that solved examples come from.
        deployment: the tuned model; None asks the base model.
        answer: whether a request asks for the probabilities of the labels, or for a text.
    """
    drawn = random.Random(spec.seed).sample(list(rows), min(SAMPLE, len(rows)))
    target: Target = spec.base_model if deployment is None else deployment
    prompts = BasePrompts([row.input for row in drawn])
    if deployment is None:
        prompts = base_prompts(spec, backend, drawn, train)
    predictor, params = backend.predictor, spec.generation
    asks: list[Callable[[], object]]
    if answer == "decision":
        asks = [partial(classify, backend, target, [text], spec.labels) for text in prompts.texts]
    elif (chats := prompts.conversations) is not None:
        asks = [partial(predictor.chat, spec.base_model, [chat], params) for chat in chats]
    else:
        asks = [partial(predictor.generate, target, [text], params) for text in prompts.texts]
    times = []
    for ask in asks:
        start = time.perf_counter()
        ask()
        times.append(round(time.perf_counter() - start, 6))
    return percentiles(times)


def percentiles(seconds: Sequence[float]) -> Latency:
    """Return the percentiles of at least one time, interpolated between neighbors."""
    # `quantiles` needs two values; a value and its copy have the percentiles of the value.
    values = [*seconds, *seconds] if len(seconds) == 1 else seconds
    cuts = [round(cut, 6) for cut in statistics.quantiles(values, n=100, method="inclusive")]
    return Latency(p50=cuts[49], p90=cuts[89], p99=cuts[98], requests=tuple(seconds))

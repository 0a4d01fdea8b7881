"""The learning curve, from the service's metrics of a training.

Two shapes are known, and the SDK reads both (``BaseTuner``, 1.8.1)::

    {"timestamp": …, "iteration": 0, "ml_metrics": {"loss": 0.91, "epoch": 0}}
    {"name": "loss", "data": {"timestamp": …, "epoch": 0, "step": 0, "value": 0.91}}
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tunesmith.records import EpochLoss, LearningCurve

Metric = Mapping[str, Any]


def losses(metrics: Sequence[Metric]) -> LearningCurve:
    """Return the mean loss of each epoch, as ``PromptTuner.summary()`` averages it.

    The service counts epochs from 0, and records count from 1. The service gives no optimizer
    steps, so there are no step losses.
    """
    return LearningCurve(
        epochs=tuple(
            EpochLoss(epoch=epoch + 1, loss=float(np.average([_loss(m) for m in group])))
            for epoch, group in _by_epoch(metrics)
        )
    )


def epoch_times(metrics: Sequence[Metric]) -> list[datetime | None]:
    """Return the time of the last entry of each epoch, or None if the service gives none."""
    return [moment(_timestamp(group[-1])) for _, group in _by_epoch(metrics)]


def moment(text: Any) -> datetime | None:
    """Parse a time of the service. Without a zone it is UTC."""
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _by_epoch(metrics: Sequence[Metric]) -> list[tuple[int, list[Metric]]]:
    known = [metric for metric in metrics if "data" in metric or "ml_metrics" in metric]
    return [(epoch, list(group)) for epoch, group in itertools.groupby(known, _epoch)]


def _epoch(metric: Metric) -> int:
    inner = metric["data"] if "data" in metric else metric["ml_metrics"]
    return int(inner["epoch"])


def _loss(metric: Metric) -> float:
    return float(metric["data"]["value"] if "data" in metric else metric["ml_metrics"]["loss"])


def _timestamp(metric: Metric) -> Any:
    return metric.get("data", metric).get("timestamp")

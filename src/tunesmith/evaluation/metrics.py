"""The scores of one model on one test set, equal to those of scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.labels import LabelSet
from tunesmith.records import Prediction, Record


class LabelScores(Record):
    """Scores of one label; an unparsable answer is a miss."""

    precision: float
    recall: float
    f1: float
    support: int
    """Test rows that have the label."""


class Evaluation(Record):
    """The scores of ``rows`` predictions."""

    rows: int
    correct: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """Wilson's 95 % interval."""
    unparsable: int
    """Answers that are no label; they count as wrong."""
    f1_macro: float
    labels: dict[str, LabelScores]
    confusion: tuple[tuple[int, ...], ...]
    """One row for each expected label; one column for each label, then the unparsable."""


def evaluate(predictions: Sequence[Prediction], labels: LabelSet) -> Evaluation:
    """Score ``predictions``, each of which has an expected label.

    Precision, recall and F1 are 0 if they are undefined (no row was given the label).
    """
    import numpy as np

    expected = Counter(p.expected for p in predictions)
    given = Counter(p.label for p in predictions)
    pairs = Counter((p.expected, p.label) for p in predictions)
    correct = sum(map(is_right, predictions))
    scores = {
        name: LabelScores(
            precision=_share(pairs[name, name], given[name]),
            recall=_share(pairs[name, name], expected[name]),
            f1=_share(2 * pairs[name, name], expected[name] + given[name]),
            support=expected[name],
        )
        for name in labels
    }
    return Evaluation(
        rows=len(predictions),
        correct=correct,
        accuracy=correct / len(predictions),
        accuracy_interval=wilson_interval(correct, len(predictions)),
        unparsable=given[None],
        f1_macro=float(np.mean([score.f1 for score in scores.values()])),
        labels=scores,
        confusion=tuple(tuple(pairs[a, b] for b in [*labels, None]) for a in labels),
    )


def is_right(prediction: Prediction) -> bool:
    """Return whether the answer is the expected label; one that is no label is wrong."""
    return prediction.label is not None and prediction.label == prediction.expected


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa of two raters of the same rows: agreement beyond chance (Cohen 1960).

    At least two labels must occur.
    """
    import numpy as np

    names, codes = np.unique([first, second], return_inverse=True)
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, tuple(codes.reshape(2, -1)), 1)
    by_chance = np.outer(counts.sum(axis=0), counts.sum(axis=1)) / counts.sum()
    differ = 1 - np.eye(len(names))
    return float(1 - (differ * counts).sum() / (differ * by_chance).sum())

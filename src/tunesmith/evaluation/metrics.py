"""The scores of one model on one test set, equal to those of scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.labels import LabelSet, numbered
from tunesmith.records import Prediction, Record

Pair = tuple[str | None, str | None]
"""The expected label of a row, and that of the answer, which is None if it is no label."""


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


def evaluate(predictions: Iterable[Prediction], labels: LabelSet) -> Evaluation:
    """Score ``predictions``, each of which has an expected label; see :func:`score`."""
    return score(Counter(map(pair, predictions)), labels)


def pair(prediction: Prediction) -> Pair:
    """Return what the scores need of a prediction."""
    return prediction.expected, prediction.label


def score(counts: Mapping[Pair, int], labels: LabelSet) -> Evaluation:
    """Return the scores of answers; ``counts`` has their number for each pair of labels.

    Precision, recall and F1 are 0 if they are undefined (no row was given the label).
    """
    import numpy as np

    pairs, expected, given = Counter(counts), Counter[str | None](), Counter[str | None]()
    for (wanted, found), number in pairs.items():
        expected[wanted] += number
        given[found] += number
    rows = pairs.total()
    correct = sum(pairs[name, name] for name in given if name is not None)
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
        rows=rows,
        correct=correct,
        accuracy=correct / rows,
        accuracy_interval=wilson_interval(correct, rows),
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

    names, codes = numbered([*first, *second])
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, tuple(np.reshape(codes, (2, -1))), 1)
    by_chance = np.outer(counts.sum(axis=0), counts.sum(axis=1)) / counts.sum()
    differ = 1 - np.eye(len(names))
    return float(1 - (differ * counts).sum() / (differ * by_chance).sum())

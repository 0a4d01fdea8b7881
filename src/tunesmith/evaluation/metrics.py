"""The numbers of one model on one test set. Statistics are scikit-learn's and scipy's."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.labels import LabelSet
from tunesmith.records import Prediction, Record

UNPARSABLE = "(unparsable)"


class LabelScores(Record):
    """Scores of one label; an unparsable answer is a miss."""

    precision: float
    recall: float
    f1: float
    support: int
    """Test rows that have the label."""


class Evaluation(Record):
    """What ``rows`` predictions are worth."""

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

    Precision, recall and F1 are 0 where they are undefined (no row was given the label).
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    names = list(labels)
    expected = [p.expected for p in predictions]
    given = [UNPARSABLE if p.label is None else p.label for p in predictions]
    precision, recall, f1, support = precision_recall_fscore_support(
        expected, given, labels=names, zero_division=0.0
    )
    correct = sum(a == b for a, b in zip(expected, given, strict=True))
    matrix = confusion_matrix(expected, given, labels=[*names, UNPARSABLE])[: len(names)]
    return Evaluation(
        rows=len(predictions),
        correct=correct,
        accuracy=correct / len(predictions),
        accuracy_interval=wilson_interval(correct, len(predictions)),
        unparsable=given.count(UNPARSABLE),
        f1_macro=float(f1.mean()),
        labels={
            name: LabelScores(
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(names)
        },
        confusion=tuple(tuple(int(cell) for cell in line) for line in matrix),
    )

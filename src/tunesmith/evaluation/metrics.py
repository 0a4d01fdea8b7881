"""The scores of one model on one test set, equal to those of scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

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

    names = list(labels)
    expected = [p.expected for p in predictions]
    given = [UNPARSABLE if p.label is None else p.label for p in predictions]
    pairs = Counter(zip(expected, given, strict=True))
    scores = _label_scores(names, pairs)
    correct = sum(rows for (wanted, label), rows in pairs.items() if wanted == label)
    return Evaluation(
        rows=len(predictions),
        correct=correct,
        accuracy=correct / len(predictions),
        accuracy_interval=wilson_interval(correct, len(predictions)),
        unparsable=given.count(UNPARSABLE),
        f1_macro=float(np.mean([score.f1 for score in scores.values()])),
        labels=scores,
        confusion=tuple(tuple(pairs[a, b] for b in [*names, UNPARSABLE]) for a in names),
    )


def _label_scores(
    names: Sequence[str], pairs: Mapping[tuple[str | None, str], int]
) -> dict[str, LabelScores]:
    expected, given = Counter[str | None](), Counter[str]()
    for (wanted, label), rows in pairs.items():
        expected[wanted] += rows
        given[label] += rows
    return {
        name: LabelScores(
            precision=_share(pairs.get((name, name), 0), given[name]),
            recall=_share(pairs.get((name, name), 0), expected[name]),
            f1=_share(2 * pairs.get((name, name), 0), expected[name] + given[name]),
            support=expected[name],
        )
        for name in names
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa of two raters: their agreement beyond chance (Cohen 1960).

    Args:
        first: one label a row; at least two labels occur in ``first`` and ``second`` together.
        second: the same rows in the same order.
    """
    import numpy as np

    names = {name: index for index, name in enumerate(sorted({*first, *second}))}
    counts = np.zeros((len(names), len(names)))
    for a, b in zip(first, second, strict=True):
        counts[names[a], names[b]] += 1
    by_chance = np.outer(counts.sum(axis=0), counts.sum(axis=1)) / counts.sum()
    differ = 1 - np.eye(len(names))
    return float(1 - (differ * counts).sum() / (differ * by_chance).sum())

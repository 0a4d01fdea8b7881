"""Evaluation against numbers worked out by hand, and against scikit-learn's."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tunesmith import LabelSet, evaluate
from tunesmith.evaluation.metrics import cohen_kappa
from tunesmith.records import Prediction

LABELS = LabelSet.model_validate(["0", "1"])
FIELDS = ("precision", "recall", "f1", "support")


def said(expected: str, *texts: str, labels: LabelSet = LABELS) -> list[Prediction]:
    return [
        Prediction(
            row=i, model="tuned", input="", prompt="", text=t, label=labels.parse(t),
            expected=expected,
        )
        for i, t in enumerate(texts)
    ]  # fmt: skip


def test_by_hand() -> None:
    # expected 1: right, right, wrong; expected 0: right, unparsable
    result = evaluate([*said("1", "1", "1", "0"), *said("0", "0", "maybe")], LABELS)
    assert (result.rows, result.correct, result.unparsable) == (5, 3, 1)
    assert result.accuracy == pytest.approx(3 / 5)
    assert result.confusion == ((1, 0, 1), (1, 2, 0))
    one, zero = result.labels["1"], result.labels["0"]
    assert (one.precision, one.recall) == (1.0, pytest.approx(2 / 3))
    assert (zero.precision, zero.recall) == (0.5, 0.5)  # the unparsable answer is a miss
    assert result.f1_macro == pytest.approx((0.8 + 0.5) / 2)
    assert (one.support, zero.support) == (3, 2)


def test_a_label_that_was_never_answered_scores_zero_without_a_warning() -> None:
    result = evaluate([*said("1", "0"), *said("0", "0")], LABELS)
    assert result.labels["1"].f1 == 0.0


def test_everything_unparsable() -> None:
    result = evaluate(said("1", "?", "?"), LABELS)
    assert (result.accuracy, result.unparsable) == (0.0, 2)


@pytest.mark.parametrize("seed", range(200))
def test_equals_scikit_learn(seed: int) -> None:
    rng = random.Random(seed)
    pool = ["b", "a", "7", "é", "(unparsable)", "not at all", "Z", "10", "None", "x y"]
    names = rng.sample(pool, rng.randint(2, len(pool)))
    labels = LabelSet.model_validate(names)
    rows = rng.randint(1, 120)
    seen = rng.sample(names, rng.randint(1, len(names)))  # some labels occur nowhere
    expected = rng.choices(seen, k=rows)
    texts = rng.choices([*seen, "no label"], k=rows)
    answers = [
        answer
        for pair in zip(expected, texts, strict=True)
        for answer in said(*pair, labels=labels)
    ]
    result = evaluate(answers, labels)

    given = [name if name in names else "no label" for name in texts]
    scores = sklearn_metrics.precision_recall_fscore_support(
        expected, given, labels=names, zero_division=0.0
    )
    ours = [[getattr(result.labels[n], field) for n in names] for field in FIELDS]
    assert ours == [values.tolist() for values in scores]
    assert result.f1_macro == scores[2].mean()
    matrix = sklearn_metrics.confusion_matrix(expected, given, labels=[*names, "no label"])
    assert np.array_equal(result.confusion, matrix[:-1])
    if len({*expected, *given}) > 1:
        assert cohen_kappa(expected, given) == sklearn_metrics.cohen_kappa_score(expected, given)

"""Evaluation against numbers worked out by hand."""

from __future__ import annotations

import pytest

from tunesmith import LabelSet, evaluate
from tunesmith.records import Prediction

LABELS = LabelSet.model_validate(["0", "1"])


def said(expected: str, *texts: str) -> list[Prediction]:
    return [
        Prediction(
            row=i, model="tuned", input="", prompt="", text=t, label=LABELS.parse(t),
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


def test_a_label_that_nobody_said_scores_zero_without_a_warning() -> None:
    result = evaluate([*said("1", "0"), *said("0", "0")], LABELS)
    assert result.labels["1"].f1 == 0.0


def test_everything_unparsable() -> None:
    result = evaluate(said("1", "?", "?"), LABELS)
    assert (result.accuracy, result.unparsable) == (0.0, 2)

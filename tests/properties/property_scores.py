"""The numbers of an evaluation, counted one row after the other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import Prediction


def assert_scores(found: Evaluation, answers: Sequence[Prediction], names: Sequence[str]) -> None:
    """Compare ``found`` with the counts over ``answers``."""
    columns = [*names, None]
    table = [[0] * len(columns) for _ in names]
    right = unparsable = 0
    for one in answers:
        right += one.label == one.expected
        unparsable += one.label is None
        table[names.index(one.expected)][columns.index(one.label)] += 1
    assert (found.rows, found.correct, found.unparsable) == (len(answers), right, unparsable)
    assert found.accuracy == right / len(answers)
    assert [list(row) for row in found.confusion] == table
    for place, name in enumerate(names):
        said, true = sum(row[place] for row in table), sum(table[place])
        hit, score = table[place][place], found.labels[name]
        assert score.support == true
        assert score.recall == pytest.approx(hit / true if true else 0)
        assert score.precision == pytest.approx(hit / said if said else 0)

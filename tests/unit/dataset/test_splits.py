"""Every seed draws the rows that scikit-learn draws."""

from __future__ import annotations

import contextlib
import random

import pytest
from sklearn.model_selection import train_test_split

from tunesmith.dataset import Dataset, stratified_split
from tunesmith.dataset.splits import stratified_part
from tunesmith.errors import DatasetError
from tunesmith.records import Row


def drawn_by_scikit_learn(labels: list[str], fraction: float, seed: int) -> set[int]:
    rows = range(len(labels))
    _, part = train_test_split(rows, test_size=fraction, random_state=seed, stratify=labels)
    return set(part)


@pytest.mark.parametrize("case", range(400))
def test_equals_scikit_learn(case: int) -> None:
    rng = random.Random(case)
    names = rng.sample(["b", "a", "10", "2", "é", "Z", "not at all", "x y"], rng.randint(1, 8))
    shares = [rng.choice([1, 1, 2, 9]) for _ in names]
    # Small numbers and equal shares: remainders tie, and the seed decides.
    labels = rng.choices(names, shares, k=rng.choice([4, 10, 33, 60, 350]))
    fraction, seed = rng.choice([0.05, 0.1, 0.2, 1 / 3, 0.5, rng.random()]), rng.randrange(2**31)
    try:
        expected = drawn_by_scikit_learn(labels, fraction, seed)
    except ValueError:
        with pytest.raises(ValueError, match="row"):
            stratified_part(labels, fraction, seed)
    else:
        assert stratified_part(labels, fraction, seed) == expected


@pytest.mark.parametrize("rows", [24, 40, 77])
def test_ties_are_broken_as_scikit_learn_breaks_them(rows: int) -> None:
    labels = [str(row % 8) for row in range(rows)]
    for seed in range(50):
        assert stratified_part(labels, 0.4, seed) == drawn_by_scikit_learn(labels, 0.4, seed)


def test_an_error_names_the_label_or_the_sizes() -> None:
    with pytest.raises(ValueError, match="one row only of 'b'"):
        stratified_part(["a", "a", "b"], 0.5, 0)
    with pytest.raises(ValueError, match="3 and 1 rows for 2 labels"):
        stratified_part(["a", "a", "b", "b"], 0.1, 0)


def test_a_text_with_two_labels_does_not_take_the_last_row_of_one() -> None:
    rows = [("lovely", "no"), ("lovely", "yes"), ("0", "no")]
    data = Dataset(source="d", rows=tuple(Row(input=text, output=label) for text, label in rows))
    for seed in range(8):
        with contextlib.suppress(DatasetError):
            train, _ = stratified_split(data, 0.15, seed)
            assert {row.output for row in train.rows} == {"no", "yes"}
    with pytest.raises(DatasetError, match="no row is left of 'yes'"):
        stratified_split(data, 0.15, 0)


def test_labels_that_differ_in_nul_alone_are_two() -> None:
    labels = ["a", "a\0"] * 10
    part = stratified_part(labels, 0.2, 0)
    assert sorted(labels[row] for row in part) == ["a", "a", "a\0", "a\0"]

"""An audit that holds no text finds what a comparison of all texts would."""

from __future__ import annotations

import json
import math
import os.path
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tunesmith.audit import audit_data
from tunesmith.audit.affixes import SAMPLED, SHARE, Affixes, find_affixes
from tunesmith.audit.copies import conflicting_texts, find_copies, first_rows
from tunesmith.dataset import load_dataset
from tunesmith.dataset.stored import stored_rows

AFFIXES = Affixes(prefix="Comment: ", suffix=" =>")


def drawn(draw: random.Random, count: int) -> list[str]:
    """Few different texts, with and without affixes, and with white space."""
    shapes = ("{}", " {}", "Comment: {}", "Comment: {} =>", "{}  =>", "Comment: Comment: {}")
    return [draw.choice(shapes).format(f"word {draw.choice('abcdef')}") for _ in range(count)]


def by_dictionary(
    train: Sequence[str], test: Sequence[str], affixes: tuple[Affixes, Affixes]
) -> tuple[list[int], list[int]]:
    """Number the texts one after the other."""

    def normal(text: str) -> str:
        return " ".join(text.split())

    known: dict[str, int] = {}
    ours = [known.setdefault(normal(text), len(known)) for text in train]
    for text, number in zip(train, ours, strict=True):
        known.setdefault(normal(affixes[0].bare(text)), number)
    theirs = []
    for text in test:
        fallback = known.get(normal(affixes[1].bare(text)), -len(known) - 1)
        theirs.append(known.setdefault(normal(text), fallback))
    return ours, theirs


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("affixes", [(AFFIXES, Affixes()), (Affixes(), AFFIXES), (AFFIXES,) * 2])
def test_rows_have_the_same_number_if_they_have_the_same_text(
    seed: int, affixes: tuple[Affixes, Affixes]
) -> None:
    draw = random.Random(seed)
    train, test = drawn(draw, draw.randint(0, 12)), drawn(draw, draw.randint(0, 12))
    copies, expected = find_copies(train, test, affixes), by_dictionary(train, test, affixes)
    found = [*copies.train.tolist(), *copies.test.tolist()]
    numbers = [*expected[0], *expected[1]]
    assert len(set(zip(found, numbers, strict=True))) == len(set(found)) == len(set(numbers))
    assert all(number >= 0 for number in copies.train)
    known = set(expected[0])
    assert copies.leaked.tolist() == [row for row, n in enumerate(expected[1]) if n in known]
    firsts = {number: row for row, number in reversed(list(enumerate(expected[0])))}
    assert first_rows(copies.train).tolist() == sorted(firsts.values())


def test_a_text_with_two_labels_is_found_by_numbers() -> None:
    import numpy as np

    copies = find_copies(["a", "b", "a", "c"], ["b", "c", "d"], (Affixes(), Affixes()))
    labels = np.array([0, 1, -1, 1]), np.array([0, 1, 0])
    assert conflicting_texts(copies, *labels).tolist() == [copies.train[1]]


def shared_prefix(texts: Sequence[str]) -> str:
    """Return the longest that a window over all sorted texts has."""
    distinct = sorted(set(texts))
    window = math.ceil(SHARE * len(distinct))
    pairs = zip(distinct, distinct[window - 1 :], strict=False)
    return max((os.path.commonprefix(pair) for pair in pairs), key=len)  # noqa: RUF071  # of any texts


@pytest.mark.parametrize("lacking", [0.03, 0.049, 0.06])
@pytest.mark.parametrize("rows", [40, 3 * SAMPLED])
def test_an_affix_is_that_of_all_sorted_texts(rows: int, lacking: float) -> None:
    draw = random.Random(rows)
    given = [f"Please rate this: {draw.random()}" for _ in range(rows)]
    for row in range(round(lacking * rows)):
        given[row] = f"{draw.random()} for {row}"
    expected = shared_prefix(given).rpartition(" ")[0]
    assert find_affixes(given).prefix.rstrip() == expected


def test_rows_in_a_file_and_in_memory_have_one_audit(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = "parcel invoice kettle battery refund courier screen password shoes".split()  # noqa: SIM905  # readable
    for name in ("train", "test"):
        texts = [f"Review: {' '.join(draw.choices(words, k=7))}" for _ in range(60)]
        texts += [draw.choice(texts) for _ in range(9)]
        texts += [f"{draw.choice(texts)}!" for _ in range(9)]
        rows = [{"input": text, "output": draw.choice(["a", "b", None])} for text in texts]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    files = [str(tmp_path / name) for name in ("train.json", "test.json")]
    stored = audit_data(*(stored_rows(file, labelled=None) for file in files))
    assert stored == audit_data(*(load_dataset(file, labelled=None) for file in files))
    assert {"duplicate_train_rows", "near_duplicate_train_rows", "label_conflicts"} <= {
        one.code for one in stored.findings
    }

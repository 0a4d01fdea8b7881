"""Copies: rows with the same text, in one part or in both, and copies with different labels.

Two rows have the same text if they are equal after Unicode normalization (NFC), with runs of white
space as one space, and without the affixes of their part. Letter case and punctuation count: rows
that differ only in these are near copies.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunesmith.audit.affixes import Affixes
from tunesmith.audit.findings import Finding, Part, counted, finding, rows_that, verb
from tunesmith.records import Row


@dataclass(frozen=True, slots=True)
class Copies:
    """A number for each row; rows with the same text have the same number."""

    train: list[int]
    test: list[int]

    @property
    def duplicate_train(self) -> list[int]:
        """The training rows that repeat an earlier one."""
        return _beyond_first(self.train)

    @property
    def duplicate_test(self) -> list[int]:
        """The test rows that repeat an earlier one."""
        return _beyond_first(self.test)

    @property
    def leaked(self) -> list[int]:
        """The test rows with the text of a training row."""
        known = set(self.train)
        return [row for row, text in enumerate(self.test) if text in known]


def find_copies(
    train: Sequence[str], test: Sequence[str], affixes: tuple[Affixes, Affixes]
) -> Copies:
    """Number the distinct texts of both parts."""
    known: dict[str, int] = {}
    train_numbers = [known.setdefault(_normal(text), len(known)) for text in train]
    for text, number in zip(train, train_numbers, strict=True):
        known.setdefault(_normal(affixes[0].bare(text)), number)
    test_numbers = []
    for text in test:
        # A negative number is new: those of the training rows count up from 0.
        fallback = known.get(_normal(affixes[1].bare(text)), -len(known) - 1)
        test_numbers.append(known.setdefault(_normal(text), fallback))
    return Copies(train_numbers, test_numbers)


def conflicting_texts(copies: Copies, train: Sequence[Row], test: Sequence[Row]) -> set[int]:
    """Return the numbers of the texts that have more than one label."""
    labels: dict[int, set[str]] = {}
    for number, row in zip([*copies.train, *copies.test], [*train, *test], strict=True):
        if row.output is not None:
            labels.setdefault(number, set()).add(row.output)
    return {number for number, names in labels.items() if len(names) > 1}


def copy_findings(copies: Copies, conflicting: set[int]) -> Iterator[Finding]:
    """Yield which rows are copies, and which copies have different labels."""
    if leaked := copies.leaked:
        first = copies.train.index(copies.test[leaked[0]])
        leaks = rows_that(
            len(leaked), len(copies.test), "test", "is a training row", "are training rows"
        )
        what = f"{leaks} too; test row {leaked[0]} is training row {first}"
        remedy = "A model may have memorized them: remove them from the training file"
        yield finding("problem", "leaked_test_rows", what, remedy, "test", leaked)
    yield from _duplicates("train", copies.train, "They count twice in the tuning")
    yield from _duplicates("test", copies.test, "Intervals and p-values assume independent rows")
    if conflicting:
        yield _conflict(copies, conflicting)


def _duplicates(part: Part, numbers: Sequence[int], why: str) -> Iterator[Finding]:
    if again := _beyond_first(numbers):
        what = f"{rows_that(len(again), len(numbers), part, 'repeats', 'repeat')} an earlier one"
        code = f"duplicate_{part}_rows"
        yield finding("warning", code, what, f"{why}: keep the first", part, again)


def _conflict(copies: Copies, conflicting: set[int]) -> Finding:
    in_train = [row for row, number in enumerate(copies.train) if number in conflicting]
    in_test = [row for row, number in enumerate(copies.test) if number in conflicting]
    what = (
        f"{counted(len(conflicting), 'text')} {verb(len(conflicting), 'has', 'have')} more than "
        f"one label, in {counted(len(in_train), 'training row')} and "
        f"{counted(len(in_test), 'test row')}"
    )
    remedy = "No model can be right on all of them: decide which label is right"
    part: Part = "train" if in_train else "test"
    return finding("problem", "label_conflicts", what, remedy, part, in_train or in_test)


def first_rows(numbers: Sequence[int]) -> list[int]:
    """Return the first row of each number, in order."""
    firsts: dict[int, int] = {}
    for row, number in enumerate(numbers):
        firsts.setdefault(number, row)
    return list(firsts.values())


def _beyond_first(numbers: Sequence[int]) -> list[int]:
    return sorted(set(range(len(numbers))).difference(first_rows(numbers)))


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())

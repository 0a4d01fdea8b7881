"""Copies: rows with the same text, in one part or in both, and copies with different labels.

Two rows have the same text if they are equal after Unicode normalization (NFC), with runs of white
space as one space, and without the affixes of their part. Letter case and punctuation count: rows
that differ only in these are near copies.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.audit.affixes import Affixes
from tunesmith.audit.findings import Finding, Part, counted, finding, rows_that, verb
from tunesmith.audit.numbered import first_rows, hashes_of, rows_in

if TYPE_CHECKING:
    from tunesmith.audit.numbered import Numbers


@dataclass(frozen=True, slots=True)
class Copies:
    """A number for each row; rows with the same text have the same number."""

    train: Numbers
    test: Numbers

    @property
    def duplicate_train(self) -> Numbers:
        """The training rows that repeat an earlier one."""
        return _beyond_first(self.train)

    @property
    def duplicate_test(self) -> Numbers:
        """The test rows that repeat an earlier one."""
        return _beyond_first(self.test)

    @property
    def leaked(self) -> Numbers:
        """The test rows with the text of a training row."""
        return rows_in(self.test, self.train)


def find_copies(
    train: Sequence[str], test: Sequence[str], affixes: tuple[Affixes, Affixes]
) -> Copies:
    """Number the distinct texts of both parts.

    A text is represented by a hash of 64 bits, so that no text is held.
    """
    import numpy as np

    whole, bare = _hashes(train, affixes[0])
    texts, numbers = np.unique(whole, return_inverse=True)
    known = _Known(texts, np.arange(len(texts)))
    if bare is not whole:
        more, first = np.unique(bare, return_index=True)
        new = known.of(more) < 0
        known = known.with_others(more[new], numbers[first[new]])
    return Copies(numbers, _test_numbers(known, *_hashes(test, affixes[1])))


def _hashes(texts: Sequence[str], affixes: Affixes) -> tuple[Numbers, Numbers]:
    """Return a hash of each text, and one of it without its affixes."""
    whole = hashes_of(map(_normal, texts), len(texts))
    if affixes == Affixes():
        return whole, whole
    return whole, hashes_of((_normal(affixes.bare(text)) for text in texts), len(texts))


class _Known:
    """The numbers of texts, by their hashes."""

    def __init__(self, hashes: Numbers, numbers: Numbers) -> None:
        """Keep the ``hashes``, which are sorted."""
        self._hashes, self._numbers = hashes, numbers

    def with_others(self, hashes: Numbers, numbers: Numbers) -> _Known:
        """Return these and others."""
        import numpy as np

        every = np.append(self._hashes, hashes)
        order = every.argsort()
        return _Known(every[order], np.append(self._numbers, numbers)[order])

    def of(self, hashes: Numbers) -> Numbers:
        """Return the number of each text, -1 if it has none."""
        import numpy as np

        if not len(self._hashes):
            return np.full(len(hashes), -1)
        place = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        return np.where(self._hashes[place] == hashes, self._numbers[place], -1)


def _test_numbers(known: _Known, whole: Numbers, bare: Numbers) -> Numbers:
    """Number the test rows: as the text, else as the bare text, among the rows before; else new."""
    import numpy as np

    texts, first, text_of = np.unique(whole, return_index=True, return_inverse=True)
    without = bare[first]
    numbers = known.of(texts)
    numbers = np.where(numbers < 0, known.of(without), numbers)
    (new,) = np.nonzero(numbers < 0)
    # A negative number is new: those of the training rows count up from 0.
    numbers[new] = -1 - new
    same = np.searchsorted(texts, without[new]).clip(max=len(texts) - 1)
    earlier = (texts[same] == without[new]) & (first[same] < first[new])
    for place in np.flatnonzero(earlier)[first[new][earlier].argsort()]:
        numbers[new[place]] = numbers[same[place]]
    return numbers[text_of]


def conflicting_texts(copies: Copies, train: Numbers, test: Numbers) -> Numbers:
    """Return the numbers of the texts that have more than one label.

    ``train`` and ``test`` are the labels of the rows, as numbers; -1 is none.
    """
    import numpy as np

    numbers, labels = np.append(copies.train, copies.test), np.append(train, test)
    numbers, labels = numbers[labels >= 0], labels[labels >= 0]
    order = np.lexsort((labels, numbers))
    numbers, labels = numbers[order], labels[order]
    differ = (numbers[1:] == numbers[:-1]) & (labels[1:] != labels[:-1])
    return np.unique(numbers[1:][differ])


def copy_findings(copies: Copies, conflicting: Numbers) -> Iterator[Finding]:
    """Yield which rows are copies, and which copies have different labels."""
    leaked = copies.leaked
    if len(leaked):
        first = int((copies.train == copies.test[leaked[0]]).argmax())
        leaks = rows_that(
            len(leaked), len(copies.test), "test", "is a training row", "are training rows"
        )
        what = f"{leaks} too; test row {leaked[0]} is training row {first}"
        remedy = "A model may have memorized them: remove them from the training file"
        yield finding("problem", "leaked_test_rows", what, remedy, "test", leaked)
    yield from _duplicates("train", copies.train, "They count twice in the tuning")
    yield from _duplicates("test", copies.test, "Intervals and p-values assume independent rows")
    if len(conflicting):
        yield _conflict(copies, conflicting)


def _duplicates(part: Part, numbers: Numbers, why: str) -> Iterator[Finding]:
    again = _beyond_first(numbers)
    if len(again):
        what = f"{rows_that(len(again), len(numbers), part, 'repeats', 'repeat')} an earlier one"
        code = f"duplicate_{part}_rows"
        yield finding("warning", code, what, f"{why}: keep the first", part, again)


def _conflict(copies: Copies, conflicting: Numbers) -> Finding:
    in_train, in_test = rows_in(copies.train, conflicting), rows_in(copies.test, conflicting)
    what = (
        f"{counted(len(conflicting), 'text')} {verb(len(conflicting), 'has', 'have')} more than "
        f"one label, in {counted(len(in_train), 'training row')} and "
        f"{counted(len(in_test), 'test row')}"
    )
    remedy = "No model can be right on all of them: decide which label is right"
    part: Part = "train" if len(in_train) else "test"
    rows = in_train if len(in_train) else in_test
    return finding("problem", "label_conflicts", what, remedy, part, rows)


def _beyond_first(numbers: Numbers) -> Numbers:
    import numpy as np

    again = np.ones(len(numbers), dtype=bool)
    again[first_rows(numbers)] = False
    return np.flatnonzero(again)


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())

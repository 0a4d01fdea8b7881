"""Puts the parts of an audit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from tunesmith.audit.balance import balance_findings, label_findings
from tunesmith.audit.copies import Copies, copy_findings, find_copies, torn_texts
from tunesmith.audit.findings import NOUNS, SEVERITIES, Finding, Part, counted, finding, verb
from tunesmith.audit.frames import Frame, find_frame, frame_findings, settled
from tunesmith.audit.lengths import (
    Lengths,
    Reader,
    TokenCounts,
    length_findings,
    lengths_of,
    token_counts,
)
from tunesmith.audit.near import near_copies, near_findings
from tunesmith.audit.power import power_findings, smallest_difference
from tunesmith.dataset import Dataset
from tunesmith.labels import LabelSet
from tunesmith.records import LabelTokens, Record, Row

Frames = tuple[Frame, Frame]


def audit_data(
    train: Dataset,
    test: Dataset | None = None,
    *,
    labels: LabelSet | None = None,
    reader: Reader | None = None,
) -> Audit:
    """Audit the rows of ``train`` and, where given, ``test``.

    Args:
        train: all rows of the training file.
        test: the rows to evaluate on.
        labels: what a model is to say for each label; by default the labels that are found.
        reader: how a model will read the rows; without it no tokens are counted.
    """
    ours, theirs = train.rows, test.rows if test else ()
    frames = _frames(train.inputs, test.inputs if test else [])
    names = _names(labels, [*ours, *theirs])
    copies = find_copies(_texts(ours), _texts(theirs), frames)
    torn = torn_texts(copies, ours, theirs)
    near_train, near_test = _near(copies, _bare(ours, frames[0]), _bare(theirs, frames[1]))
    train_part, found = _part(train, "train", names, frames[0], reader)
    found += copy_findings(copies, torn)
    found += near_findings(near_train, len(ours), "train")
    found += label_findings([labels.surface(n) for n in labels] if labels else names, reader)
    test_part = None
    if test is not None:
        test_part, more = _part(test, "test", names, frames[1], reader)
        found += [*more, *near_findings(near_test, len(theirs), "test")]
        found += frame_findings(_texts(ours), _texts(theirs), frames)
        found += power_findings(len(theirs))
    found += balance_findings(train_part.labels, test_part.labels if test_part else None)
    return Audit(
        train=train_part,
        test=test_part,
        duplicate_train_rows=len(copies.duplicate_train),
        duplicate_test_rows=len(copies.duplicate_test) if test else None,
        leaked_test_rows=len(copies.leaked) if test else None,
        near_duplicate_train_rows=len(near_train),
        near_leaked_test_rows=len(near_test) if test else None,
        label_conflicts=len(torn),
        smallest_difference=smallest_difference(len(theirs)) if test else None,
        findings=tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity))),
    )


def _part(
    data: Dataset, part: Part, names: Sequence[str], frame: Frame, reader: Reader | None
) -> tuple[PartAudit, list[Finding]]:
    counts = Counter(row.output for row in data.rows)
    tokens = reader.lengths(data.inputs) if reader and data.rows else []
    limit = reader.limit if reader else None
    described = PartAudit(
        source=data.source,
        rows=len(data),
        labels={name: counts[name] for name in names},
        unlabelled=counts[None],
        frame=frame,
        characters=lengths_of([len(text) for text in data.inputs]),
        words=lengths_of([len(text.split()) for text in data.inputs]),
        tokens=token_counts(tokens, limit) if tokens else None,
    )
    return described, [*length_findings(tokens, limit, part), *_unlabelled(data, part)]


def _unlabelled(data: Dataset, part: Part) -> list[Finding]:
    rows = [place for place, row in enumerate(data.rows) if row.output is None]
    if not rows:
        return []
    what = (
        f"{len(rows):,} of {counted(len(data), NOUNS[part])} {verb(len(rows), 'has', 'have')} no "
        "label: a run refuses the file"
    )
    remedy = "Label them, or take them out"
    return [finding("problem", f"unlabelled_{part}_rows", what, remedy, part, rows)]


def _frames(train: Sequence[str], test: Sequence[str]) -> Frames:
    ours, theirs = find_frame(train), find_frame(test)
    return settled(ours, theirs), settled(theirs, ours)


def _names(labels: LabelSet | None, rows: Sequence[Row]) -> list[str]:
    found = {row.output for row in rows if row.output is not None}
    declared = list(labels) if labels else []
    return declared + sorted(found.difference(declared))


def _near(copies: Copies, train: Sequence[str], test: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the training rows and the test rows that are near copies, and no copies."""
    firsts = _first_rows(copies.train)
    texts = [train[row] for row in firsts]
    near_train = [firsts[place] for place in near_copies(texts)]
    known = set(copies.train)
    own = [row for row in _first_rows(copies.test) if copies.test[row] not in known]
    near = {copies.test[own[place]] for place in near_copies([test[row] for row in own], texts)}
    return near_train, [row for row, number in enumerate(copies.test) if number in near]


def _first_rows(numbers: Sequence[int]) -> list[int]:
    firsts: dict[int, int] = {}
    for row, number in enumerate(numbers):
        firsts.setdefault(number, row)
    return list(firsts.values())


def _texts(rows: Sequence[Row]) -> list[str]:
    return [row.input for row in rows]


def _bare(rows: Sequence[Row], frame: Frame) -> list[str]:
    return [frame.bare(row.input) for row in rows]


class PartAudit(Record):
    """What one part of the data looks like."""

    source: str
    rows: int
    labels: dict[str, int]
    """Rows of each label."""
    unlabelled: int
    """Rows without a label."""
    frame: Frame
    """What nearly every row has around its own text."""
    characters: Lengths | None
    """None where there are no rows."""
    words: Lengths | None
    tokens: TokenCounts | None
    """None where no tokenizer was asked."""


class Audit(Record):
    """What is to be known about a training file and a test file.

    What belongs to the test rows is None where there are none. Counts of copies are explained in
    ``tunesmith.audit.copies``, those of near copies in ``tunesmith.audit.near``.
    """

    train: PartAudit
    test: PartAudit | None
    duplicate_train_rows: int
    """Copies beyond the first."""
    duplicate_test_rows: int | None
    leaked_test_rows: int | None
    """Test rows whose text is a training row's."""
    near_duplicate_train_rows: int
    """Rows that are no copy, and nearly an earlier row."""
    near_leaked_test_rows: int | None
    """Test rows that are no copy, and nearly a training row."""
    label_conflicts: int
    """Texts with more than one label, in either part or across."""
    smallest_difference: float | None
    """In accuracy, that so many test rows establish with 80 % power; None where none."""
    labels: dict[str, LabelTokens] = Field(default_factory=dict)
    """How the untuned model would write each label, if it was asked."""
    findings: tuple[Finding, ...]
    """The most serious first."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that make the results of a run say less than they seem to."""
        return tuple(found for found in self.findings if found.severity == "problem")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a run must know."""
        return tuple(found.message for found in self.problems)

"""The audit of a training file and a test file, put together from its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from tunesmith.audit.affixes import Affixes, affix_findings, find_affixes, without_chance_marks
from tunesmith.audit.balance import balance_findings, label_findings
from tunesmith.audit.copies import (
    Copies,
    conflicting_texts,
    copy_findings,
    find_copies,
    first_rows,
)
from tunesmith.audit.findings import SEVERITIES, Finding, Part, finding, rows_that
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
from tunesmith.records import LabelTokens, Record


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The copies and near copies among the rows of both parts, the slowest part of an audit."""

    affixes: tuple[Affixes, Affixes]
    copies: Copies
    near_train: list[int]
    """Training rows that are near copies but not copies."""
    near_test: list[int]
    """Test rows that are near copies but not copies."""


def find_overlaps(train: Dataset, test: Dataset | None = None) -> Overlaps:
    """Find the copies and near copies among the rows of ``train`` and ``test``."""
    ours, theirs = train.inputs, test.inputs if test else []
    found = find_affixes(ours), find_affixes(theirs)
    affixes = without_chance_marks(*found), without_chance_marks(*found[::-1])
    copies = find_copies(ours, theirs, affixes)
    firsts = first_rows(copies.train)
    texts = [affixes[0].bare(ours[row]) for row in firsts]
    near_train = [firsts[place] for place in near_copies(texts)]
    known = set(copies.train)
    own = [row for row in first_rows(copies.test) if copies.test[row] not in known]
    near = near_copies([affixes[1].bare(theirs[row]) for row in own], texts)
    numbers = {copies.test[own[place]] for place in near}
    near_test = [row for row, number in enumerate(copies.test) if number in numbers]
    return Overlaps(affixes, copies, near_train, near_test)


def audit_data(
    train: Dataset,
    test: Dataset | None = None,
    *,
    labels: LabelSet | None = None,
    reader: Reader | None = None,
    overlaps: Overlaps | None = None,
) -> Audit:
    """Audit the rows of ``train`` and, if given, of ``test``.

    Args:
        train: all rows of the training file.
        test: the rows to evaluate on.
        labels: the words that a model is to answer for each label; by default the labels found.
        reader: the tokenizer and template of a model; without it no tokens are counted.
        overlaps: the result of ``find_overlaps`` for the same rows, if it was called before.
    """
    ours, theirs = train.rows, test.rows if test else ()
    overlaps = overlaps or find_overlaps(train, test)
    affixes, copies = overlaps.affixes, overlaps.copies
    near_train, near_test = overlaps.near_train, overlaps.near_test
    declared = list(labels) if labels else []
    there = {row.output for row in (*ours, *theirs) if row.output is not None}
    names = declared + sorted(there.difference(declared))
    conflicting = conflicting_texts(copies, ours, theirs)
    train_part, found = _part(train, "train", names, affixes[0], reader)
    found += copy_findings(copies, conflicting)
    found += near_findings(near_train, len(ours), "train")
    found += label_findings([labels.surface(n) for n in labels] if labels else names, reader)
    test_part = None
    if test is not None:
        test_part, more = _part(test, "test", names, affixes[1], reader)
        found += [*more, *near_findings(near_test, len(theirs), "test")]
        found += affix_findings(train.inputs, test.inputs, affixes)
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
        label_conflicts=len(conflicting),
        smallest_difference=smallest_difference(len(theirs)) if test else None,
        findings=tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity))),
    )


def _part(
    data: Dataset, part: Part, names: Sequence[str], affixes: Affixes, reader: Reader | None
) -> tuple[PartAudit, list[Finding]]:
    counts = Counter(row.output for row in data.rows)
    tokens = reader.lengths(data.inputs) if reader and data.rows else []
    limit = reader.limit if reader else None
    described = PartAudit(
        source=data.source,
        rows=len(data),
        labels={name: counts[name] for name in names},
        unlabelled=counts[None],
        frame=affixes,
        characters=lengths_of([len(text) for text in data.inputs]),
        words=lengths_of([len(text.split()) for text in data.inputs]),
        tokens=token_counts(tokens, limit) if tokens else None,
    )
    found = [*length_findings(tokens, limit, part)]
    if rows := [place for place, row in enumerate(data.rows) if row.output is None]:
        have = rows_that(len(rows), len(data), part, "has", "have")
        what = f"{have} no label, and a run refuses such a file"
        remedy = "Label them, or remove them"
        found.append(finding("problem", f"unlabelled_{part}_rows", what, remedy, part, rows))
    return described, found


class PartAudit(Record):
    """A description of one part of the data."""

    source: str
    rows: int
    labels: dict[str, int]
    """Rows of each label."""
    unlabelled: int
    """Rows without a label."""
    frame: Affixes
    """The text that nearly every row has before and after its own text."""
    characters: Lengths | None
    """None if there are no rows."""
    words: Lengths | None
    tokens: TokenCounts | None
    """None if no tokenizer was given."""


class Audit(Record):
    """The audit of a training file and a test file.

    Fields about test rows are None if there are none. ``tunesmith.audit.copies`` defines a copy,
    ``tunesmith.audit.near`` a near copy.
    """

    train: PartAudit
    test: PartAudit | None
    duplicate_train_rows: int
    """Rows that repeat an earlier one."""
    duplicate_test_rows: int | None
    leaked_test_rows: int | None
    """Test rows with the text of a training row."""
    near_duplicate_train_rows: int
    """Rows that nearly repeat an earlier row, without the copies."""
    near_leaked_test_rows: int | None
    """Test rows that nearly repeat a training row, without the copies."""
    label_conflicts: int
    """Texts with more than one label, in one part or across both."""
    smallest_difference: float | None
    """The smallest difference in accuracy that the test rows establish with 80 % power; None if
    they establish none."""
    labels: dict[str, LabelTokens] = Field(default_factory=dict)
    """The tokens and probability of each label for the untuned model, if it was asked."""
    findings: tuple[Finding, ...]
    """The most serious first."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that make the results of a run less meaningful than they look."""
        return tuple(found for found in self.findings if found.severity == "problem")

    @property
    def notes(self) -> tuple[str, ...]:
        """The messages of the problems, which a run shows as its notes."""
        return tuple(found.message for found in self.problems)

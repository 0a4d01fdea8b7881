"""The audit of a training file and a test file, put together from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from tunesmith.audit.affixes import Affixes, affix_findings, find_affixes, without_chance_marks
from tunesmith.audit.balance import balance_findings, label_findings
from tunesmith.audit.copies import (
    Copies,
    conflicting_texts,
    copy_findings,
    find_copies,
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
from tunesmith.audit.near import Signatures, near_copies, near_findings
from tunesmith.audit.numbered import first_rows, rows_in
from tunesmith.audit.power import power_findings, smallest_difference
from tunesmith.labels import LabelSet
from tunesmith.records import LabelTokens, Record

if TYPE_CHECKING:
    from tunesmith.audit.numbered import Numbers


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The copies and near copies among the rows of both parts, the slowest part of an audit."""

    affixes: tuple[Affixes, Affixes]
    copies: Copies
    near_train: Numbers
    """Training rows that are near copies but not copies."""
    near_test: Numbers
    """Test rows that are near copies but not copies."""


class AuditedRows(Protocol):
    """Rows with labels, in memory (``Dataset``) or in a file (``dataset.stored.StoredRows``)."""

    @property
    def source(self) -> str:
        """The file, or the kind of object."""

    @property
    def inputs(self) -> Sequence[str]:
        """The text of each row."""

    @property
    def expected(self) -> Iterable[str | None]:
        """The label of each row."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Texts(Sequence[str]):
    """Some texts without their affixes."""

    every: Sequence[str]
    rows: Numbers
    affixes: Affixes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.affixes.bare(self.every[self.rows[place]])


def find_overlaps(train: AuditedRows, test: AuditedRows | None = None) -> Overlaps:
    """Find the copies and near copies among the rows of ``train`` and ``test``.

    Raises:
        OSError: the disk is full; the error names the folder of temporary files.
    """
    import numpy as np

    ours, theirs = train.inputs, test.inputs if test else []
    found = find_affixes(ours), find_affixes(theirs)
    affixes = without_chance_marks(*found), without_chance_marks(*found[::-1])
    copies = find_copies(ours, theirs, affixes)
    firsts = first_rows(copies.train)
    texts = Signatures(_Texts(ours, firsts, affixes[0]))
    near_train = firsts[near_copies(texts) >= 0]
    own = first_rows(copies.test)
    own = own[~np.isin(copies.test[own], copies.train)]
    near = near_copies(Signatures(_Texts(theirs, own, affixes[1])), texts)
    near_test = rows_in(copies.test, copies.test[own[near >= 0]])
    return Overlaps(affixes, copies, near_train, near_test)


def audit_data(
    train: AuditedRows,
    test: AuditedRows | None = None,
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

    Raises:
        OSError: as ``find_overlaps``.
    """
    overlaps = overlaps or find_overlaps(train, test)
    affixes, copies = overlaps.affixes, overlaps.copies
    near_train, near_test = overlaps.near_train, overlaps.near_test
    there: dict[str, int] = {}
    ours, theirs = (_numbered(part, there) for part in (train, test))
    declared = list(labels) if labels else []
    names = declared + sorted(there.keys() - declared)
    conflicting = conflicting_texts(copies, ours, theirs)
    counts = _counts(ours, there, names)
    train_part, found = _part(train, "train", counts, ours, affixes[0], reader)
    found += copy_findings(copies, conflicting)
    found += near_findings(near_train, len(ours), "train")
    found += label_findings([labels.surface(n) for n in labels] if labels else names, reader)
    test_part = None
    if test is not None:
        counts = _counts(theirs, there, names)
        test_part, more = _part(test, "test", counts, theirs, affixes[1], reader)
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


def _numbered(data: AuditedRows | None, known: dict[str, int]) -> Numbers:
    """Return a number for the label of each row, -1 for none; ``known`` gets new labels."""
    import numpy as np

    numbers = (
        -1 if label is None else known.setdefault(label, len(known))
        for label in (data.expected if data else ())
    )
    return np.fromiter(numbers, dtype=np.int64, count=len(data) if data else 0)


def _counts(numbers: Numbers, known: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Return the number of rows of each label, those of ``names`` that no row has included."""
    import numpy as np

    rows = np.bincount(numbers[numbers >= 0], minlength=len(known)).tolist()
    return {name: rows[known[name]] if name in known else 0 for name in names}


def _part(
    data: AuditedRows,
    part: Part,
    labels: dict[str, int],
    numbers: Numbers,
    affixes: Affixes,
    reader: Reader | None,
) -> tuple[PartAudit, list[Finding]]:
    import numpy as np

    size = len(data)
    tokens = reader.lengths(data.inputs) if reader else ()
    limit = reader.limit if reader else None
    characters, words = (
        np.fromiter(counts, dtype=np.int32, count=size)
        for counts in (map(len, data.inputs), (len(text.split()) for text in data.inputs))
    )
    (unlabelled,) = np.nonzero(numbers < 0)
    described = PartAudit(
        source=data.source,
        rows=size,
        labels=labels,
        unlabelled=len(unlabelled),
        frame=affixes,
        characters=lengths_of(characters),
        words=lengths_of(words),
        tokens=token_counts(tokens, limit),
    )
    found = [*length_findings(tokens, limit, part)]
    if len(unlabelled):
        have = rows_that(len(unlabelled), size, part, "has", "have")
        what = f"{have} no label, and a run refuses such a file"
        remedy = "Label them, or remove them"
        code = f"unlabelled_{part}_rows"
        found.append(finding("problem", code, what, remedy, part, unlabelled))
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
